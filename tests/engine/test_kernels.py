"""The optimisers as CUDA kernels: their arithmetic through a C++ compiler, their CUDA through NVRTC."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from engine import kernels
from engine.backend import Backend
from engine.kernels import KERNELS, fused, source
from engine.optimizers import OPTIMIZERS
from tests.engine import fake_cupy
from tests.engine.fake_cupy import CARD

compiled = pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler to stand in for NVRTC")
DTYPES = ("float32", "float64")


def optimizer_of(name, dtype="float32", size=10):
    return OPTIMIZERS[name](0.02, size, np.dtype(dtype))


@pytest.fixture
def backend():
    CARD.reset()
    return Backend("cuda:0", fake_cupy)


def test_every_optimizer_has_a_kernel():
    assert KERNELS.keys() == OPTIMIZERS.keys()


@compiled
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_that_agrees_with_its_formula_is_trusted(backend, name, dtype):
    assert fused(backend, optimizer_of(name, dtype)) is not None


@compiled
def test_more_parameters_than_threads_are_all_updated_once(backend, monkeypatch):
    monkeypatch.setattr(kernels, "THREADS", 4)
    monkeypatch.setattr(kernels, "BLOCKS", 3)
    update = fused(backend, optimizer_of("sgd"))
    assert update is not None
    p, g = (backend.send(np.ones(101, np.float32)) for _ in range(2))
    update(optimizer_of("sgd", size=101), p, g)
    np.testing.assert_array_equal(backend.fetch(p), np.full(101, np.float32(1) - np.float32(0.02)))


@compiled
@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_a_kernel_that_differs_from_its_formula_is_not_used(backend, monkeypatch, name):
    wrong = KERNELS[name]._replace(body=KERNELS[name].body.replace("-=", "+="))
    monkeypatch.setitem(KERNELS, name, wrong)
    assert fused(backend, optimizer_of(name)) is None


@pytest.mark.parametrize("problem", [OSError("no compiler"), RuntimeError("no NVRTC"), ValueError("a card too old")])
def test_where_a_kernel_cannot_be_compiled_the_formula_runs_on_the_device(build_trainer, backend, monkeypatch, problem):
    def refuse(*_):
        raise problem

    monkeypatch.setattr(fake_cupy.RawKernel, "__call__", refuse)
    here, there = (build_trainer(dtype=np.float64, backend=where) for where in (None, backend))
    for trainer in (here, there):
        for _ in range(9):
            trainer.step()
    assert backend.kernels == {("adam", np.dtype(np.float64)): None}
    np.testing.assert_allclose(there.network.parameters, here.network.parameters, rtol=1e-9)


def test_a_card_that_is_lost_while_a_kernel_is_tried_is_not_taken_for_a_bad_kernel(backend, monkeypatch):
    class Lost(RuntimeError):
        status = 700

    def refuse(*_):
        raise Lost

    monkeypatch.setattr(fake_cupy.RawKernel, "__call__", refuse)
    with pytest.raises(Lost):
        fused(backend, optimizer_of("sgd"))


@compiled
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_update_is_one_launch_and_the_same_on_both_devices(build_trainer, backend, name):
    here, there = (build_trainer(dtype=np.float64, optimizer=name, backend=where) for where in (None, backend))
    for trainer in (here, there):
        for _ in range(30):
            trainer.play()
    np.testing.assert_allclose(there.network.parameters, here.network.parameters, rtol=1e-9)
    twin = there.accelerator
    CARD.launches = 0
    twin.optimizer.step(twin.network.parameters, twin.network.gradients)
    assert CARD.launches == 1


@pytest.mark.parametrize("architecture", [70, 80, 90, 120])
def test_every_kernel_compiles_for_cards_old_and_new(architecture):
    nvrtc = pytest.importorskip("cupy_backends.cuda.libs.nvrtc", reason="CuPy is not installed")
    try:
        nvrtc.getVersion()
    except RuntimeError:
        pytest.skip("NVRTC is not installed: pip install nvidia-cuda-nvrtc-cu12")
    for name in KERNELS:
        for dtype in DTYPES:
            program = nvrtc.createProgram(source(optimizer_of(name, dtype)), f"{name}.cu", (), ())
            nvrtc.compileProgram(program, (f"-arch=sm_{architecture}",))
            assert name.encode() in nvrtc.getCUBIN(program)
            nvrtc.destroyProgram(program)
