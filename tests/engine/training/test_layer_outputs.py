"""Outputs of layers on samples that stay the same."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from engine.c import compiler
from engine.c.build import Build
from engine.c.executor import CompiledExecutor
from engine.network.observe import observe
from engine.training.layer_outputs import LayerOutputs
from tests.engine.c.conftest import c, cache, optimization  # noqa: F401

ATOL = {np.float32: 4e-6, np.float64: 1e-12}


def expected(network, x, names):
    with observe(network, names) as seen:
        z = network.chain.forward(x, train=False)
    return [*(seen.outputs[name] for name in names), np.tanh(z)]


@pytest.mark.parametrize("samples", [1, 256, 300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["dense", "dropout", "batch norm", "residual", "pool"])
def test_compiled_outputs_are_those_of_the_formulas(kind, dtype, samples, c, build_trainer):  # noqa: F811
    trainer = build_trainer(kind, executor=CompiledExecutor, dtype=dtype)
    layers = trainer.network.walk()
    names = [name for name, layer in layers if "." not in name and len(layer.output_shape) == 1][:-1]
    x = np.random.default_rng(0).normal(size=(samples, *trainer.network.inputs)).astype(dtype)
    outputs = LayerOutputs(trainer.network, x, names, np.tanh, trainer.executor)
    for _ in range(3):
        trainer.epoch()
        outputs()
        outputs._forward.build.result()
        for found, exact in zip(outputs(), expected(trainer.network, x, names), strict=True):
            np.testing.assert_allclose(found, exact, rtol=0, atol=ATOL[dtype])
    assert outputs._forward.is_ready()


def test_outputs_come_from_a_tape_until_they_are_compiled(c, build_trainer, monkeypatch):  # noqa: F811
    trainer = build_trainer(executor=CompiledExecutor)
    outputs = LayerOutputs(trainer.network, trainer.x_test, ["1"], np.tanh, trainer.executor)
    untrained = [found.copy() for found in outputs()]
    assert outputs._forward is None
    trainer.step()
    with Build.turn:  # the compiler is busy
        taped = outputs()
        np.testing.assert_allclose(taped[0], expected(trainer.network, trainer.x_test, ["1"])[0], atol=1e-6)
    outputs._forward.build.result()
    assert outputs()[0] is not taped[0]
    trainer.reset()
    for found, first in zip(outputs(), untrained, strict=True):
        np.testing.assert_array_equal(found, first)


def test_maps_are_not_compiled_outputs(c, build_trainer):  # noqa: F811
    trainer = build_trainer("conv", executor=CompiledExecutor)
    trainer.step()
    outputs = LayerOutputs(trainer.network, trainer.x_test, ["1"], np.tanh, trainer.executor)
    for _ in range(2):
        for found, exact in zip(outputs(), expected(trainer.network, trainer.x_test, ["1"]), strict=True):
            np.testing.assert_allclose(found, exact, atol=1e-6)
        assert outputs._forward.build.result() == (None, "outputs that are maps are not compiled")


def test_rare_outputs_and_those_of_a_run_on_the_tape_are_not_compiled(build_trainer, monkeypatch):
    monkeypatch.setenv(compiler.SWITCH_VARIABLE, "off")
    trainer = build_trainer()
    trainer.step()
    for executor in (None, trainer.executor):
        outputs = LayerOutputs(trainer.network, trainer.x_test, ["0"], np.tanh, executor)
        exact = expected(trainer.network, trainer.x_test, ["0"])
        for found, value in zip(outputs(), exact, strict=True):
            np.testing.assert_allclose(found, value, atol=1e-6)
        assert outputs._forward is None


@pytest.mark.parametrize("what", ["steps", "outputs"])
def test_a_network_is_observed_while_it_is_compiled(what, c, build_trainer):  # noqa: F811
    trainer = build_trainer(executor=CompiledExecutor)
    with Build.turn:  # the compiler is busy
        if what == "steps":
            trainer.executor.prepare()
            build = trainer.executor.build
        else:
            outputs = LayerOutputs(trainer.network, trainer.x_test, ["1"], np.tanh, SimpleNamespace(way="compiled"))
            outputs()
            build = outputs._forward.build
        begun = observe(trainer.network)
        seen = begun.__enter__()
    made, problem = build.result()
    begun.__exit__(None, None, None)
    assert made is not None, problem
    assert not seen.outputs
