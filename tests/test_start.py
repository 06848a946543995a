"""start.py: the required Python, the command line, and when an installation is up to date."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import start


@pytest.fixture
def project(tmp_path):
    """A folder with two requirements files, one including the other, and an empty environment."""
    (tmp_path / "requirements.txt").write_text("numpy\n")
    (tmp_path / "requirements-dev.txt").write_text("-r requirements.txt\npytest\n")
    python = start.environment_python(tmp_path / ".venv")
    python.parent.mkdir(parents=True)
    python.touch()
    return tmp_path


@pytest.fixture
def installations(project, monkeypatch):
    """Collects the commands, except the upgrade of pip, instead of running them; `result` is what pip returns."""

    class Commands(list):
        result: int = 0

    commands = Commands()

    def call(command, **_):
        if command[-1] == "pip":
            return 1  # as without a network
        commands.append(command)
        return commands.result

    monkeypatch.setattr(start.subprocess, "call", call)
    monkeypatch.setattr(start, "pip_command", lambda python: ["pip"])
    return commands


@pytest.mark.parametrize("version", [(2, 7), (3, 8), (3, 10)])
def test_an_old_python_gets_a_sentence_with_both_versions(version):
    with pytest.raises(SystemExit) as stop:
        start.check_version(version)
    assert stop.value.code == (
        f"Backprop Playground needs Python 3.11 or newer; this is Python {version[0]}.{version[1]}."
    )


@pytest.mark.parametrize("version", [(3, 11), (3, 14), (4, 0)])
def test_a_recent_python_is_accepted(version):
    assert start.check_version(version) is None


def test_an_old_python_can_parse_start_py():
    ast.parse(Path(start.__file__).read_text(encoding="utf-8"), feature_version=(3, 7))


def test_start_py_imports_only_the_standard_library():
    tree = ast.parse(Path(start.__file__).read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names <= sys.stdlib_module_names


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ([], ("play", [])),
        (["play"], ("play", [])),
        (["--server.port", "8600"], ("play", ["--server.port", "8600"])),
        (["test", "-x", "tests/engine"], ("test", ["-x", "tests/engine"])),
        (["setup", "requirements-gpu.txt"], ("setup", ["requirements-gpu.txt"])),
    ],
)
def test_the_first_word_is_the_command(words, meaning):
    assert start.parse(words) == meaning


def test_an_unknown_command_is_refused_with_the_known_ones():
    with pytest.raises(SystemExit, match=r"Unknown command 'tets'; the commands are play, test, setup"):
        start.parse(["tets"])


def test_help_is_printed_and_exits_with_0(capsys):
    with pytest.raises(SystemExit) as stop:
        start.parse(["--help"])
    assert stop.value.code == 0
    assert "python3 start.py test" in capsys.readouterr().out


@pytest.mark.parametrize(("system", "place"), [("posix", "bin/python"), ("nt", "Scripts/python.exe")])
def test_the_interpreter_is_where_the_system_puts_it(system, place):
    assert start.environment_python(Path(".venv"), system) == Path(".venv", place)


@pytest.mark.parametrize("changed", ["requirements.txt", "requirements-dev.txt"])
def test_the_fingerprint_covers_included_files(project, changed):
    before = start.fingerprint(project / "requirements-dev.txt", Path("python"))
    assert start.fingerprint(project / "requirements-dev.txt", Path("python")) == before
    (project / changed).write_text("-r requirements.txt\nhypothesis\n" if "dev" in changed else "pandas\n")
    assert start.fingerprint(project / "requirements-dev.txt", Path("python")) != before


def test_the_fingerprint_depends_on_the_interpreter(project):
    one, other = (start.fingerprint(project / "requirements.txt", Path(name)) for name in ("python3.11", "python3.12"))
    assert one != other


def test_every_command_names_a_requirements_file_that_exists():
    assert [name for name, _ in start.COMMANDS.values() if not (start.ROOT / name).is_file()] == []


def test_a_second_start_installs_nothing(project, installations):
    for _ in range(2):
        start.install(project / ".venv", project / "requirements.txt")
    options = ["--disable-pip-version-check", "--no-compile"]
    assert installations == [["pip", "install", *options, "-r", str(project / "requirements.txt")]]


def test_several_files_are_installed_by_one_command(project, installations):
    (project / "requirements-gpu.txt").write_text("cupy\n")
    files = [project / "requirements-dev.txt", project / "requirements-gpu.txt"]
    for each in ((files[0],), files, files, (files[1],)):
        start.install(project / ".venv", *each)
    found = [[word for word in command if word.endswith(".txt")] for command in installations]
    assert found == [[str(files[0])], [str(file) for file in files]]


def test_changed_requirements_are_installed_again(project, installations):
    start.install(project / ".venv", project / "requirements-dev.txt")
    (project / "requirements.txt").write_text("numpy\npandas\n")
    start.install(project / ".venv", project / "requirements-dev.txt")
    assert len(installations) == 2


def test_a_failed_installation_is_repeated(project, installations):
    start.install(project / ".venv", project / "requirements.txt")
    (project / "requirements.txt").write_text("pandas\n")
    installations.result = 1
    with pytest.raises(SystemExit, match="did not finish"):
        start.install(project / ".venv", project / "requirements.txt")
    (project / "requirements.txt").write_text("numpy\n")  # the old text, whose stamp must be gone
    installations.result = 0
    start.install(project / ".venv", project / "requirements.txt")
    assert len(installations) == 3


def test_a_missing_environment_is_created_first(project, installations):
    start.environment_python(project / ".venv").unlink()
    start.install(project / ".venv", project / "requirements.txt")
    assert [command[2] for command in installations] == ["venv", "--disable-pip-version-check"]


@pytest.mark.parametrize(
    ("working", "found"),
    [
        ("python -m pip --version", "python -m pip"),
        ("python -m ensurepip --default-pip", "python -m pip"),
        ("system -m pip --python python --version", "system -m pip --python python"),
    ],
)
def test_pip_comes_from_the_environment_or_the_system(monkeypatch, working, found):
    monkeypatch.setattr(start.sys, "executable", "system")
    monkeypatch.setattr(start.subprocess, "run", only_this_command_works(working))
    assert start.pip_command(Path("python")) == found.split()


def test_a_missing_pip_gives_a_sentence(monkeypatch):
    monkeypatch.setattr(start.subprocess, "run", only_this_command_works(""))
    with pytest.raises(SystemExit, match="sudo apt install python3-venv"):
        start.pip_command(Path("python"))


def only_this_command_works(working: str):
    """A stand-in for subprocess.run in which every other command fails."""

    def run(command, **_):
        return start.subprocess.CompletedProcess(command, 0 if " ".join(command) == working else 1)

    return run
