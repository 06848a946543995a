"""Runs CUDA kernels with a C++ compiler and without a card: their arithmetic, one thread after the other.

Threads that wait for each other become fibers of one thread: all of a block run up to the barrier, then all continue. A
barrier that only some of them reach ends the program, as on a card it would hang.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

LIBRARIES = Path(__file__).parents[3] / ".pytest_cache/kernels"  # test processes compile many equal ones
MATHEMATICS = "".join(
    f"static inline float {name}(float x) {{ return __builtin_{name}f(x); }}\n"
    f"static inline double {name}(double x) {{ return __builtin_{name}(x); }}\n"
    for name in ("fabs", "cos", "exp", "log", "log1p", "sin", "sqrt", "tanh")
)
THREADS = """#include <setjmp.h>
#include <stdlib.h>
#include <ucontext.h>
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return (unsigned __int128)a * b >> 64;
}
#define __global__
#define __device__
#define __shared__ static
static struct { int x; } blockIdx, blockDim, threadIdx, gridDim;
"""
LOOP = """
extern "C" void {run}(int blocks, int threads, {parameters}) {{
  gridDim.x = blocks; blockDim.x = threads;
  for (blockIdx.x = 0; blockIdx.x < blocks; blockIdx.x++)
    for (threadIdx.x = 0; threadIdx.x < threads; threadIdx.x++) {name}({arguments});
}}
"""
BARRIER = """
static jmp_buf all, fibers[1024];
static ucontext_t first;
static bool begun[1024];
static int finished;
static void __syncthreads() { if (!_setjmp(fibers[threadIdx.x])) _longjmp(all, 1); }
"""
FIBERS = """
{given}
static void fiber() {{ for (;;) {{ {name}({passed}); finished++; __syncthreads(); }} }}
extern "C" void {run}(int blocks, int threads, {parameters}) {{
  gridDim.x = blocks; blockDim.x = threads;
  {taken}
  for (blockIdx.x = 0; blockIdx.x < blocks; blockIdx.x++)
    for (finished = 0; finished < threads;) {{
      if (finished) abort();
      for (threadIdx.x = 0; threadIdx.x < threads; threadIdx.x++) {{
        if (_setjmp(all)) continue;
        if (begun[threadIdx.x]) _longjmp(fibers[threadIdx.x], 1);
        begun[threadIdx.x] = true;
        getcontext(&first);
        first.uc_stack.ss_sp = malloc(17000);
        first.uc_stack.ss_size = 17000;
        makecontext(&first, fiber, 0);
        setcontext(&first);
      }}
    }}
}}
"""


COMMAND = ["g++", "-O1", "-shared", "-fPIC", "-Wl,-Bsymbolic", "-Wall", "-Werror", "-Wno-unused", "-x", "c++", "-"]


@cache
def compiled(source: str, name: str) -> Any:
    """The kernel as a C function that runs its blocks and threads one after the other."""
    compile_together([(source, name)])
    run, _ = in_c(source, name)
    return getattr(ctypes.CDLL(str(LIBRARIES / f"{run}.so")), run)


def compile_together(kernels: list[tuple[str, str]]) -> None:
    """Compile the kernels (source, name) that are not compiled yet, all in one run of the compiler."""
    codes = dict(in_c(*kernel) for kernel in kernels)
    missing = {run: code for run, code in codes.items() if not (LIBRARIES / f"{run}.so").exists()}
    if not missing:
        return
    LIBRARIES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=LIBRARIES) as folder:  # another process may write the same
        together = Path(folder, "kernels.so")
        code = THREADS + MATHEMATICS + "".join(missing.values())
        subprocess.run([*COMMAND, "-o", together], input=code, text=True, check=True, capture_output=True)
        for run in missing:
            link = Path(folder, run)
            os.link(together, link)
            link.replace(LIBRARIES / f"{run}.so")


@cache
def in_c(source: str, name: str) -> tuple[str, str]:
    """The name of the function that runs a kernel, and both in C++, in a namespace of their own."""
    parameters = re.sub(r"\s+", " ", source.partition(f" void {name}(")[2].partition(")")[0])
    names = [re.split(r"[ *]", parameter)[-1] for parameter in parameters.split(", ")]
    digest = hashlib.sha256(" ".join([*COMMAND, THREADS, BARRIER, FIBERS, LOOP, source]).encode()).hexdigest()
    words = {"name": name, "run": f"run_{digest}", "parameters": parameters, "arguments": ", ".join(names)}
    source = source.replace('extern "C" ', "")
    if "__syncthreads" in source:
        given = [re.sub(r"(\w+)$", r"given_\1;", f"static {parameter}") for parameter in parameters.split(", ")]
        words |= {"given": "\n".join(given), "passed": ", ".join(f"given_{word}" for word in names)}
        words["taken"] = " ".join(f"given_{word} = {word};" for word in names)
        code = BARRIER + source + FIBERS.format(**words)
    else:
        code = source + LOOP.format(**words)
    return words["run"], f"namespace of_{digest} {{ {code} }}\n"


def nvrtc() -> Any:
    """((source, name) pairs, architecture) -> machine code, by NVIDIA's compiler; None where that is not installed."""
    spec = importlib.util.find_spec("nvidia")
    folders = [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []
    found = [
        file for folder in folders for file in folder.glob("cuda_nvrtc/lib/libnvrtc.so.*") if "alt" not in file.name
    ]
    if not found:
        return None
    library = ctypes.CDLL(str(found[0]))

    def compile(kernels: list[tuple[str, str]], architecture: int) -> bytes:
        prelude = next(source for source, _ in kernels if source.startswith("typedef")).partition('extern "C"')[0]
        parts = [source[source.index('extern "C"') :].replace(f" {name}(", f" {name}_{number}(", 1)
                 for number, (source, name) in enumerate(kernels)]  # fmt: skip
        program = ctypes.c_void_p()
        code = (prelude + "".join(parts)).encode()
        assert library.nvrtcCreateProgram(ctypes.byref(program), code, b"step.cu", 0, None, None) == 0
        options = (ctypes.c_char_p * 3)(b"-std=c++17", f"-arch=sm_{architecture}".encode(), b"-Xptxas=-O1")
        status, size = library.nvrtcCompileProgram(program, 3, options), ctypes.c_size_t()
        library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        library.nvrtcGetProgramLog(program, log)
        assert status == 0, log.value.decode()
        library.nvrtcGetCUBINSize(program, ctypes.byref(size))
        cubin = ctypes.create_string_buffer(size.value)
        library.nvrtcGetCUBIN(program, cubin)
        library.nvrtcDestroyProgram(ctypes.byref(program))
        return cubin.raw

    return compile
