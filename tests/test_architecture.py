"""Who may import whom: every import of every package is read from its source and compared with one table, and no two
modules may depend on each other in a circle. Imports under TYPE_CHECKING count like all others."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent


class Package(NamedTuple):
    """A file or folder, our packages that it may import, and the packages of others that it may import."""

    path: str
    ours: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


BELOW_KIT = ("ui.session", "ui.components", "ui.figures", "ui.streamlit_compat", "data.counted")
# A file belongs to the first row that contains it. A folder may always import itself.
PACKAGES = (
    Package("start.py"),
    Package(
        "app.py",
        ("ui.server", "ui.streamlit_compat", "lab.server", "lab.store", "lab.worker.local_pool", "lab.devices",
         "lab.experiment"),
        ("streamlit", "starlette", "plotly", "pandas"),
    ),
    # engine: the network from scratch
    Package("engine/formulas", (), ("numpy",)),
    Package("engine/blas.py", (), ("numpy",)),
    Package("engine/network", ("engine.formulas", "engine.blas"), ("numpy",)),
    Package("engine/step", ("engine.network", "engine.formulas"), ("numpy",)),
    Package("engine/tape", ("engine.step", "engine.network", "engine.formulas"), ("numpy",)),
    Package("engine/lowering", ("engine.formulas",), ("numpy",)),
    Package(
        "engine/c",
        ("engine.lowering", "engine.tape", "engine.step", "engine.network", "engine.formulas", "engine.blas"),
        ("numpy",),
    ),
    Package("engine/cards.py"),
    Package("engine/backend.py", ("engine.cards",), ("numpy", "cupy", "cupyx")),
    Package(
        "engine/gpu", ("engine.lowering", "engine.step", "engine.network", "engine.formulas", "engine.backend"),
        ("numpy",),
    ),
    Package(
        "engine/training",
        ("engine.c", "engine.gpu", "engine.tape", "engine.step", "engine.network", "engine.formulas", "engine.backend"),
        ("numpy",),
    ),
    Package("engine/__init__.py", ("engine.formulas",)),
    # data: where examples come from
    Package("data", (), ("numpy", "pandas", "pyarrow", "pooch", "requests", "PIL")),
    # lab: an experiment, and the processes that run it
    Package("lab/experiment", ("engine", "data"), ("numpy", "pydantic", "pydantic_core")),
    Package("lab/protocol", ("lab.experiment",), ("numpy",)),
    Package(
        "lab/training", ("lab.experiment", "lab.protocol", "engine", "data"),
        ("numpy", "safetensors", "pydantic", "pydantic_core"),
    ),
    Package("lab/race", ("engine",), ("numpy",)),
    Package("lab/devices", ("engine",), ("numpy",)),
    Package(
        "lab/queries", ("lab.training", "lab.race", "lab.experiment", "lab.protocol", "engine", "data"),
        ("numpy", "pydantic"),
    ),
    Package(  # the one place where both sides of the wall meet: a page without a server
        "lab/worker/local_pool.py", ("lab.worker", "lab.server", "lab.protocol", "lab.experiment"), (),
    ),
    Package(
        "lab/worker", ("lab.queries", "lab.training", "lab.experiment", "lab.protocol", "engine", "data"),
        ("numpy", "pydantic"),
    ),
    Package("lab/store/address.py", ("lab.experiment", "lab.server.checkpoint_store")),  # no database, as most pages
    Package("lab/store/kept_run.py", ("lab.experiment",), ("numpy",)),
    Package(
        "lab/store/exchange.py", ("lab.store.address", "lab.store.kept_run", "lab.experiment"), ("numpy", "pydantic"),
    ),
    Package(
        "lab/store/trackers.py",
        ("lab.store.address", "lab.store.kept_run", "lab.experiment", "engine.formulas"), ("numpy",),
    ),
    Package(
        "lab/store", ("lab.experiment", "lab.protocol", "lab.server.checkpoint_store", "lab.server.limits"),
        ("numpy", "pydantic", "sqlalchemy", "alembic"),
    ),
    Package("lab/server", ("lab.protocol", "lab.experiment", "engine"), ("numpy",)),
    Package(  # what trains the trials of a study, in other processes
        "lab/studies/trial.py",
        ("lab.studies.task", "lab.training", "lab.experiment", "lab.protocol", "engine", "data"), ("numpy",),
    ),
    Package(
        "lab/studies/worker.py", ("lab.studies.trial", "lab.studies.workers", "lab.worker.process_bounds"),
    ),
    Package("lab/studies/jobs.py", ("lab.studies", "lab.server", "lab.store", "lab.experiment")),
    Package("lab/studies/dask_workers.py", ("lab.studies", "lab.experiment"), ("distributed",)),
    Package(
        "lab/studies", ("lab.store", "lab.experiment", "lab.protocol", "engine.formulas", "data"),
        ("numpy", "optuna", "sqlalchemy"),
    ),
    Package(
        "lab/export", ("lab.training", "lab.experiment", "lab.protocol", "engine", "data"), ("numpy", "onnx", "pandas"),
    ),
    Package(
        "lab/__main__.py",
        ("lab.export", "lab.studies", "lab.store", "lab.training", "lab.experiment", "lab.protocol", "engine", "data"),
        ("numpy",),
    ),
    Package("lab", (), ()),
    # ui: what a visitor sees; parts of all pages first, then the packages of the pages, which do not know each other
    Package("ui/components"),
    Package("ui/figures", (), ("numpy", "plotly")),
    Package("ui/streamlit_compat", (), ("streamlit",)),
    Package("ui/session", ("ui.streamlit_compat", "ui.kit.escape", "lab", "data"), ("streamlit",)),
    Package("ui/server/javascript.py", ("lab", "data"), ()),
    Package(
        "ui/server", ("ui.components", "ui.session.waiting", "ui.streamlit_compat", "lab"), ("starlette", "plotly"),
    ),
    Package(
        "ui/kit", (*BELOW_KIT, "lab", "engine"), ("numpy", "plotly", "streamlit", "PIL"),
    ),
    Package("ui/header", ("ui.kit", *BELOW_KIT, "lab"), ("segno", "streamlit")),
    Package(
        "ui/playground", ("ui.kit", *BELOW_KIT, "ui.server.traffic", "lab", "engine", "data"), ("numpy", "streamlit"),
    ),
    Package("ui/functions", ("ui.kit", *BELOW_KIT, "engine"), ("numpy", "streamlit")),
    Package("ui/one_step", ("ui.kit", *BELOW_KIT, "lab", "engine", "data"), ("numpy", "pandas", "plotly", "streamlit")),
    Package("ui/optimizers", ("ui.kit", *BELOW_KIT, "lab", "engine", "data"), ("numpy", "streamlit")),
    Package("ui/health", ("ui.kit", *BELOW_KIT, "ui.playground.transport", "lab"), ("numpy", "streamlit")),
    Package("ui/images", ("ui.kit", *BELOW_KIT, "ui.playground.transport", "lab"), ("numpy", "pandas", "streamlit")),
    Package("ui/data", ("ui.kit", *BELOW_KIT, "lab", "data"), ("numpy", "pandas", "streamlit")),
    Package("ui/save", ("ui.kit", *BELOW_KIT, "lab", "data"), ("numpy", "streamlit")),
    Package("ui/compare", ("ui.kit", *BELOW_KIT, "ui.server.pictures", "lab"), ("numpy", "streamlit")),
    Package("ui/runs", ("ui.kit", *BELOW_KIT, "lab", "data"), ("numpy", "plotly", "streamlit")),
    Package("ui/studies", ("ui.kit", *BELOW_KIT, "lab", "data"), ("streamlit",)),
    Package("ui/device", ("ui.kit", *BELOW_KIT, "lab", "engine"), ("pandas", "streamlit")),
    Package("ui/router.py", ("ui.header", "ui.kit", "ui.streamlit_compat"), ("streamlit",)),
    Package("ui"),
    Package("pages", ("ui", "lab.experiment"), ("streamlit",)),
    Package("bench", ("engine", "data", "lab", "ui", "app"), ("*",)),  # peers of every kind; nothing imports it
    Package("examples", ("engine", "data", "lab"), ("numpy",)),
)  # fmt: skip
OURS = {"app", "bench", "data", "engine", "examples", "lab", "pages", "start", "tests", "ui"}
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


def sources(root: Path) -> Iterator[tuple[Path, Package]]:
    """Every Python file of every package, with the package it belongs to."""
    for file in sorted(root.rglob("*.py")):
        path = file.relative_to(root).as_posix()
        package = next((package for package in PACKAGES if f"{path}/".startswith(f"{package.path}/")), None)
        if package is not None:
            yield file, package


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


def is_allowed(name: str, package: Package) -> bool:
    """Whether a file of the package may import the dotted name."""
    top = name.partition(".")[0]
    if top in OURS:
        itself = package.path.removesuffix(".py").replace("/", ".")
        return any(f"{name}.".startswith(f"{part}.") for part in (itself, *package.ours))
    if "*" in package.others:
        return True
    return top in package.others or (top in sys.stdlib_module_names and top not in REFUSED)


def import_violations(root: Path) -> list[str]:
    """One line for each import that the table does not allow."""
    return [
        f"{file.relative_to(root).as_posix()}:{line} may not import {name}"
        for file, package in sources(root)
        for line, name in imports(file, root)
        if not is_allowed(name, package)
    ]


def circle(root: Path) -> list[str]:
    """The modules of one import circle, in order; empty where there is none."""
    files = {".".join(file.relative_to(root).with_suffix("").parts): file for file, _ in sources(root)}
    graph = {
        module: {
            other for _, name in imports(file, root) for other in (name, name.rpartition(".")[0]) if other in files
        }
        - {module}
        for module, file in files.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_every_import_is_one_that_the_table_allows():
    assert import_violations(ROOT) == []


def test_no_modules_import_each_other_in_a_circle():
    assert circle(ROOT) == []


def test_every_package_of_the_table_is_declared_as_a_requirement():
    files = ("requirements.txt", "requirements-dask.txt")
    text = "\n".join((ROOT / file).read_text(encoding="utf-8") for file in files)
    declared = set(re.findall(r"^[a-z][\w-]*", text, flags=re.MULTILINE))
    imported = {name for package in PACKAGES for name in package.others if name != "*"}
    assert {DISTRIBUTIONS.get(name, name) for name in imported} | UNSEEN == declared


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("engine/network/layers.py", "import cupy"),
        ("engine/network/layers.py", "from cupyx import jit"),
        ("engine/network/layers.py", "import pandas as pd"),
        ("engine/network/layers.py", "from data import DATASETS"),
        ("engine/network/layers.py", "from lab.build import build"),
        ("engine/network/layers.py", "import importlib; importlib.import_module('cupy')"),
        ("engine/network/layers.py", "from engine.tape.tape import Tape"),
        ("engine/formulas/losses.py", "from engine.network.network import Network"),
        ("engine/step/executor.py", "from engine.training.trainer import Trainer"),
        ("engine/gpu/executor.py", "if TYPE_CHECKING:\n    from engine.training.trainer import Trainer"),
        ("engine/lowering/fusion.py", "from engine.gpu import cuda"),
        ("engine/gpu/replica.py", "import cupy"),
        ("lab/server/pool.py", "from lab.training.run import Run"),
        ("lab/server/trial_runs.py", "from lab.queries.health import health"),
        ("lab/studies/search.py", "from lab.training.build import build"),
        ("lab/protocol/messages.py", "from lab.server.pool import WorkerPool"),
        ("lab/worker/scheduler.py", "from lab.server.pool import WorkerPool"),
        ("engine/backend.py", "import streamlit"),
        ("data/toy.py", "from engine.network import Network"),
        ("data/uploads.py", "import pickle"),
        ("data/tables.py", "import joblib"),
        ("data/tables.py", "__import__('torch')"),
        ("lab/probes.py", "def probe():\n    import ui.state"),
        ("lab/worker.py", "import streamlit as st"),
        ("lab/build.py", "import tensorflow, jax"),
        ("ui/controls.py", "from lab.experiment import presets"),
        ("ui/playground/controls.py", "from pages import playground"),
        ("ui/playground/live_view.py", "from bench.live import measure"),
        ("ui/save/model_files.py", "from ui.images import digit_pad"),
        ("ui/session/state.py", "from ui.kit import widgets"),
        ("ui/streamlit_compat/dom.py", "from ui.session import state"),
        ("ui/kit/widgets.py", "from ui.server import routes"),
        ("ui/server/routes.py", "from ui.session import state"),
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
        ("engine/network/layers.py", "from engine.formulas.tracing import trace_like"),
        ("engine/network/layers.py", "from . import convolution"),
        ("engine/training/trainer.py", "from engine.backend import Backend"),
        ("lab/training/build.py", "from data import DATASETS"),
        ("ui/figures/curves.py", "from ui.figures import theme"),
        ("ui/figures/curves.py", "from .theme import layout"),
        ("ui/kit/charts.py", "from ..figures.curves import loss"),
        ("pages/playground.py", "from ui.playground import live_view"),
        ("bench/peers.py", "import torch"),
        ("app.py", "from ui.server.routes import ROUTES"),
        ("notes/scratch.py", "import torch"),
    ],
)
def test_an_import_in_the_right_direction_is_allowed(tmp_path, path, line):
    plant(tmp_path, path, line)
    assert import_violations(tmp_path) == []


def test_a_planted_circle_is_caught_even_under_type_checking(tmp_path):
    plant(tmp_path, "engine/step/a.py", "from engine.step import b")
    plant(tmp_path, "engine/step/b.py", "from engine.step.c import thing")
    plant(tmp_path, "engine/step/c.py", "if TYPE_CHECKING:\n    from engine.step.a import thing")
    assert set(circle(tmp_path)) == {"engine.step.a", "engine.step.b", "engine.step.c"}


def plant(root: Path, path: str, text: str) -> None:
    """Writes one source file of a small tree of its own."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")
