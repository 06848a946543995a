"""The C compiler of this machine, and a folder with what it has compiled.

The compiler is tried once, in child processes: a program that it makes must run and print the right number. Compiled
programs are files named by a hash of text, compiler and processor, so all processes of a user share them. A library is
code that runs here: folder and files must belong to this user, and nobody else may write to them.
"""

from __future__ import annotations

import _ctypes
import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import weakref
from functools import cache
from pathlib import Path
from typing import NamedTuple

SWITCH_VARIABLE = "PLAYGROUND_COMPILED"  # environment variable: "on", or "off" to run everything on the tape
USUALLY = "off"
CANDIDATES = ("cc", "gcc", "clang")  # after the command in the environment variable CC
FLAGS = ("-std=gnu11", "-O2", "-ftree-vectorize", "-fno-math-errno", "-fno-trapping-math", "-fopenmp-simd", "-w")
NATIVE = ("-march=native",)  # left out if the compiler or the processor refuses it
TIMEOUT_S = 60.0
MAX_FILES = 400  # in the folder; the oldest are deleted
TRIAL = """#include <math.h>
#include <stdio.h>
int main(int count, char **words) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int k = 1; k < 100; k++) sum += sqrt(k * (double)count) * sqrt(k);
  return printf("%.0f", sum) < 0;
}
"""
TRIAL_OUTPUT = b"4950"
INSTALL_COMMANDS = {"linux": "sudo apt install gcc", "darwin": "xcode-select --install"}
_trying = threading.Lock()


class Compiler(NamedTuple):
    """A command with its flags, and an identity that differs if the compiler or the processor does."""

    command: tuple[str, ...]
    identity: str


class NoCompiler(Exception):
    """There is no compiler that works here, or it has failed; the message is a sentence."""


def compiler() -> Compiler:
    """The compiler of this machine. The first call may take a second. Raises NoCompiler."""
    with _trying:
        found = _search()
    if isinstance(found, str):
        raise NoCompiler(found)
    return found


def is_known() -> bool:
    """Whether the search for a compiler is over."""
    return _search.cache_info().currsize > 0


def is_switched_on() -> bool:
    return os.environ.get(SWITCH_VARIABLE, USUALLY).lower() != "off"


@cache
def _search() -> Compiler | str:
    """The first compiler that passes the trial, or why there is none."""
    if os.name == "nt":
        return "Steps are not compiled on Windows."
    commands = [tuple(shlex.split(os.environ.get("CC", ""))), *((name,) for name in CANDIDATES)]
    existing = [(path, *command[1:]) for command in commands if command and (path := shutil.which(command[0]))]
    if not existing:
        command = INSTALL_COMMANDS.get(sys.platform, "pkg install gcc")
        return f"There is no C compiler. Install one, for example with: {command}"
    for command in existing:
        for native in (NATIVE, ()):
            found = _with_identity((*command, *FLAGS, *native))
            if _passes_trial(found):
                return found
    return f"{existing[0][0]} cannot compile a small program."


def _with_identity(command: tuple[str, ...]) -> Compiler:
    file = Path(command[0]).resolve().stat()
    facts = (*command, file.st_size, file.st_mtime_ns, platform.machine(), _processor())
    return Compiler(command, "\n".join(map(str, facts)))


def _processor() -> str:
    """What -march=native depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return "\n".join(dict.fromkeys(line for line in lines if line.startswith(("model", "flags", "Features", "CPU "))))


def _passes_trial(tried: Compiler) -> bool:
    try:
        program = _file(tried, TRIAL, ())
        output = subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=True)
        return output.stdout == TRIAL_OUTPUT
    except (NoCompiler, OSError, subprocess.SubprocessError):
        return False


# Compiled programs ---------------------------------------------------------------------------------------------------

_loaded: weakref.WeakValueDictionary[Path, ctypes.CDLL] = weakref.WeakValueDictionary()
_loading = threading.Lock()


def library(text: str) -> ctypes.CDLL:
    """A program as a library, compiled unless a file has it; unloaded after its last use. Raises NoCompiler."""
    file = _file(compiler(), text, ("-shared", "-fPIC", "-fvisibility=default"))
    with _loading:
        found = _loaded.get(file)
        if found is None:
            try:
                found = _loaded[file] = ctypes.CDLL(str(file))
            except OSError as problem:
                raise NoCompiler(f"A compiled program cannot be loaded: {problem}.") from None
            weakref.finalize(found, _ctypes.dlclose, found._handle).atexit = False
        return found


def _file(found: Compiler, text: str, flags: tuple[str, ...]) -> Path:
    """The compiled file of a text. Raises NoCompiler."""
    name = hashlib.sha256("\0".join([found.identity, *flags, text]).encode()).hexdigest()
    try:
        folder = cache_folder()
        file = folder / name
        if _is_ours(file, stat.S_ISREG):
            return file
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            made = Path(temporary, "made")
            command = [*found.command, *flags, "-x", "c", "-", "-o", str(made), "-lm"]
            result = subprocess.run(command, input=text.encode(), capture_output=True, timeout=TIMEOUT_S, cwd=temporary)
            if result.returncode:
                raise NoCompiler(f"{found.command[0]} failed with exit status {result.returncode}.")
            made.chmod(0o700)
            made.replace(file)  # atomic: another process may make the same file
        _delete_oldest(folder)
    except (OSError, subprocess.SubprocessError) as problem:
        raise NoCompiler(f"Compiling failed ({type(problem).__name__}).") from None
    return file


def cache_folder() -> Path:
    """The folder of compiled programs; a temporary one for this process if the usual one is not safe to use."""
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "backprop-playground" / "compiled"
    try:
        usual.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_ours(usual, stat.S_ISDIR) and os.access(usual, os.W_OK):
            return usual
    except (OSError, RuntimeError):
        pass
    return Path(_temporary_folder().name)


@cache
def _temporary_folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="backprop-compiled-")


def _is_ours(path: Path, is_kind: object) -> bool:
    """Whether a path is of this kind, belongs to this user, and only this user may write to it."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return is_kind(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022  # pyright: ignore


def _delete_oldest(folder: Path) -> None:
    files = sorted((file for file in folder.iterdir() if file.is_file()), key=lambda file: file.stat().st_mtime_ns)
    for file in files[:-MAX_FILES]:
        file.unlink(missing_ok=True)
