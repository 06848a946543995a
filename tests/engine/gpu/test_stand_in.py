"""The fake CuPy is as strict as CuPy, and NVIDIA's compiler accepts the kernels."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from tests.engine.gpu import cuda_in_c, fake_cupy
from tests.engine.gpu.fake_cupy import CARD
from tests.engine.gpu.test_quantized_inputs import trainer_on
from tests.engine.helpers import compiled

ENGINE = Path(__file__).parents[3] / "engine"


@pytest.mark.parametrize(
    "mix",
    [
        lambda a: a + np.ones(3),
        lambda a: np.ones(3) * a,
        lambda a: np.asarray(a),
        lambda a: np.array(2.0) * a,
        lambda a: a.__setitem__(slice(None), np.ones(3)),
        lambda a: np.maximum.reduce(a),
        lambda a: np.exp(a, where=True),
        lambda a: list(a),
        lambda a: np.where(a, a, a),
    ],
)
def test_the_stand_in_refuses_what_cupy_refuses(backend, mix):
    with pytest.raises((TypeError, NotImplementedError)):
        mix(backend.send(np.ones(3)))


def test_the_stand_in_counts_what_waits(backend):
    a = backend.send(np.ones(3))
    CARD.waits = 0
    for ask in (float, bool, int):
        ask(a.sum())
    backend.fetch(a)
    backend.wait()
    a.set(np.ones(3))
    assert CARD.waits == 6


UFUNCS = {  # functions that the formulas of the engine call, by name or as an operator
    "abs", "add", "cos", "divide", "equal", "exp", "greater", "greater_equal", "heaviside", "less", "log", "log1p",
    "matmul", "maximum", "minimum", "multiply", "negative", "power", "sign", "sin", "sqrt", "subtract", "tanh",
}  # fmt: skip
FORMULAS = (
    "formulas/activations", "formulas/losses", "formulas/optimizers", "formulas/regularizers", "formulas/tracing",
    "network/convolution", "network/layers", "network/normalization", "step/gradient", "step/update",
)  # fmt: skip
ON_HOST = {"arange", "array", "asarray", "ascontiguousarray", "bincount", "broadcast_to", "column_stack", "empty",
           "errstate", "eye", "full", "isfinite", "ones", "prod", "zeros"}  # fmt: skip


def test_the_stand_in_offers_nothing_that_cupy_lacks():
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    for name in [*UFUNCS, *fake_cupy.FUNCTIONS, "empty", "take", "get_default_memory_pool"]:
        home = cupy.lib.stride_tricks if name == "sliding_window_view" else cupy
        assert callable(getattr(home, name))
    methods = {name for name in vars(fake_cupy.ndarray) if not name.startswith("_")}
    assert methods <= set(dir(cupy.ndarray))
    assert set(vars(fake_cupy.cuda)) <= set(dir(cupy.cuda))
    for name in ("zeros_like", "take", "clip", "concatenate"):
        ours = inspect.signature(getattr(fake_cupy, name)).parameters
        theirs = list(inspect.signature(getattr(cupy, name)).parameters)
        assert len(ours) <= len(theirs)
        assert [word for word in ("order", "shape", "axis", "out") if word in ours and word not in theirs] == []


def test_the_formulas_call_only_functions_that_cupy_has():
    sources = [(ENGINE / f"{name}.py").read_text(encoding="utf-8") for name in FORMULAS]
    called = {name for source in sources for name in re.findall(r"\bnp\.([a-z_0-9]+)\(", source)}
    assert called - ON_HOST <= {*UFUNCS, *fake_cupy.FUNCTIONS}


# Graphs ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "act",
    [
        lambda b, a: a + a,
        lambda b, a: a @ a,
        lambda b, a: b.send(np.ones(3)),
        lambda b, a: b.fetch(a),
        lambda b, a: float(a.sum()),
        lambda b, a: b.wait(),
        lambda b, a: b.xp.empty(77),
        lambda b, a: b.xp.RawKernel('extern "C" __global__ void f(int n) { }', "f")((1,), (1,), (np.int32(1),)),
    ],
)
def test_the_stand_in_refuses_the_same_calls_during_capture(backend, act):
    a = backend.send(np.ones((3, 3)))
    stream = backend.xp.cuda.Stream(non_blocking=True)
    with stream:
        stream.begin_capture()
        with pytest.raises(fake_cupy.StreamCaptureError):
            act(backend, a)
        with pytest.raises(fake_cupy.StreamCaptureError, match="Invalidated"):
            stream.end_capture()


@compiled
def test_captured_kernels_run_with_every_launch_and_not_before(backend):
    kernel = backend.xp.RawKernel('extern "C" __global__ void f(double *a) { a[threadIdx.x] += 1; }', "f")
    a = backend.send(np.zeros(2))
    kernel((1,), (2,), (a,))
    stream = backend.xp.cuda.Stream(non_blocking=True)
    with stream:
        stream.begin_capture()
        kernel((1,), (2,), (a,))
        graph = stream.end_capture()
    np.testing.assert_array_equal(backend.fetch(a), [1, 1])
    graph.launch()
    graph.launch()
    np.testing.assert_array_equal(backend.fetch(a), [3, 3])


# CUDA itself ---------------------------------------------------------------------------------------------------------


@compiled
@pytest.mark.parametrize("architecture", [70, 120])
def test_the_kernels_compile_for_old_and_new_cards(build_trainer, backend, architecture):
    """NVRTC needs neither a card nor a driver. Kernels are renamed so that one compilation includes them all."""
    nvrtc = cuda_in_c.nvrtc()
    if nvrtc is None:
        pytest.skip("NVRTC is not installed: pip install nvidia-cuda-nvrtc-cu12")
    settings = {"l1": 1e-3, "l2": 1e-2, "max_norm": 1.0, "clip_norm": 0.5, "clip_value": 0.1}
    trainers = [build_trainer("dropout", backend=backend), build_trainer("batch norm", backend=backend, **settings)]
    trainers.append(trainer_on(backend, 8))  # from bytes
    launches = []
    for trainer in trainers:
        for _ in range(2):
            trainer.advance()
        trainer.executor.defer_scores()
        launches += trainer.executor.programs[trainer.batch_size].launches + trainer.executor.scores.launches
    kernels = {launch.source: launch.name for launch in launches}
    assert set(kernels.values()) == {"advance", "draw", "gather", "keep", "map", "product", "rows", "total"}
    assert any("unsigned char" in source for source in kernels)
    cubin = nvrtc(list(kernels.items()), architecture)
    for number, name in enumerate(kernels.values()):
        assert f"{name}_{number}".encode() in cubin
