"""Compiled runs against the same runs on the tape."""

from __future__ import annotations

import gc
from collections import OrderedDict
from itertools import cycle

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from engine.c import build as build_module
from engine.c import executor as module
from engine.c import language, program, relocation
from engine.c.build import Build
from engine.c.compiler import SWITCH_VARIABLE, NoCompiler
from engine.c.executor import CompiledExecutor, reason_not_compiled
from engine.formulas.activations import ACTIVATIONS
from engine.formulas.losses import Objective
from engine.formulas.optimizers import OPTIMIZERS
from engine.formulas.schedules import SCHEDULES
from engine.network.convolution import Flatten, Image, MaxPool2D
from engine.network.layers import Activation, Dense, Dropout, Residual
from engine.network.network import Network
from engine.network.normalization import BatchNorm
from engine.step.settings import Settings
from engine.tape.executor import TapeExecutor
from engine.training import checkpoint
from engine.training.trainer import Trainer
from tests.engine.helpers import PAIRS
from tests.engine.training.test_properties import architectures, build

pytestmark = pytest.mark.usefixtures("c")
COMPILED_KINDS = ("dense", "dropout", "batch norm", "batch norm first", "conv", "same", "pool", "residual")


def pair(build_trainer, kind="dense", **options):
    """The same trainer twice: compiled, and on the tape."""
    options = {"dtype": np.float64} | options
    return [build_trainer(kind, executor=executor, **options) for executor in (CompiledExecutor, TapeExecutor)]


def same(trainers, rtol=1e-9, atol=1e-12):
    compiled, tape = trainers
    assert compiled.executor.way == "compiled", compiled.executor.reason
    assert (compiled.steps, compiled.epochs, compiled.position) == (tape.steps, tape.epochs, tape.position)
    assert (compiled.stop, compiled.divergence) == (tape.stop, tape.divergence)
    arrays = [{"parameters": t.network.parameters, "gradients": t.network.gradients} | t.network.state
              | t.optimizer.slots for t in trainers]  # fmt: skip
    for name, array in arrays[1].items():
        np.testing.assert_allclose(arrays[0][name], array, rtol=rtol, atol=atol, err_msg=name)
    np.testing.assert_array_equal(compiled.history.epochs, tape.history.epochs)
    np.testing.assert_allclose(compiled.history.values, tape.history.values, rtol=max(rtol, 1e-7))
    np.testing.assert_array_equal(compiled.order, tape.order)


def played(trainers, **limits):
    for trainer in trainers:
        trainer.run_for(60, **limits)


