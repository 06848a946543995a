"""Installs Backprop Playground into a virtual environment (.venv next to this file) and starts it.
Only the first start is slow; later ones install again only if the requirements have changed.

    python3 start.py [OPTIONS]        open the playground in the browser; options are passed to Streamlit
    python3 start.py test [OPTIONS]   run the tests; options are passed to pytest
    python3 start.py setup [FILES]    only install requirements files (default: requirements-dev.txt)
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
MIN_PYTHON = (3, 11)
COMMANDS = {  # name: requirements file, module to run
    "play": ("requirements.txt", ["streamlit", "run", "app.py"]),
    "test": ("requirements-dev.txt", ["pytest"]),
    "setup": ("requirements-dev.txt", []),
}


def check_version(version: tuple[int, int]) -> None:
    """Exit with one sentence if a Python (major, minor) is too old."""
    if version < MIN_PYTHON:
        sentence = "Backprop Playground needs Python {}.{} or newer; this is Python {}.{}."
        raise SystemExit(sentence.format(*MIN_PYTHON, *version))


def parse(arguments: list[str]) -> tuple[str, list[str]]:
    """Split the command line into a command and its options; exit with a sentence for an unknown one."""
    first = arguments[0] if arguments else "play"
    if first in COMMANDS:
        return first, arguments[1:]
    if first in ("-h", "--help"):
        print(__doc__)
        raise SystemExit(0)
    if not first.startswith("-"):
        raise SystemExit(f"Unknown command {first!r}; the commands are {', '.join(COMMANDS)}.")
    return "play", arguments


def environment_python(environment: Path, system: str = os.name) -> Path:
    """The path of an environment's interpreter; `system` is a value of os.name."""
    return environment / ("Scripts/python.exe" if system == "nt" else "bin/python")


def fingerprint(requirements: Path, python: Path) -> str:
    """Digest of a requirements file, the files it includes with -r, and the interpreter."""
    digest = hashlib.sha256(os.path.realpath(python).encode())
    files = [requirements]
    for file in files:  # grows during the loop
        text = file.read_text(encoding="utf-8")
        digest.update(text.encode())
        files += [file.parent / line[3:].strip() for line in text.splitlines() if line.startswith("-r ")]
    return digest.hexdigest()


def pip_command(python: Path) -> list[str]:
    """The pip for the environment of `python`: its own, or the system's where Debian packages ensurepip separately."""
    own, system = [str(python), "-m", "pip"], [sys.executable, "-m", "pip", "--python", str(python)]
    bundled = [str(python), "-m", "ensurepip", "--default-pip"]
    for attempt, pip in (([*own, "--version"], own), (bundled, own), ([*system, "--version"], system)):
        if subprocess.run(attempt, capture_output=True).returncode == 0:
            return pip
    raise SystemExit("This Python has no pip; on Debian or Ubuntu run: sudo apt install python3-venv")


def install(environment: Path, *requirements: Path) -> Path:
    """Install requirements files into the environment unless they are installed; returns its interpreter."""
    python = environment_python(environment)
    stamps = {environment / f"installed-{file.name}": file for file in requirements}
    for file in requirements:
        if not file.is_file():
            raise SystemExit(f"The file {file} does not exist.")
    if python.exists() and all(
        stamp.is_file() and stamp.read_text() == fingerprint(file, python) for stamp, file in stamps.items()
    ):
        return python
    if not python.exists():
        print(f"Creating an environment in {environment} ...", flush=True)
        if subprocess.call([sys.executable, "-m", "venv", "--without-pip", "--clear", str(environment)]) != 0:
            raise SystemExit("The environment could not be created; see the message above.")
    # Removed first and written last, so that an interrupted installation is repeated.
    for stamp in stamps:
        stamp.unlink(missing_ok=True)
    names = " and ".join(file.name for file in requirements)
    print(f"Installing {names}; the first time takes a few minutes ...", flush=True)
    # A recent pip chooses versions several times as fast. Without it, the older one does the same.
    subprocess.call(pip_install(python, "--quiet", "--upgrade", "pip"))
    if subprocess.call(pip_install(python, *(word for file in requirements for word in ("-r", str(file))))) != 0:
        raise SystemExit("The installation did not finish; see the message above. Run the same command to try again.")
    for stamp, file in stamps.items():
        stamp.write_text(fingerprint(file, python))
    return python


def pip_install(python: Path, *words: str) -> list[str]:
    """The command that installs. Python compiles a module when it is first imported: most of them never are."""
    return [*pip_command(python), "install", "--disable-pip-version-check", "--no-compile", *words]


def replace_process(words: list[str]) -> None:
    """Replace this process by a command, so that Ctrl-C reaches the command."""
    if os.name != "nt":
        os.execv(words[0], words)
    # On Windows exec does not wait: the child receives Ctrl-C itself, and this process only waits for it.
    signal.signal(signal.SIGINT, lambda *_: None)
    raise SystemExit(subprocess.call(words))


def main(arguments: list[str]) -> None:
    """Install what the command needs, then run it."""
    check_version(sys.version_info[:2])
    command, rest = parse(arguments)
    requirements, module = COMMANDS[command]
    os.chdir(ROOT)
    files = rest if rest and not module else [requirements]
    python = install(ROOT / ".venv", *(ROOT / file for file in files))
    if module:
        replace_process([str(python), "-m", *module, *rest])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        raise SystemExit(130) from None
