"""Kernels in CUDA where there is a C++ compiler and no graphics card: their arithmetic, one thread after the other."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import tempfile
from functools import cache
from typing import Any

THREADS = """static inline float sqrt(float x) {{ return __builtin_sqrtf(x); }}
static inline double sqrt(double x) {{ return __builtin_sqrt(x); }}
#define __global__
static struct {{ int x; }} blockIdx, blockDim, threadIdx, gridDim;
{source}
"""
LOOP = """
extern "C" void run_{name}(int blocks, int threads, {parameters}) {{
  gridDim.x = blocks; blockDim.x = threads;
  for (blockIdx.x = 0; blockIdx.x < blocks; blockIdx.x++)
    for (threadIdx.x = 0; threadIdx.x < threads; threadIdx.x++) {name}({arguments});
}}
"""


@cache
def compiled(source: str, name: str) -> Any:
    """The kernel as a C function that goes through its threads one after the other."""
    parameters = source.partition(f" {name}(")[2].partition(")")[0]
    arguments = ", ".join(re.split(r"[ *]", parameter)[-1] for parameter in parameters.split(", "))
    code = THREADS.format(source=source) + LOOP.format(name=name, parameters=parameters, arguments=arguments)
    folder = tempfile.mkdtemp()
    library = f"{folder}/{name}.so"
    words = ["g++", "-shared", "-fPIC", "-Wall", "-Werror", "-Wno-unused", "-x", "c++", "-", "-o", library]
    subprocess.run(words, input=code, text=True, check=True, capture_output=True)
    function = getattr(ctypes.CDLL(library), f"run_{name}")
    shutil.rmtree(folder)
    return function
