"""A trained network as one safetensors file: named weights, the state of training, the curve, and the scaling of the
data, with the experiment, a description of the data and the version of this format in the metadata.

The description (labels, shape of pictures, the recipe from columns to inputs) is all that predictions need of the data.

Any safetensors reader can read the weights. Uploaded files are not trusted: the header is checked before any tensor is
read, and every tensor is compared with the network of the experiment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np
import safetensors.numpy

from data import Dataset
from data.dataset import POINTS, Source
from data.files import user_data
from data.recipe import Recipe, texts
from engine.network.network import Network
from engine.training import checkpoint
from engine.training.stopping import RULES
from engine.training.trainer import Trainer
from lab.experiment import own_data
from lab.experiment.errors import SentenceError
from lab.experiment.experiment import Experiment, ExperimentError, SavedExperiment
from lab.experiment.rules import short

FORMAT, FORMAT_VERSION, SUFFIX = "backprop-playground", "1", ".safetensors"
MAX_FILE_BYTES = 80 << 20  # the largest network in float64 with Adam takes 64 million
MAX_HEADER_BYTES = 4_000_000  # an experiment of 20,000 characters, thousands of names twice and a hundred tensors
MAX_TENSORS, MAX_NAME_CHARS = 200, 80
NUMBER_KINDS = ("F32", "F64", "I32", "I64", "U64")  # in our models
MAX_STEPS, MAX_EPOCHS = 10**12, 2 * 10**9
PREFIXES = {"state.": "network.", "slot.": "optimizer.", "history.": "history.", "best.": "best."}
LEFT_OUT = ("version", "parameters", "stopped", "stopped_by", "disabled_rules", "divergence", "divergence.when", "way")
GROWING = ("history.epochs", "history.values")
SAVED_HERE = "a model saved by Backprop Playground"
DAMAGED = f"The file is damaged: its tensors do not lie where its header says; allowed: {SAVED_HERE}."
ACTED_ON_TEST = (
    "When this model was saved, stop rules looked at the test part. Its network was trained on the whole training "
    "part, so there is no validation part: stop rules now look at the training part."
)
RESCALED = "The data is no longer scaled as it was when this model was saved, so its predictions may be wrong."


class ModelFileError(SentenceError, ValueError):
    """Says in a sentence what is wrong with a file and what is allowed."""


class Model(NamedTuple):
    """The content of a file. metadata: plain values, with the experiment as JSON; arrays: by name in the file."""

    metadata: dict[str, Any]
    arrays: dict[str, np.ndarray]

    @property
    def experiment(self) -> Experiment:
        """A SavedExperiment if its data was uploaded and is not here."""
        return _read_experiment(self.metadata["experiment"], self.metadata)[0]

    @property
    def has_data(self) -> bool:
        """Whether the data of the experiment is here, as far as it was uploaded."""
        return not isinstance(self.experiment, SavedExperiment)

    @property
    def recipe(self) -> Recipe:
        """From the columns of a file of new rows to raw examples."""
        if self.experiment.source.plane:
            return POINTS
        if found := self.metadata.get("recipe"):
            return Recipe.from_values(found)
        return Recipe.of_numbers(self.metadata["features"], pixels=bool(self.experiment.source.image_shape))


def capture(experiment: Experiment, dataset: Dataset, trainer: Trainer) -> Model:
    """The current network and the state of its training."""
    trainer.synchronize()
    arrays = {f"network.{name}": array.copy() for name, array in trainer.network.named.items()}
    arrays |= {_in_file(name): array for name, array in checkpoint.capture(trainer).items() if name not in LEFT_OUT}
    arrays |= {
        "data.x_mean": np.array(dataset.x_mean, np.float64),
        "data.x_scale": np.array(dataset.x_scale, np.float64),
        "data.y_mean_and_scale": np.array([dataset.y_mean, dataset.y_scale], np.float64),
    }
    metadata = {
        "experiment": experiment.to_json(),
        "classes": list(dataset.class_names),
        "features": list(dataset.feature_names),
        "kind": dataset.kind,
        "image_shape": dataset.image_shape,
        "recipe": _own_recipe(dataset),
        "layers": [repr(layer) for layer in trainer.network.layers],
        "output": experiment.output_name,
        "stopped_by": trainer.stopped_by,
        "silent": sorted(trainer.disabled_rules),
        "epoch": trainer.epochs,
        "way": trainer.executor.way,
    }
    return Model(metadata, arrays)


def _own_recipe(dataset: Dataset) -> dict[str, Any] | None:
    """The recipe as plain values; None if the features are the columns."""
    usual = POINTS if dataset.encode else Recipe.of_numbers(dataset.feature_names, pixels=bool(dataset.image_shape))
    return None if dataset.recipe == usual else dataset.recipe.to_values()


def to_bytes(model: Model) -> bytes:
    """The content of the file. Raises ModelFileError for names of which nobody could open it again."""
    metadata = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in model.metadata.items()
    }
    arrays = {name: np.asarray(array, order="C") for name, array in model.arrays.items()}
    content = safetensors.numpy.save(arrays, metadata={"format": FORMAT, "version": FORMAT_VERSION, **metadata})
    if (length := int.from_bytes(content[:8], "little")) > MAX_HEADER_BYTES:
        raise ModelFileError(
            f"The names of this data take {length:,} bytes; at most {MAX_HEADER_BYTES:,} fit into a model file."
        )
    return content


def from_bytes(content: bytes) -> Model:
    """Read a file; `restore` checks whether its tensors fit the network. Raises ModelFileError."""
    metadata = _metadata(_header(content))
    try:
        arrays = safetensors.numpy.load(content)
    except Exception:  # the reader may raise anything for an invalid file
        raise ModelFileError(DAMAGED) from None
    return Model(metadata, arrays)


def restore(trainer: Trainer, model: Model) -> None:
    """Continue a saved run. The trainer must be built from the experiment of the file, or a similar one.

    Raises ModelFileError, and leaves the trainer unchanged, for tensors of another network.
    """
    own = checkpoint.capture(trainer)
    model = model._replace(arrays=checkpoint.with_curve_of(trainer, model.arrays))
    wanted = _weights(trainer.network) | {_in_file(name): array for name, array in own.items() if name not in LEFT_OUT}
    inputs = np.zeros(trainer.x_train.shape[1])
    wanted |= {"data.x_mean": inputs, "data.x_scale": inputs, "data.y_mean_and_scale": np.zeros(2)}
    _fit(wanted, model.arrays)
    _are_sound(model.arrays)
    arrays = {name: model.arrays.get(_in_file(name), array) for name, array in own.items()}
    rule = model.metadata["stopped_by"]
    reason = "This run had ended by itself when it was saved." if rule else ""  # text from a file is not shown
    arrays |= {"divergence": np.array(""), "stopped": np.array(reason), "stopped_by": np.array(rule)}
    arrays["disabled_rules"] = np.array([name in model.metadata["silent"] for name in RULES])
    arrays["way"] = np.array(model.metadata["way"])
    arrays["parameters"] = _flat(trainer.network, model)
    try:
        checkpoint.restore(trainer, arrays)
    except ValueError as problem:
        raise ModelFileError(f"The file does not fit its experiment. {problem}") from None
    if model.metadata.get("acted_on_test"):
        trainer.restart_patience()


def take_weights(trainer: Trainer, model: Model) -> None:
    """Start a new run with the weights of the file.

    Raises ModelFileError, and leaves the trainer unchanged, for weights of another network.
    """
    trainer.start_from(*weights_for(trainer.network, model))


def weights_for(network: Network, model: Model) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The parameters (P,) and running statistics of the file. Raises ModelFileError for those of another network."""
    arrays = {name: array for name, array in model.arrays.items() if name.startswith("network.")}
    _fit(_weights(network), arrays)
    _are_finite(arrays)
    return _flat(network, model), {name: arrays[f"network.{name}"] for name in network.state}


