"""Sets up Backprop Playground in a folder of its own (.venv beside this file) and starts it.
Only the first start takes long; later ones install again only when the requirements have changed.

    python3 start.py [OPTIONS]        open the playground in the browser; options go to Streamlit
    python3 start.py test [OPTIONS]   run the tests; options go to pytest
    python3 start.py setup [FILE]     only install a requirements file; without FILE the developers' one
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
OLDEST = (3, 11)
COMMANDS = {  # name: what it installs, the module it becomes
    "play": ("requirements.txt", ["streamlit", "run", "app.py"]),
    "test": ("requirements-dev.txt", ["pytest"]),
    "setup": ("requirements-dev.txt", []),
}


def check_version(version: tuple[int, int]) -> None:
    """SystemExit with one sentence when a Python (major, minor) is too old."""
    if version < OLDEST:
        sentence = "Backprop Playground needs Python {}.{} or newer; this is Python {}.{}."
        raise SystemExit(sentence.format(*OLDEST, *version))


def parse(arguments: list[str]) -> tuple[str, list[str]]:
    """Splits the command line into a command and the words it passes on; SystemExit explains an unknown one."""
    first = arguments[0] if arguments else "play"
    if first in COMMANDS:
        return first, arguments[1:]
    if first in ("-h", "--help"):
        print(__doc__)
        raise SystemExit(0)
    if not first.startswith("-"):
        raise SystemExit(f"There is no command {first!r}; the commands are {', '.join(COMMANDS)}.")
    return "play", arguments


def environment_python(environment: Path, system: str = os.name) -> Path:
    """Where the interpreter of an environment stands; `system` is a value of os.name."""
    return environment / ("Scripts/python.exe" if system == "nt" else "bin/python")


def fingerprint(requirements: Path, python: Path) -> str:
    """Digest of a requirements file, of the files it includes with -r, and of the interpreter it is meant for."""
    digest = hashlib.sha256(os.path.realpath(python).encode())
    files = [requirements]
    for file in files:  # which grows while it is read
        text = file.read_text(encoding="utf-8")
        digest.update(text.encode())
        files += [file.parent / line[3:].strip() for line in text.splitlines() if line.startswith("-r ")]
    return digest.hexdigest()


def pip_command(python: Path) -> list[str]:
    """The pip that fills the environment of `python`: its own, or the system's where Debian has split ensurepip off."""
    own, system = [str(python), "-m", "pip"], [sys.executable, "-m", "pip", "--python", str(python)]
    bundled = [str(python), "-m", "ensurepip", "--default-pip"]
    for attempt, pip in (([*own, "--version"], own), (bundled, own), ([*system, "--version"], system)):
        if subprocess.run(attempt, capture_output=True).returncode == 0:
            return pip
    raise SystemExit("This Python has no pip; on Debian or Ubuntu run: sudo apt install python3-venv")


def install(requirements: Path, environment: Path) -> Path:
    """Makes the environment hold the requirements and returns its interpreter; does nothing when it already does."""
    python = environment_python(environment)
    stamp = environment / f"installed-{requirements.name}"
    if not requirements.is_file():
        raise SystemExit(f"There is no file {requirements}.")
    if python.exists() and stamp.is_file() and stamp.read_text() == fingerprint(requirements, python):
        return python
    if not python.exists():
        print(f"Creating an environment in {environment} ...", flush=True)
        if subprocess.call([sys.executable, "-m", "venv", "--without-pip", "--clear", str(environment)]) != 0:
            raise SystemExit("The environment could not be created; the reason stands above.")
    # The stamp goes first and comes back last, so that an interrupted installation is taken up again.
    stamp.unlink(missing_ok=True)
    pip = pip_command(python)
    print(f"Installing {requirements.name}; the first time takes a few minutes ...", flush=True)
    if subprocess.call([*pip, "install", "--disable-pip-version-check", "-r", str(requirements)]) != 0:
        raise SystemExit("The installation did not finish; the reason stands above. The same command tries again.")
    stamp.write_text(fingerprint(requirements, python))
    return python


def become(words: list[str]) -> None:
    """Hands this process over to a command, so that Ctrl-C reaches it and leaves nothing behind."""
    if os.name != "nt":
        os.execv(words[0], words)
    # On Windows exec does not wait: the child hears Ctrl-C by itself, and this process only waits for its end.
    signal.signal(signal.SIGINT, lambda *_: None)
    raise SystemExit(subprocess.call(words))


def main(arguments: list[str]) -> None:
    """Installs what the command needs, then becomes it."""
    check_version(sys.version_info[:2])
    command, rest = parse(arguments)
    requirements, module = COMMANDS[command]
    os.chdir(ROOT)
    python = install(ROOT / (rest[0] if rest and not module else requirements), ROOT / ".venv")
    if module:
        become([str(python), "-m", *module, *rest])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        raise SystemExit(130) from None
