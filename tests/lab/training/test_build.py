"""Building a trainer: equal experiments give equal runs, and one seed has separate streams."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from data import DATASETS
from engine import LOSSES, OUTPUTS, backend
from lab.experiment.experiment import Experiment, ExperimentError
from lab.training.build import build

SMALL = Experiment(samples=40, hidden=(4, 3), epochs=3)


def weights(experiment):
    return build(experiment).trainer.network.parameters.copy()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "changes",
    [{}, {"dropout": 0.3}, {"batch_norm": True}, {"optimizer": "adam", "l2": 0.1}, {"dataset": "diabetes"},
     {"dataset": "digits", "conv": (2,), "class_weights": "balanced", "label_smoothing": 0.1}],
    ids=str,
)  # fmt: skip
def test_equal_experiments_are_equal_to_the_bit(changes, dtype):
    first, second = (build(SMALL.change(dtype=dtype, **changes)).trainer for _ in range(2))
    np.testing.assert_array_equal(first.network.parameters, second.network.parameters)
    for trainer in (first, second):
        for _ in range(3):
            trainer.epoch()
    assert first.epochs == 3
    assert first.network.dtype == dtype
    np.testing.assert_array_equal(first.network.parameters, second.network.parameters)
    np.testing.assert_array_equal(first.history.values, second.history.values)


@pytest.mark.parametrize(
    "changes",
    [{"noise": 0.5}, {"batch_size": 3}, {"batch_size": 0}, {"dropout": 0.4}, {"optimizer": "adam"}, {"dataset": "xor"},
     {"samples": 60}, {"train_share": 0.3}, {"loss": "hinge"}, {"activations": "relu"}, {"l1": 0.1}],
    ids=str,
)  # fmt: skip
def test_other_fields_do_not_change_initial_weights(changes):
    np.testing.assert_array_equal(weights(SMALL), weights(SMALL.change(**changes)))


@pytest.mark.parametrize("changes", [{"seed": 2}, {"initializer": "he_normal"}])
def test_another_seed_or_initializer_moves_the_first_weights(changes):
    assert (weights(SMALL) != weights(SMALL.change(**changes))).any()


def test_noise_moves_no_point_out_of_the_training_part():
    quiet, noisy = build(SMALL).dataset, build(SMALL.change(noise=0.5)).dataset
    np.testing.assert_array_equal(quiet.points_train, noisy.points_train)
    assert (quiet.y_train != noisy.y_train).any()


def test_dropout_draws_from_its_own_stream():
    plain, dropping = build(SMALL).trainer, build(SMALL.change(dropout=0.5)).trainer
    for trainer in (plain, dropping):
        trainer.epoch()
        trainer.step()
    np.testing.assert_array_equal(plain.order, dropping.order)
    assert (plain.network.parameters != dropping.network.parameters).any()


def test_the_network_has_the_layers_that_the_experiment_names():
    experiment = Experiment(hidden=(5, 3), activations=("relu", "tanh"), batch_norm=True, dropout=0.2, seed=3)
    layers = [type(layer).__name__ for layer in build(experiment).trainer.network.layers]
    block = ["Dense", "BatchNorm", "Activation", "Dropout"]
    assert layers == [*block, *block, "Dense"]


@pytest.mark.parametrize("conv", [(), (2,), (2, 3)])
def test_parameters_are_counted_before_the_network_is_built(conv):
    experiment = Experiment(dataset="digits", samples=40, hidden=(7,)).change(conv=conv[:1])
    assert build(experiment).trainer.network.parameters.size == experiment.parameters


def test_filters_without_hidden_layers_have_an_activation_as_well():
    experiment = Experiment(dataset="digits", samples=40, hidden=(), activations=(), conv=(2,))
    trainer = build(experiment).trainer
    trainer.step()
    assert trainer.network.parameters.size == experiment.parameters


def test_a_missing_device_is_refused_with_its_reason(monkeypatch):
    devices = [backend.Device("cpu", "CPU"), backend.Device("cuda:0", "GPU", "It is unplugged.")]
    monkeypatch.setattr("lab.training.build.available_devices", lambda: devices)
    with pytest.raises(ExperimentError, match=r"^device: cuda:0 cannot be used here\. It is unplugged\.$"):
        build(Experiment(device="cuda:0"))
    with pytest.raises(ExperimentError, match=r"^device: cuda:5 cannot be used here\. There is no such device\.$"):
        build(Experiment(device="cuda:5"))


def test_missing_files_are_refused_with_a_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ExperimentError, match=r"^dataset: "):
        build(Experiment(dataset="mnist"), tmp_path)


@pytest.mark.parametrize("dataset", [name for name, source in DATASETS.items() if "mnist" not in name])
def test_every_allowed_output_and_loss_can_be_trained(dataset):
    tried = 0
    for output, loss in product(("auto", *OUTPUTS), ("auto", *LOSSES)):
        try:
            experiment = Experiment.from_json(
                f'{{"dataset": "{dataset}", "output": "{output}", "loss": "{loss}", "samples": 30, "hidden": [3]}}'
            )
        except ExperimentError:
            continue
        built = build(experiment)
        before = built.trainer.network.parameters.copy()
        built.trainer.step()
        assert np.isfinite(built.trainer.evaluate()[:4]).all()
        assert (built.trainer.network.parameters != before).any()
        assert built.trainer.objective.units == experiment.outputs
        assert built.trainer.objective.output.name == experiment.output_name
        tried += 1
    assert tried >= 6


def test_batch_normalization_needs_two_training_samples():
    single = Experiment(dataset="plane", samples=10, train_share=0.1, batch_size=0)
    assert len(build(single).dataset.x_train) == 1
    with pytest.raises(
        ExperimentError, match=r"^batch_norm: a single training sample is not enough; allowed: at least two"
    ):
        build(single.change(batch_norm=True))