def scaling_of(model: Model, inputs: int) -> tuple[np.ndarray, np.ndarray, tuple[float, float]]:
    """Mean (inputs,) and scale (inputs,) of the examples, mean and scale of the targets. Raises ModelFileError."""
    wanted = {"data.x_mean": np.zeros(inputs), "data.x_scale": np.zeros(inputs), "data.y_mean_and_scale": np.zeros(2)}
    arrays = {name: array for name, array in model.arrays.items() if name.startswith("data.")}
    _fit(wanted, arrays)
    _are_finite(arrays)
    mean, scale, (y_mean, y_scale) = (arrays[name] for name in wanted)
    if not scale.all():
        raise ModelFileError("data.x_scale holds a zero; only other numbers are allowed.")
    return mean, scale, (float(y_mean), float(y_scale))


def is_rescaled(dataset: Dataset, model: Model) -> bool:
    """Whether the inputs of the data set are scaled differently from those of the saved model."""
    pairs = ((dataset.x_mean, "data.x_mean"), (dataset.x_scale, "data.x_scale"))
    return not all(np.allclose(now, model.arrays[name], rtol=1e-5, atol=1e-8) for now, name in pairs)


def _in_file(name: str) -> str:
    """The name in the file of an array of a checkpoint."""
    prefix = next((prefix for prefix in PREFIXES if name.startswith(prefix)), "")
    return PREFIXES[prefix] + name.removeprefix(prefix) if prefix else f"training.{name}"


# The format: eight bytes with the length of a JSON header, the header, the tensors ------------------------------------


