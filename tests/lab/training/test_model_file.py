"""The model file: a saved run continues to the bit, and a run can load it. See also test_hostile_model_files.py."""

from __future__ import annotations

import json
import os
import signal
import struct

import numpy as np
import pytest
import safetensors.numpy

from lab.experiment.experiment import Experiment
from lab.protocol.frames import unpack
from lab.protocol.messages import Change, Load, Reset, Step
from lab.queries import downloads
from lab.queries.table import ask
from lab.server.pool import WorkerPool
from lab.training import model_file
from lab.training.build import build
from lab.training.model_file import Model, ModelFileError, capture, from_bytes, restore, to_bytes
from lab.training.run import Run
from lab.worker.local_pool import LocalPool
from tests.lab.helpers import RICH, SMALL, brief, saved, trained, until

# Continuing a saved run ----------------------------------------------------------------------------------------------

KEPT = {
    "a toy": SMALL,
    "everything at once": RICH,
    "a validation part": RICH.change(validation_share=0.2),
    "pictures and filters": Experiment(dataset="digits", samples=100, conv=(3,), hidden=(5,), optimizer="momentum"),
    "numbers in float64": Experiment(dataset="diabetes", samples=60, hidden=(3,), dtype="float64", optimizer="adamw"),
    "no hidden layer": Experiment(samples=40, hidden=()),
}


@pytest.mark.parametrize("name", KEPT)
def test_training_goes_on_from_a_file_to_the_bit(name):
    experiment = KEPT[name]
    dataset, trainer = trained(experiment)
    model = from_bytes(to_bytes(capture(experiment, dataset, trainer)))
    assert model.experiment == experiment
    again = build(model.experiment).trainer
    restore(again, model)
    np.testing.assert_array_equal(again.history.values, trainer.history.values)
    for each in (trainer, again):
        each.epoch()
    assert (again.epochs, again.evaluate()) == (4, trainer.evaluate())
    np.testing.assert_array_equal(again.network.parameters, trainer.network.parameters)


def test_a_float32_curve_of_an_older_file_is_continued_in_float64():
    dataset, trainer = trained(KEPT["numbers in float64"])
    model = capture(KEPT["numbers in float64"], dataset, trainer)
    assert model.arrays["history.values"].dtype == np.float64
    model.arrays["history.values"] = model.arrays["history.values"].astype(np.float32)
    again = build(model.experiment).trainer
    restore(again, from_bytes(to_bytes(model)))
    assert again.history.values.dtype == np.float64
    np.testing.assert_array_equal(again.history.values, trainer.history.values.astype(np.float32))
    np.testing.assert_array_equal(again.network.parameters, trainer.network.parameters)


def old_file(experiment):
    """A model that was saved when stop rules looked at the test part."""
    dataset, trainer = trained(experiment)
    model = from_bytes(to_bytes(capture(experiment, dataset, trainer)))
    fields = {**json.loads(experiment.to_json()), "monitor": "test_loss"}
    del fields["validation_share"]
    return trainer, from_bytes(to_bytes(model._replace(metadata={**model.metadata, "experiment": json.dumps(fields)})))


def test_an_old_file_keeps_its_training_part_and_forgets_what_was_best():
    trainer, model = old_file(RICH)
    assert (model.experiment.validation_share, model.experiment.monitor) == (0, "validation_loss")
    again = build(model.experiment).trainer
    restore(again, model)
    np.testing.assert_array_equal(again.network.parameters, trainer.network.parameters)
    assert np.isfinite(trainer.rules.best.value)
    assert (again.rules.best.value, again.rules.best.epoch) == (np.inf, trainer.epochs)


def test_loading_an_old_file_says_what_stop_rules_look_at():
    _, model = old_file(RICH)
    run = Run(SMALL)
    downloads.load(run, model, model.experiment)
    assert run.notice == model_file.ACTED_ON_TEST
    _, model = old_file(SMALL)
    downloads.load(run, model, model.experiment)
    assert run.notice == ""


