"""The C compiler of this machine, and a folder with what it has compiled.

The compiler is tried once, in child processes: a program that it makes must run and print the right number. Compiled
programs are files named by a hash of text, compiler and processor, so all processes of a user share them, and one of
them compiles at a time. A library is code that runs here: folder and files must belong to this user, and nobody else
may write to them.
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
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

if os.name != "nt":
    import fcntl

SWITCH_VARIABLE = "PLAYGROUND_COMPILED"  # environment variable: "off": all runs are on the tape; "wait": see below
CANDIDATES = ("cc", "gcc", "clang")  # after the command in the environment variable CC
FLAGS = ("-std=gnu11", "-O2", "-ftree-vectorize", "-fno-math-errno", "-fno-trapping-math", "-fopenmp-simd", "-w")
OPTIONAL = (  # left out if the compiler or the processor refuses them; -fipa-cp-clone: products for each width
    ("-march=native", "-fipa-cp-clone"),
    ("-march=native",),
    (),
)
# Not linking the start files of programs, which a library does not need, saves a thirtieth of the time of compiling.
LIBRARY = ("-shared", "-fPIC", "-fvisibility=default", *(("-nostdlib",) if sys.platform == "linux" else ()))
LINKED = ("-lm", "-lc", *(("-lgcc",) if sys.platform == "linux" else ()))
TIMEOUT_S = 60.0
MAX_FILES, MAX_MB = 500, 200  # in the folder; what has not been used for the longest time is deleted
MIN_FREE_MB = 10  # on its disk
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
INSTALL_COMMANDS = {"linux": "sudo apt install gcc libc6-dev", "darwin": "xcode-select --install"}
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
    return os.environ.get(SWITCH_VARIABLE, "").lower() != "off"


def is_waited_for() -> bool:
    """Whether everything waits for the compiler, however long, so that runs have the same bits on a busy machine."""
    return os.environ.get(SWITCH_VARIABLE, "").lower() == "wait"


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
    problems, more = [], shlex.split(os.environ.get("CFLAGS", ""))
    for command in existing:
        for optional in OPTIONAL:
            found = _with_identity((*command, *FLAGS, *optional, *more))
            if not (problem := _trial_problem(found)):
                return found
            problems.append(problem)
    return f"{existing[0][0]} does not work: {problems[0]}"


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


def _trial_problem(tried: Compiler) -> str:
    """Why a small program does not compile or run, as a sentence; empty if it does."""
    try:
        program = _file(tried, TRIAL, ())
        output = subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=True)
        return "" if output.stdout == TRIAL_OUTPUT else "A small program computes a wrong number."
    except NoCompiler as problem:
        return str(problem)
    except (OSError, subprocess.SubprocessError) as problem:
        return f"A small program cannot be run ({type(problem).__name__})."


# Compiled programs ---------------------------------------------------------------------------------------------------

_loaded: weakref.WeakValueDictionary[Path, ctypes.CDLL] = weakref.WeakValueDictionary()
_loading = threading.Lock()


def library(text: str) -> ctypes.CDLL:
    """A program as a library, compiled unless a file has it; unloaded after its last use. Raises NoCompiler."""
    file = _file(compiler(), text, LIBRARY)
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
    name = hashlib.sha256("\0".join([found.identity, *flags, *LINKED, text]).encode()).hexdigest()
    try:
        folder = cache_folder()
        file = folder / name
        if not _is_ours(file, stat.S_ISREG):
            with _turn(folder):
                if not _is_ours(file, stat.S_ISREG):  # another process may have compiled it meanwhile
                    _delete_oldest(folder)
                    _compile(found, text, flags, file)
        now = time.time_ns()  # the clock of a file system is coarse: two uses would be equal
        os.utime(file, ns=(now, now))  # it has been used
    except (OSError, subprocess.SubprocessError) as problem:
        raise NoCompiler(f"Compiling failed: {getattr(problem, 'strerror', '') or type(problem).__name__}.") from None
    return file


def _compile(found: Compiler, text: str, flags: tuple[str, ...], file: Path) -> None:
    if shutil.disk_usage(file.parent).free < MIN_FREE_MB * 2**20:
        raise NoCompiler("There is no space left for compiled programs.")
    with tempfile.TemporaryDirectory(dir=file.parent) as temporary:
        made = Path(temporary, "made")
        command = [*found.command, *flags, "-pipe", "-x", "c", "-", "-o", str(made), *LINKED]
        result = subprocess.run(command, input=text.encode(), capture_output=True, timeout=TIMEOUT_S, cwd=temporary)
        if result.returncode:
            raise NoCompiler(f"{found.command[0]} failed with exit status {result.returncode}.")
        made.chmod(0o700)
        made.replace(file)


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Wait until no other process uses a compiler. The lock of a process that dies is released."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


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
    return is_kind(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022  # pyrefly: ignore


def _delete_oldest(folder: Path) -> None:
    """Make room for one more file. Folders were left behind by a process that died, if it is our turn."""
    total = 0
    paths = sorted(folder.iterdir(), key=lambda path: path.lstat().st_mtime_ns, reverse=True)
    for number, path in enumerate(paths):
        total += path.lstat().st_size
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif number >= MAX_FILES - 1 or total > MAX_MB * 2**20:
            path.unlink(missing_ok=True)