def _header(content: bytes) -> dict[str, Any]:
    if len(content) > MAX_FILE_BYTES:
        raise ModelFileError(f"The file has {len(content):,} bytes; at most {MAX_FILE_BYTES:,} are allowed.")
    length = int.from_bytes(content[:8], "little")
    if len(content) < 10 or content[8:9] != b"{":
        raise ModelFileError(f"This is no safetensors file; allowed: {SAVED_HERE}.")
    if length > MAX_HEADER_BYTES:
        raise ModelFileError(f"The header claims {length:,} bytes; at most {MAX_HEADER_BYTES:,} are allowed.")
    if 8 + length > len(content):
        raise ModelFileError(f"The file is cut off within its header; allowed: {SAVED_HERE}, whole.")
    try:
        header = json.loads(content[8 : 8 + length], object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise ModelFileError(f"The header of the file is not JSON; allowed: {SAVED_HERE}.") from None
    if not isinstance(header, dict):
        raise ModelFileError(f"The header of the file is no table of tensors; allowed: {SAVED_HERE}.")
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise ModelFileError(f"This safetensors file comes from another program; allowed: {SAVED_HERE}.")
    if metadata.get("version") != FORMAT_VERSION:
        version = short(metadata.get("version"))
        raise ModelFileError(f"The file has format version {version}; this program reads version {FORMAT_VERSION}.")
    _check_table({name: line for name, line in header.items() if name != "__metadata__"}, len(content) - 8 - length)
    return header


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(table := dict(pairs)) != len(pairs):
        raise ValueError("a name occurs twice")
    return table


def _check_table(table: dict[str, Any], available: int) -> None:
    """table: tensor name -> {dtype, shape, data_offsets}; available: bytes after the header."""
    if len(table) > MAX_TENSORS:
        raise ModelFileError(f"The file has {len(table):,} tensors; at most {MAX_TENSORS} are allowed.")
    end = 0
    for name, line in table.items():
        if not isinstance(line, dict) or line.keys() != {"dtype", "shape", "data_offsets"}:
            raise ModelFileError(DAMAGED)
        if line["dtype"] not in NUMBER_KINDS:
            raise ModelFileError(f"{_tensor(name)} holds {short(line['dtype'])}; allowed: {', '.join(NUMBER_KINDS)}.")
        numbers = (*_list(line["shape"], 4), *_list(line["data_offsets"], 2))
        if not all(type(number) is int and 0 <= number <= MAX_FILE_BYTES for number in numbers):
            raise ModelFileError(DAMAGED)
        end = max(end, line["data_offsets"][-1])
    if end > available:
        raise ModelFileError(
            f"The file is cut off: its tensors need {end:,} bytes and {available:,} are there; "
            f"allowed: {SAVED_HERE}, whole."
        )


def _list(value: Any, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise ModelFileError(DAMAGED)
    return value


def _metadata(header: Mapping[str, Any]) -> dict[str, Any]:
    """The validated metadata; other entries are for people and other programs."""
    given = header["__metadata__"]
    described = _description(given)
    try:
        experiment, notes = _read_experiment(str(given.get("experiment", "")), described)
    except ExperimentError as problem:
        raise ModelFileError(f"The experiment in the file is not one. {problem.sentences[0]}") from None
    try:
        silent = json.loads(given.get("silent", "[]"))
    except (ValueError, TypeError, RecursionError):
        silent = None
    stopped_by = given.get("stopped_by", "")
    if not isinstance(silent, list) or not all(rule in RULES for rule in map(str, silent)):
        raise ModelFileError(f"The file names an unknown stop rule; allowed: {', '.join(RULES)}.")
    if stopped_by and stopped_by not in RULES:
        raise ModelFileError(f"The file names an unknown stop rule; allowed: {', '.join(RULES)}.")
    if acted_on_test := experiment.selects and bool(notes):
        experiment = experiment.change(validation_share=0.0)  # its network knows the whole training part
    return {
        **described,
        "experiment": experiment.to_json(),
        "silent": list(map(str, silent)),
        "stopped_by": stopped_by,
        "way": given.get("way", "tape"),  # older files have none; an unknown one counts as the tape
        "acted_on_test": acted_on_test,
    }


def _description(given: Mapping[str, str]) -> dict[str, Any]:
    """What the file says of its data. Older files have no kind."""
    try:
        values = {
            name: json.loads(given.get(name, "null")) for name in ("classes", "features", "image_shape", "recipe")
        }
        names = {name: list(texts(values[name] or [])) for name in ("classes", "features")}
        inputs, shape, recipe = len(names["features"]), values["image_shape"], values["recipe"]
        is_sound = shape is None or (all(type(n) is int and n > 0 for n in shape) and prod(shape) == inputs)
        is_sound &= recipe is None or Recipe.from_values(recipe).inputs == inputs
        is_sound &= (kind := given.get("kind", "")) in {"", "classification" if names["classes"] else "regression"}
    except (ValueError, TypeError, RecursionError):
        is_sound = False
    if not is_sound:
        raise ModelFileError(f"The file describes its data in an unknown way; allowed: {SAVED_HERE}.")
    return {**values, **names, "kind": kind}  # pyrefly: ignore


def _read_experiment(text: str, described: Mapping[str, Any]) -> tuple[Experiment, list[str]]:
    """The experiment, and sentences on what it meant differently when it was saved. Raises ExperimentError."""
    try:
        return Experiment.with_notes_from_json(text)
    except ExperimentError:
        if not (described.get("kind") and own_data.is_used(text)):
            raise
    shape, names = described["image_shape"], tuple(described["classes"])
    source = Source(
        "own_images" if shape else "table",
        "The data of the model",
        described["kind"],
        f"{user_data.GONE[0].upper()}{user_data.GONE[1:]}.",
        samples=0,
        make=partial(user_data.make, ""),
        class_names=names,
        inputs=len(described["features"]),
        image_shape=tuple(shape) if shape else None,
    )
    return SavedExperiment.with_notes_from_json(text, described=source)


# The tensors ---------------------------------------------------------------------------------------------------------


def _weights(network: Network) -> dict[str, np.ndarray]:
    """Weights and running statistics by their names in the file."""
    return {f"network.{name}": array for name, array in (network.named | network.state).items()}


def _flat(network: Network, model: Model) -> np.ndarray:
    """The weights of a file (P,), in the order of the network's buffer."""
    arrays = ((view, model.arrays[f"network.{name}"]) for name, view in network.named.items())
    return np.concatenate([a.ravel() if view.flags.c_contiguous else a.ravel("F") for view, a in arrays])


def _fit(wanted: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray]) -> None:
    """Raise unless names, types and shapes are the wanted ones."""
    for problem, names in (("lacks", wanted.keys() - arrays.keys()), ("has too much:", arrays.keys() - wanted.keys())):
        if names:
            some = ", ".join(map(_tensor, sorted(names)[:3])) + (" and more" if len(names) > 3 else "")
            raise ModelFileError(f"The file {problem} {some}; allowed: the tensors of the experiment's network.")
    for name, array in wanted.items():
        found = arrays[name]
        if found.dtype != array.dtype:
            raise ModelFileError(f"{name} holds {found.dtype}; the experiment's network needs {array.dtype}.")
        if found.ndim != array.ndim or (found.shape != array.shape and name not in GROWING):
            raise ModelFileError(f"{name} is {_by(found)}; the experiment's network needs {_by(array)}.")


def _are_finite(arrays: Mapping[str, np.ndarray]) -> None:
    for name, array in arrays.items():
        if name.startswith(("network.", "optimizer.", "best.p", "best.s", "data.")) and not np.isfinite(array).all():
            raise ModelFileError(f"{name} holds numbers that are not finite; only finite ones are allowed.")
        if name.endswith((".variance", ".square")) and (array < 0).any():
            raise ModelFileError(f"{name} holds negative numbers; a mean of squares is never negative.")


def _are_sound(arrays: Mapping[str, np.ndarray]) -> None:
    """Raise unless training can continue from these numbers."""
    _are_finite(arrays)
    for name, array in arrays.items():
        if name.startswith("training.rng") and (array[4] > 1 or array[5] >= 1 << 32):
            raise ModelFileError(f"{name} is no state of a random generator; six numbers of PCG64 are allowed.")
    steps, epochs, position, t = map(int, arrays["training.counters"])
    if max(steps, position, t) > MAX_STEPS or epochs > MAX_EPOCHS:
        raise ModelFileError("training.counters holds an impossible count; smaller ones are allowed.")
    seconds, untrained, best = map(float, arrays["training.numbers"])
    if not (0 <= seconds < np.inf and np.isfinite(untrained) and best == best):
        raise ModelFileError("training.numbers holds numbers that are not finite; only finite ones are allowed.")
    when, losses = arrays["history.epochs"], arrays["history.values"][:2]
    if not (np.diff(when) > 0).all() or (len(when) and not 0 <= when[0] <= when[-1] <= epochs):
        raise ModelFileError("history.epochs is out of order; epochs from 0 to the last one, rising, are allowed.")
    if not np.isfinite(losses).all():
        raise ModelFileError("history.values holds a loss that is not finite; only finite ones are allowed.")
    if not 1 <= int(arrays["history.stride"]) <= MAX_EPOCHS:
        raise ModelFileError("history.stride is out of range; a whole number from 1 is allowed.")


def _by(array: np.ndarray) -> str:
    return " x ".join(map(str, array.shape)) or "one number"


def _tensor(name: str) -> str:
    return short(name) if len(name) <= MAX_NAME_CHARS else "a tensor with a long name"