def test_any_reader_of_safetensors_can_use_the_weights():
    dataset, trainer = trained(RICH.change(batch_norm=False, dropout=0, activations="tanh"))
    content = to_bytes(capture(RICH, dataset, trainer))
    t = safetensors.numpy.load(content)
    (length,) = struct.unpack("<Q", content[:8])
    facts = json.loads(content[8 : 8 + length])["__metadata__"]
    raw = dataset.x_test * dataset.x_scale + dataset.x_mean
    a = ((raw - t["data.x_mean"]) / t["data.x_scale"]).astype(np.float32)
    for layer in (0, 2):
        a = np.tanh(a @ t[f"network.{layer}.W"] + t[f"network.{layer}.b"])
    answers = (a @ t["network.4.W"] + t["network.4.b"]).argmax(axis=1)
    np.testing.assert_array_equal(answers, trainer.objective.predict(trainer.network.forward(trainer.x_test)))
    assert json.loads(facts["classes"]) == ["setosa", "versicolor", "virginica"]
    assert json.loads(facts["layers"])[0] == "Dense(6)"
    assert facts["version"] == "1"


def test_a_saved_run_that_had_ended_can_continue():
    experiment = SMALL.change(epochs=3)
    run = Run(experiment)
    downloads.load(run, from_bytes(saved(experiment)), experiment)
    assert (run.status, run.notice) == ("stopped", "This run had ended by itself when it was saved.")
    run.step()
    assert (run.trainer.epochs, run.status) == (4, "paused")


def load(pool, token, content):
    model = from_bytes(content)
    pool.do(token, Load(model.metadata, model.experiment), model.arrays)


# Loading into a run --------------------------------------------------------------------------------------------------


def test_a_loaded_run_can_be_trained_with_other_settings(content):
    pool = LocalPool()
    token = pool.open(Experiment(dataset="xor", hidden=(3, 3)))
    load(pool, token, content)
    assert brief(pool, token) == ("paused", "", 3)
    header, arrays = unpack(pool.frame(token))
    np.testing.assert_array_equal(arrays["history_epoch"], [0, 1, 2, 3])
    pool.do(token, Change(SMALL.change(learning_rate=0.5, batch_size=5, l2=0.01)))
    assert pool.state(token).epoch == 3
    pool.do(token, Step())
    after, _ = unpack(pool.frame(token))
    assert (after["epoch"], after["learning_rate"]) == (4, 0.5)
    assert after["train_loss"] != header["train_loss"]
    pool.do(token, Reset())
    assert pool.state(token).epoch == 0


def test_loading_weights_keeps_the_current_settings(content):
    wanted = from_bytes(content)
    run = Run(SMALL.change(optimizer="adam", noise=0.3, seed=9))
    downloads.load(run, wanted, None)
    np.testing.assert_array_equal(run.trainer.network.named["0.W"], wanted.arrays["network.0.W"])
    assert (run.experiment.optimizer, run.status, run.trainer.epochs) == ("adam", "idle", 0)
    assert run.notice == model_file.RESCALED
    first = run.trainer.evaluate().train_loss
    run.step()
    np.testing.assert_allclose(run.trainer.history.values[0, 0], first)


def test_weights_of_another_network_are_refused_and_the_run_stays(content):
    run = Run(SMALL.change(hidden=(5,)))
    run.step()
    trainer = run.trainer
    with pytest.raises(ModelFileError, match=r"network\.0\.W is 2 x 4; the experiment's network needs 2 x 5\."):
        downloads.load(run, from_bytes(content), None)
    assert (run.trainer, run.trainer.epochs) == (trainer, 1)


def test_a_loaded_model_survives_its_training_process(content):
    pool = WorkerPool(1)
    pool.start()
    try:
        token = pool.open(Experiment(dataset="xor"))
        load(pool, token, content)
        before = unpack(pool.frame(token))[0]
        pid = pool.workers[0].pid
        os.kill(pid, signal.SIGKILL)
        until(lambda: pool.workers[0].pid != pid and pool.workers[0].alive)
        after = unpack(pool.frame(token))[0]
        assert (after["epoch"], after["train_loss"]) == (3, before["train_loss"])
        assert "resumed from epoch 3" in after["notice"]
    finally:
        pool.stop()


def test_the_question_answers_with_what_the_file_holds(content):
    run = Run(SMALL)
    for _ in range(3):
        run.step()
    header, arrays = ask(run, "model", {}, {})
    theirs = from_bytes(to_bytes(Model(header, arrays))).arrays
    mine = from_bytes(content).arrays
    theirs["training.numbers"][0] = mine["training.numbers"][0]  # seconds
    for name, array in mine.items():
        np.testing.assert_array_equal(theirs[name], array)
