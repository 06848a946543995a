"""Who may import whom: every import of every room is read from its source and compared with the table below.
Sizes are checked with it, since a file that outgrows one screen after another usually does two things."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent


class Room(NamedTuple):
    """A file or folder, the parts of ours it may import, and the packages of others it may import."""

    path: str
    ours: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    lines: int = 320


# A file belongs to the first room that contains it. A folder may always import itself.
ROOMS = (
    Room("start.py"),
    Room("app.py", ("ui", "lab"), ("streamlit", "starlette", "plotly", "pandas")),
    Room("engine/backend.py", ("engine",), ("numpy", "cupy", "cupyx")),
    Room("engine", (), ("numpy",)),
    Room("data", (), ("numpy", "pandas", "pooch", "requests", "PIL")),
    Room("lab/model_file.py", ("engine", "data", "lab"), ("numpy", "safetensors")),
    Room("lab/export/onnx_model.py", ("engine", "data", "lab"), ("numpy", "onnx")),
    Room("lab", ("engine", "data"), ("numpy", "pandas", "pydantic", "pydantic_core")),
    Room("ui/figures", (), ("numpy", "plotly")),
    Room("ui/picture.py", (), ("numpy", "streamlit", "PIL")),
    Room("ui", ("lab", "engine", "data"), ("numpy", "pandas", "plotly", "pydantic", "streamlit", "starlette")),
    Room("pages", ("ui", "lab", "engine", "data"), ("numpy", "pandas", "streamlit"), lines=80),
    Room("bench", ("engine", "data", "lab", "ui", "app"), ("*",)),  # peers of every kind; nothing imports it
)
OURS = {"app", "bench", "data", "engine", "lab", "pages", "start", "tests", "ui"}
REFUSED = {"pickle", "shelve", "marshal"}  # of the standard library: reading such a file can run anything
UNSEEN = {"uvloop", "scikit-learn"}  # Streamlit imports it; its files are read
DISTRIBUTIONS = {
    "cupy": "cupy-cuda12x",
    "cupyx": "cupy-cuda12x",
    "starlette": "streamlit",
    "pydantic_core": "pydantic",
    "requests": "pooch",
    "PIL": "pillow",
}


def sources(root: Path) -> Iterator[tuple[Path, Room]]:
    """Every Python file of every room, with the room it belongs to."""
    for file in sorted(root.rglob("*.py")):
        path = file.relative_to(root).as_posix()
        room = next((room for room in ROOMS if f"{path}/".startswith(f"{room.path}/")), None)
        if room is not None:
            yield file, room


def imports(file: Path, root: Path) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything a file imports, relative and spelled-out dynamic imports included."""
    package = file.relative_to(root).parent.parts
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                start = package[: len(package) - level + 1] if level else ()
                yield from ((node.lineno, ".".join(filter(None, (*start, module, alias.name)))) for alias in names)
            case ast.Call(
                func=ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield node.lineno, name


def is_allowed(name: str, room: Room) -> bool:
    """Whether a file of the room may import the dotted name."""
    top = name.partition(".")[0]
    if top in OURS:
        itself = room.path.removesuffix(".py").replace("/", ".")
        return any(f"{name}.".startswith(f"{part}.") for part in (itself, *room.ours))
    if "*" in room.others:
        return True
    return top in room.others or (top in sys.stdlib_module_names and top not in REFUSED)


def import_violations(root: Path) -> list[str]:
    """One line for each import that the table does not allow."""
    return [
        f"{file.relative_to(root).as_posix()}:{line} may not import {name}"
        for file, room in sources(root)
        for line, name in imports(file, root)
        if not is_allowed(name, room)
    ]


def size_violations(root: Path) -> list[str]:
    """One line for each file that is longer than its room allows."""
    lengths = ((file, room, len(file.read_text(encoding="utf-8").splitlines())) for file, room in sources(root))
    return [
        f"{file.relative_to(root).as_posix()} has {length} lines, more than {room.lines}"
        for file, room, length in lengths
        if length > room.lines
    ]


def test_every_import_is_one_that_the_table_allows():
    assert import_violations(ROOT) == []


def test_no_file_is_longer_than_its_room_allows():
    assert size_violations(ROOT) == []


def test_every_package_of_the_table_is_declared_as_a_requirement():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    declared = set(re.findall(r"^[a-z][\w-]*", text, flags=re.MULTILINE))
    imported = {name for room in ROOMS for name in room.others if name != "*"}
    assert {DISTRIBUTIONS.get(name, name) for name in imported} | UNSEEN == declared


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("engine/layers.py", "import cupy"),
        ("engine/layers.py", "from cupyx import jit"),
        ("engine/layers.py", "import pandas as pd"),
        ("engine/layers.py", "from data import DATASETS"),
        ("engine/layers.py", "from lab.build import build"),
        ("engine/layers.py", "import importlib; importlib.import_module('cupy')"),
        ("engine/backend.py", "import streamlit"),
        ("data/toy.py", "from engine.network import Network"),
        ("data/uploads.py", "import pickle"),
        ("data/tables.py", "import joblib"),
        ("data/tables.py", "__import__('torch')"),
        ("lab/probes.py", "def probe():\n    import ui.state"),
        ("lab/worker.py", "import streamlit as st"),
        ("lab/build.py", "import tensorflow, jax"),
        ("ui/controls.py", "from pages import playground"),
        ("ui/live.py", "from bench.live import measure"),
        ("ui/figures/curves.py", "import streamlit"),
        ("ui/figures/curves.py", "from ui import state"),
        ("ui/figures/curves.py", "from ..state import experiment"),
        ("ui/figures/curves.py", "from engine import ACTIVATIONS"),
        ("ui/figures/curves.py", "import ui"),
        ("pages/playground.py", "import plotly.graph_objects as go"),
        ("pages/playground.py", "from tests.conftest import server"),
        ("bench/__main__.py", "from tests.conftest import server"),
        ("app.py", "import pages.playground"),
        ("start.py", "import numpy"),
        ("start.py", "from lab import pool"),
    ],
)
def test_a_planted_import_is_caught(tmp_path, path, line):
    plant(tmp_path, path, line)
    violations = import_violations(tmp_path)
    assert violations
    assert all(violation.startswith(f"{path}:") for violation in violations)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("engine/backend.py", "import cupy"),
        ("engine/layers.py", "from engine.backend import xp"),
        ("engine/layers.py", "from . import backend"),
        ("lab/build.py", "from data import DATASETS"),
        ("ui/figures/curves.py", "from ui.figures import theme"),
        ("ui/figures/curves.py", "from .theme import layout"),
        ("ui/panels.py", "from .figures.curves import loss"),
        ("pages/playground.py", "from ui import live"),
        ("bench/peers.py", "import torch"),
        ("app.py", "from ui.socket import routes"),
        ("notes/scratch.py", "import torch"),
    ],
)
def test_an_import_in_the_right_direction_is_let_through(tmp_path, path, line):
    plant(tmp_path, path, line)
    assert import_violations(tmp_path) == []


@pytest.mark.parametrize(("path", "allowed"), [("pages/help.py", 80), ("ui/live.py", 320), ("engine/backend.py", 320)])
def test_a_file_may_reach_its_limit_but_not_pass_it(tmp_path, path, allowed):
    plant(tmp_path, path, "pass\n" * allowed)
    assert size_violations(tmp_path) == []
    plant(tmp_path, path, "pass\n" * (allowed + 1))
    assert size_violations(tmp_path) == [f"{path} has {allowed + 1} lines, more than {allowed}"]


def plant(root: Path, path: str, text: str) -> None:
    """Writes one source file of a small tree of its own."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")