@pytest.mark.parametrize("kind", COMPILED_KINDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_kind_of_network_trains_as_on_the_tape(kind, dtype, build_trainer):
    trainers = pair(build_trainer, kind, dtype=dtype, optimizer="momentum")  # Adam enlarges what is 0 but for rounding
    played(trainers, epochs=8)
    same(trainers, *((1e-9,) if dtype is np.float64 else (2e-3, 1e-4)))


@pytest.mark.parametrize("options", [
    {"l1": 0.01, "l2": 0.1, "max_norm": 0.5}, {"clip_value": 0.01, "clip_norm": 0.03}, {"optimizer": "adamw"},
    {"batch_size": 0}, {"batch_size": 7}, {"batch_size": 1}, {"patience": 3, "epochs": 30},
    {"target_accuracy": 0.6, "epochs": 80}, {"validates": True, "epochs": 4},
    *({"schedule": name, "schedule_span": 5.0} for name in SCHEDULES),
    *({"optimizer": name} for name in OPTIMIZERS),
], ids=str)  # fmt: skip
def test_every_setting_acts_as_on_the_tape(options, build_trainer):
    trainers = pair(build_trainer, "dropout", **options)
    played(trainers, epochs=9)
    same(trainers)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_large_batches_with_one_output_train_as_on_the_tape(dtype):
    trainers = []
    for executor in (CompiledExecutor, TapeExecutor):
        rng = np.random.default_rng(0)
        network = Network([Dense(8), Activation("tanh"), Dense(1)], (2,), rng=rng, dtype=dtype)
        x = rng.normal(size=(language.BLAS_MIN_MULTIPLY_ADDS // 8, 2))
        objective = Objective("classification", 2, "sigmoid", "binary_crossentropy")
        optimizer = OPTIMIZERS["momentum"](0.5, network.parameters.size, dtype)
        trainers.append(Trainer(network, objective, optimizer, (x, x[:, 0] > x[:, 1]), (x[:9], x[:9, 0] > x[:9, 1]),
                                settings=Settings(0.5, 0), rng=rng, executor=executor))  # fmt: skip
    played(trainers, epochs=5)
    same(trainers, *((1e-9,) if dtype is np.float64 else (2e-3, 1e-4)))


@pytest.mark.parametrize(("pair_of_names", "activation"), list(zip(PAIRS, cycle(ACTIVATIONS))))
def test_every_loss_and_activation_trains_as_on_the_tape(pair_of_names, activation):
    kind, classes, output, loss = pair_of_names
    weights = [1.0, 2.0, 0.5][:classes] if classes else None
    smoothing = 0.1 if classes else 0.0
    trainers = []
    for executor in (CompiledExecutor, TapeExecutor):
        rng = np.random.default_rng(5)
        objective = Objective(kind, classes, output, loss, label_smoothing=smoothing, class_weights=weights)
        network = Network([Dense(5), Activation(activation), Dense(objective.units)], (4,), rng=rng, dtype=np.float64)
        x = rng.normal(size=(60, 4))
        y = rng.integers(0, classes, 60) if classes else rng.normal(size=60)
        optimizer = OPTIMIZERS["momentum"](0.02, network.parameters.size, np.float64)
        trainers.append(Trainer(network, objective, optimizer, (x[:40], y[:40]), (x[40:], y[40:]),
                                settings=Settings(0.02, 7), rng=rng, executor=executor))  # fmt: skip
    played(trainers, epochs=9)
    same(trainers)


@pytest.mark.parametrize("optimization", ["-O2"])
@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(architectures())
def test_random_networks_train_as_on_the_tape(a):
    if a["batch_norm"]:  # others enlarge gradients that are 0 but for rounding: of biases before a normalization
        a = a | {"optimizer": "momentum"}
    trainers = build(a), build(a)
    trainers[1].executor = TapeExecutor(*(getattr(trainers[1], name) for name in ("data", "formulas", "progress")))
    for trainer in trainers:
        for _ in range(2):
            trainer.epoch()
    loose = {"rtol": 5e-3, "atol": 1e-3} if a["dtype"] is np.float32 else {"rtol": 1e-6, "atol": 1e-9}
    np.testing.assert_allclose(*(t.network.parameters for t in trainers), **loose)


def test_live_changes_act_as_on_the_tape(build_trainer):
    trainers = pair(build_trainer)
    changes = (
        {"learning_rate": 0.1},
        {"l2": 0.01},
        {"batch_size": 5},
        {"clip_norm": 0.1},
        {"batch_size": 1},
        {"l2": 0.2},
    )
    for number, change in enumerate(changes):
        for trainer in trainers:
            trainer.set(**change)
            trainer.run_for(60, steps=11 * (number + 1))
    same(trainers)


def test_edited_weights_are_used(build_trainer):
    trainers = pair(build_trainer)
    for trainer in trainers:
        trainer.run_for(60, epochs=2)
        trainer.network.named["0.W"][:] = 0.25
        trainer.parameters_changed()
        trainer.run_for(60, epochs=4)
    same(trainers)


@pytest.mark.parametrize("kind", COMPILED_KINDS)
def test_a_run_does_not_depend_on_how_its_steps_are_called(kind, build_trainer):
    at_once, one_by_one = (build_trainer(kind, executor=CompiledExecutor, schedule="cosine") for _ in range(2))
    at_once.run_for(60, epochs=6)
    for _ in range(at_once.steps):
        one_by_one.step()
    np.testing.assert_array_equal(at_once.network.parameters, one_by_one.network.parameters)
    np.testing.assert_array_equal(at_once.history.values, one_by_one.history.values)


@pytest.mark.parametrize("samples", [1, 2, 50, 64, 65, 1000])
def test_orders_of_epochs_are_those_of_numpy(samples, build_trainer):
    trainer = build_trainer(executor=CompiledExecutor)
    trainer.step()
    ours, numpy = (np.random.default_rng(samples) for _ in range(2))
    ours.random(1, np.float32), numpy.random(1, np.float32)  # half of a number is kept for the next draw
    orders = trainer.executor._program.permutations(ours, samples, 3)
    np.testing.assert_array_equal(orders, [numpy.permutation(samples) for _ in range(3)])
    assert ours.bit_generator.state == numpy.bit_generator.state


@pytest.mark.parametrize("kind", ["dense", "same"])
def test_evaluations_in_blocks_are_those_of_the_tape(kind, build_trainer, monkeypatch):
    monkeypatch.setattr(relocation, "_recent", OrderedDict())
    monkeypatch.setattr(program, "WHOLE_EVALUATION", 0)
    monkeypatch.setattr(program, "BLOCK_NUMBERS", 1)
    monkeypatch.setattr(program, "BLOCK_STEP", 12)  # neither part has a multiple of it
    trainers = pair(build_trainer, kind)
    played(trainers, epochs=4)
    same(trainers)


def test_layers_behind_maps_train_as_on_the_tape(build_trainer, objective, monkeypatch):
    monkeypatch.setattr(relocation, "_recent", OrderedDict())
    trainers = []
    for executor in (CompiledExecutor, TapeExecutor):
        rng = np.random.default_rng(3)
        layers = [Image(6, 6), MaxPool2D(np.int64(2)), Flatten(), BatchNorm(), Activation("gelu"),
                  Dropout(0.2, rng=np.random.default_rng(4)), Residual(Dense(9)), Dense(3)]  # fmt: skip
        network = Network(layers, (36,), rng=rng, dtype=np.float64)
        x, y = rng.normal(size=(50, 36)), rng.integers(0, 3, 50)
        optimizer = OPTIMIZERS["momentum"](0.02, network.parameters.size, np.float64)
        trainers.append(Trainer(network, objective, optimizer, (x[:40], y[:40]), (x[40:], y[40:]),
                                settings=Settings(0.02, 7), rng=rng, executor=executor))  # fmt: skip
    played(trainers, epochs=5)
    same(trainers)
    for batch in trainers[0].executor._program.batches.values():
        turned = [launch for launch in batch.launches if "->maps_of(" in launch.source]
        assert len(turned) == 2  # to maps and back


def test_filters_that_see_too_many_numbers_run_on_the_tape(build_trainer, monkeypatch):
    monkeypatch.setattr(relocation, "_recent", OrderedDict())
    monkeypatch.setattr(program, "MAX_TAPS", 8)
    trainer = build_trainer("conv", executor=CompiledExecutor)
    trainer.step()
    assert (trainer.executor.way, trainer.executor.reason) == ("tape", "its filters see too many numbers at a time")


def test_evaluations_shorten_a_call_by_their_work(build_trainer, monkeypatch):
    trainer = build_trainer(executor=CompiledExecutor, batch_size=0)  # a step an epoch
    step = 3 * trainer.network.parameters.size * 50 + module.STEP_MULTIPLY_ADDS
    monkeypatch.setattr(module, "CALL_MULTIPLY_ADDS", 10 * step)
    calls, run = [], module.Program.run
    monkeypatch.setattr(module.Program, "run", lambda *arrays: calls.append(len(arrays[1])) or run(*arrays))
    trainer.run_for(60, epochs=40)
    assert sum(calls) == 40
    assert 5 <= max(calls) < 10


@pytest.mark.parametrize("kind", COMPILED_KINDS)
def test_a_resumed_run_continues_with_the_same_bits(kind, build_trainer):
    trainer, heir = (build_trainer(kind, executor=CompiledExecutor) for _ in range(2))
    trainer.run_for(60, steps=9)
    checkpoint.restore(heir, checkpoint.capture(trainer))
    assert heir.executor.way == "compiled"
    played((trainer, heir), epochs=6)
    one, other = checkpoint.capture(trainer), checkpoint.capture(heir)
    for name in one.keys() - {"numbers"}:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_a_reset_run_repeats_its_bits(build_trainer):
    trainer = build_trainer("dropout", executor=CompiledExecutor)
    trainer.run_for(60, epochs=3)
    first, curve = trainer.network.parameters.copy(), trainer.history.values.copy()
    trainer.reset()
    trainer.run_for(60, epochs=3)
    np.testing.assert_array_equal(trainer.network.parameters, first)
    np.testing.assert_array_equal(trainer.history.values, curve)


@pytest.mark.parametrize("learning_rate", [1e30, 300.0])
def test_a_divergence_is_found_as_on_the_tape(learning_rate, build_trainer):
    trainers = pair(build_trainer, optimizer="sgd", learning_rate=learning_rate, dtype=np.float32)
    played(trainers, epochs=60)
    assert trainers[0].divergence == trainers[1].divergence is not None
    assert np.isfinite(trainers[0].network.parameters).all()


# The way of a run ----------------------------------------------------------------------------------------------------


def test_normalized_maps_run_on_the_tape_and_say_why(build_trainer):
    trainer = build_trainer("everything", executor=CompiledExecutor)
    trainer.step()
    assert trainer.executor.way == "tape"
    assert trainer.executor.reason == "BatchNorm layers of maps are not compiled"


def test_batches_in_parts_are_not_compiled(build_trainer):
    trainer = build_trainer(executor=CompiledExecutor)
    assert reason_not_compiled(trainer.network, 8) is None
    assert reason_not_compiled(trainer.network, trainer.network.max_batch + 1) is not None


def test_without_a_compiler_a_run_is_on_the_tape(build_trainer, monkeypatch):
    def refuse():
        raise NoCompiler("There is no C compiler.")

    monkeypatch.setattr(build_module, "compiler", refuse)
    trainer, tape = pair(build_trainer)
    played((trainer, tape), epochs=3)
    assert (trainer.executor.way, trainer.executor.reason) == ("tape", "There is no C compiler.")
    np.testing.assert_array_equal(trainer.network.parameters, tape.network.parameters)


def until_ready(trainer):
    assert not trainer.is_ready()
    trainer.executor.build.result()
    assert trainer.is_ready()


def test_a_run_is_not_ready_while_its_compiler_works(build_trainer, monkeypatch):
    monkeypatch.setattr(module, "FIRST_STEP_WAIT_S", np.inf)
    trainer = build_trainer(executor=CompiledExecutor)
    with Build.turn:  # the compiler is busy
        trainer.prepare()
        assert not trainer.is_ready()
    until_ready(trainer)
    trainer.step()
    assert trainer.executor.way == "compiled"


def test_everything_waits_for_the_compiler_if_that_is_wanted(build_trainer, monkeypatch):
    monkeypatch.setenv(SWITCH_VARIABLE, "wait")
    monkeypatch.setattr(module, "FIRST_STEP_WAIT_S", 0.0)
    trainer = build_trainer(executor=CompiledExecutor)
    assert trainer.is_ready()
    assert trainer.executor.way == "compiled"


def test_a_run_keeps_the_way_of_its_first_step(build_trainer, monkeypatch):
    monkeypatch.setattr(module, "FIRST_STEP_WAIT_S", 0.0)
    with Build.turn:
        trainer, tape = pair(build_trainer)
        assert trainer.is_ready()
        played((trainer, tape), steps=1)
    assert trainer.executor.reason == "the compiler has not finished in time"
    trainer.executor.build.result()
    heir = build_trainer(dtype=np.float64, executor=CompiledExecutor)
    checkpoint.restore(heir, checkpoint.capture(trainer))
    played((trainer, heir, tape), epochs=3)
    assert trainer.executor.way == heir.executor.way == "tape"
    for one in (trainer, heir):
        np.testing.assert_array_equal(one.network.parameters, tape.network.parameters)
    trainer.reset()
    trainer.step()
    assert trainer.executor.way == "compiled"


@pytest.mark.parametrize("change", [{"l2": 0.1}, {"batch_size": 1}, {"clip_norm": 0.1}, {"max_norm": 1.0}], ids=str)
def test_a_compiled_run_waits_for_the_program_of_a_change(change, build_trainer, monkeypatch):
    monkeypatch.setattr(module, "FIRST_STEP_WAIT_S", 0.0)
    trainers = [build_trainer(executor=CompiledExecutor) for _ in range(2)]
    played(trainers, steps=3)
    for trainer in trainers:
        trainer.set(**change)
    with Build.turn:
        trainers[0].prepare()
        assert not trainers[0].is_ready()
    until_ready(trainers[0])
    played(trainers, epochs=3)
    assert [trainer.executor.way for trainer in trainers] == ["compiled"] * 2
    np.testing.assert_array_equal(*(trainer.network.parameters for trainer in trainers))


def test_what_nobody_wants_any_more_is_not_compiled(build_trainer, monkeypatch):
    trainer, closed = (build_trainer(executor=CompiledExecutor) for _ in range(2))
    made, program = [], module.program_for
    monkeypatch.setattr(module, "program_for", lambda *given: made.append(given[-1]) or program(*given))
    with Build.turn:
        closed.prepare()
        closed_build = closed.executor.build
        for size in (7, 9, 11):
            trainer.set(batch_size=size)
            trainer.prepare()
        del closed
        gc.collect()
    trainer.step()
    closed_build.result()
    assert made == [{11, 50 % 11}]


def test_other_limits_of_the_gradient_need_no_compiler(build_trainer):
    trainer = build_trainer(executor=CompiledExecutor, clip_value=0.02, clip_norm=0.3)
    trainer.step()
    text = trainer.executor._program.text
    trainer.set(clip_value=0.05, clip_norm=0.5, batch_size=11)
    trainer.step()
    assert trainer.executor._program.text == text


@pytest.mark.parametrize("kind", ["dense", "batch norm"])
def test_batch_sizes_change_in_the_middle_of_an_epoch(kind, build_trainer):
    trainers = pair(build_trainer, kind, optimizer="momentum")
    for size in (7, 49, 3, 0, 2, 8):
        for trainer in trainers:
            trainer.set(batch_size=size)
            trainer.run_for(60, steps=trainer.steps + 5)
    heir = build_trainer(kind, executor=CompiledExecutor, dtype=np.float64, optimizer="momentum")
    checkpoint.restore(heir, checkpoint.capture(trainers[0]))
    heir.set(batch_size=8)
    played((*trainers, heir), epochs=trainers[0].epochs + 3)
    same(trainers)
    np.testing.assert_array_equal(heir.network.parameters, trainers[0].network.parameters)


@pytest.mark.parametrize("kind", COMPILED_KINDS)
def test_an_epoch_has_the_same_scores_whoever_asks(kind, build_trainer):
    trainer = build_trainer(kind, executor=CompiledExecutor)
    trainer.run_for(60, epochs=4)
    at_the_end = trainer.latest
    trainer.parameters_changed()
    heir = build_trainer(kind, executor=CompiledExecutor)
    checkpoint.restore(heir, checkpoint.capture(trainer))
    heir.prepare()
    heir.executor.build.result()
    heir.parameters_changed()
    for asked in (trainer.evaluate(), heir.evaluate()):
        assert asked.train_loss == at_the_end.train_loss
        np.testing.assert_allclose(asked, at_the_end, rtol=1e-12)


def test_checkpoints_of_older_versions_continue_on_the_tape(build_trainer):
    trainer, heir = pair(build_trainer)
    old = {name: array for name, array in checkpoint.capture(heir).items() if name != "way"}
    checkpoint.restore(trainer, old)
    trainer.step()
    assert trainer.executor.way == "tape"
