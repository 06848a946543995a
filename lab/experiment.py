"""An experiment is one frozen, validated value. Widgets, links, files and the command line are all views of it.

Whatever comes from outside enters through `from_json` (all or nothing) or `from_query` (field by field, so that an old
or mistyped link still opens) and is refused with a sentence that says what is allowed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler, ValidationError, model_validator
from pydantic_core import core_schema

from data import DATASETS, FEATURES
from data.dataset import Source
from engine import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, OUTPUTS, SCHEDULES
from engine.losses import usual_loss, usual_output, valid_losses, valid_outputs
from engine.schedules import SPAN
from engine.settings import MONITORS, Settings

MAX_LAYERS, MAX_UNITS, MAX_FILTERS, MAX_PARAMETERS = 8, 1024, 64, 2_000_000
LONGEST_TEXT, LONGEST_LIST = 20_000, 100  # far more than any experiment needs; refused before it costs time
SMALLEST_MAP = 5  # pixels: below this a convolution and its pooling leave nothing


class ExperimentError(ValueError):
    """Says in sentences, one for each field, what is wrong and what is allowed."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences


@dataclass(frozen=True)
class Allowed:
    """What a field may hold: a check, and the words that follow "allowed:" when it fails."""

    text: str
    check: Callable[[Any], bool]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        clean = core_schema.no_info_before_validator_function(_truth if source is bool else _no_truth, handler(source))
        return core_schema.no_info_after_validator_function(self._verify, clean)

    def _verify(self, value: Any) -> Any:
        if not self.check(value):
            raise ValueError(self.text)
        return value


def one_of(*names: str) -> Allowed:
    return Allowed("one of " + ", ".join(names), lambda value: value in names)


def number(low: float, high: float, *, above: bool = False) -> Allowed:
    """A number from `low` (or above it) to `high`; nan is never in between."""
    words = f"a number {'above' if above else 'from'} {low:g} {'up ' if above else ''}to {high:,g}"
    return Allowed(words, lambda value: (low < value if above else low <= value) and value <= high)


def whole(low: int, high: int) -> Allowed:
    return Allowed(f"a whole number from {low} to {high:,}", lambda value: low <= value <= high)


def list_of(words: str, check: Callable[[Any], bool], shortest: int, longest: int) -> Allowed:
    return Allowed(words, lambda values: shortest <= len(values) <= longest and all(map(check, values)))


def _each_once(names: Any) -> bool:
    return len(set(names)) == len(names) > 0 and all(name in FEATURES for name in names)


def _truth(value: Any) -> Any:
    """True and false, or how a link writes them. Pydantic would take yes, on and 1 as well."""
    if str(value).lower() not in ("true", "false"):
        raise ValueError
    return value


def _no_truth(value: Any) -> Any:
    """True is the number 1 in Python; in an experiment it is a mistake."""
    if any(isinstance(item, bool) for item in (value if isinstance(value, list | tuple) else (value,))):
        raise ValueError
    return value


def _words(value: Any) -> Any:
    """ "64,32" -> ["64", "32"]: how a list is written in a link."""
    return [word for word in value.split(",", LONGEST_LIST) if word] if isinstance(value, str) else value


def _one_or_list(value: Any) -> Any:
    words = _words(value)
    return words[0] if isinstance(words, list | tuple) and len(words) == 1 and isinstance(words[0], str) else words


def _known_activations(value: str | tuple[str, ...]) -> bool:
    return all(name in ACTIVATIONS for name in ((value,) if isinstance(value, str) else value))


FEATURE_LIST = Allowed("a list, each once, out of " + ", ".join(FEATURES), _each_once)
UNIT_LIST = list_of(
    f"at most {MAX_LAYERS} whole numbers from 1 to {MAX_UNITS}, such as 64,32",
    lambda n: 1 <= n <= MAX_UNITS,
    0,
    MAX_LAYERS,
)
FILTER_LIST = list_of(
    f"for pictures, at most 3 whole numbers from 1 to {MAX_FILTERS}, such as 8,16",
    lambda n: 1 <= n <= MAX_FILTERS,
    0,
    3,
)
ACTIVATION_LIST = Allowed(
    "one name, or one for each hidden layer, out of " + ", ".join(ACTIVATIONS), _known_activations
)


class Experiment(BaseModel):
    """Everything that decides a run. The same value gives the same curve, to the bit on a CPU of the same kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: Annotated[str, one_of(*DATASETS)] = "circle"
    noise: Annotated[float, number(0, 0.5)] = 0.0
    samples: Annotated[int, whole(0, 100_000)] = 0  # 0: as many as the data set has
    train_share: Annotated[float, number(0.1, 0.9)] = 0.75
    features: Annotated[tuple[str, ...], BeforeValidator(_words), FEATURE_LIST] = ("x1", "x2")
    hidden: Annotated[tuple[int, ...], BeforeValidator(_words), UNIT_LIST] = (8, 8)
    # Filters of each block of 3x3 convolution and 2x2 pooling before the hidden layers.
    conv: Annotated[tuple[int, ...], BeforeValidator(_words), FILTER_LIST] = ()
    activations: Annotated[str | tuple[str, ...], BeforeValidator(_one_or_list), ACTIVATION_LIST] = "tanh"
    output: Annotated[str, one_of("auto", *OUTPUTS)] = "auto"
    loss: Annotated[str, one_of("auto", *LOSSES)] = "auto"
    label_smoothing: Annotated[float, number(0, 0.5)] = 0.0
    class_weights: Annotated[str, one_of("none", "balanced")] = "none"
    optimizer: Annotated[str, one_of(*OPTIMIZERS)] = "sgd"
    learning_rate: Annotated[float, number(0, 10, above=True)] = 0.03
    schedule: Annotated[str, one_of(*SCHEDULES)] = "constant"
    schedule_span: Annotated[float, number(0, 1_000_000)] = (
        0.0  # epochs of one schedule; 0: as many as `epochs`, or 100
    )
    batch_size: Annotated[int, whole(0, 100_000)] = 10  # 0: the whole training part
    initializer: Annotated[str, one_of(*INITIALIZERS)] = "glorot_uniform"
    l1: Annotated[float, number(0, 10)] = 0.0
    l2: Annotated[float, number(0, 10)] = 0.0
    weight_decay: Annotated[float, number(0, 1)] = 0.01  # decoupled: only AdamW has it
    max_norm: Annotated[float, number(0, 1000)] = 0.0  # the longest weight vector of a unit; 0: no limit
    dropout: Annotated[float, number(0, 0.9)] = 0.0
    batch_norm: Annotated[bool, Allowed("true or false", lambda _: True)] = False
    clip_norm: Annotated[float, number(0, 1000)] = 0.0  # 0: not clipped
    clip_value: Annotated[float, number(0, 1000)] = 0.0  # 0: not clipped
    seed: Annotated[int, whole(0, 999_999)] = 1
    device: Annotated[str, Allowed("cpu or cuda:0", lambda name: bool(re.fullmatch(r"cpu|cuda:\d", name)))] = "cpu"
    dtype: Annotated[str, one_of("float32", "float64")] = "float32"
    epochs: Annotated[int, whole(0, 1_000_000)] = 0  # 0: until somebody stops it
    target_accuracy: Annotated[float, number(0, 1)] = 0.0  # 0: no target
    patience: Annotated[int, whole(0, 100_000)] = 0  # 0: no early stopping
    min_delta: Annotated[float, number(0, 1)] = 0.0  # less than this is no improvement
    monitor: Annotated[str, one_of(*MONITORS)] = "test_loss"  # what has to improve
    max_seconds: Annotated[float, number(0, 86_400)] = 0.0  # of training; 0: no limit

    @model_validator(mode="after")
    def _fields_fit_together(self) -> Experiment:
        source = self.source
        if self.samples and self.samples < 10:
            raise _misfit("samples", self.samples, "0 (all) or a whole number from 10 to 100,000")
        if not isinstance(self.activations, str) and len(self.activations) != len(self.hidden):
            raise _misfit(
                "activations",
                ",".join(self.activations),
                f"one name, or one for each of the {len(self.hidden)} hidden layers",
            )
        outputs = valid_outputs(source.kind, source.classes)
        if self.output not in ("auto", *outputs):
            raise _misfit("output", self.output, "with this data set: auto, " + ", ".join(outputs))
        losses = self.losses
        if self.loss not in ("auto", *losses):
            raise _misfit("loss", self.loss, "with this data set and output: auto, " + ", ".join(losses))
        if source.kind == "regression" and self.label_smoothing:
            raise _misfit("label_smoothing", self.label_smoothing, "0 where the targets are numbers")
        if source.kind == "regression" and self.class_weights != "none":
            raise _misfit("class_weights", self.class_weights, "none where the targets are numbers")
        if self.conv and (source.image_shape is None or min(self.map_shape(len(self.conv) - 1)) < SMALLEST_MAP - 1):
            raise _misfit(
                "conv",
                ",".join(map(str, self.conv)),
                "blocks that still fit, on a data set of pictures; none for other data",
            )
        if self.parameters > MAX_PARAMETERS:
            raise _misfit(
                "hidden", ",".join(map(str, self.hidden)), f"layers with at most {MAX_PARAMETERS:,} parameters in all"
            )
        return self

    # What the fields mean together -----------------------------------------------------------------------------------

    @property
    def source(self) -> Source:
        return DATASETS[self.dataset]

    @property
    def losses(self) -> tuple[str, ...]:
        """The losses that go with the data set and the chosen output."""
        kind, classes = self.source.kind, self.source.classes
        outputs = valid_outputs(kind, classes) if self.output == "auto" else (self.output,)
        return tuple(name for name in LOSSES if any(name in valid_losses(kind, output) for output in outputs))

    @property
    def output_name(self) -> str:
        """The output function, `auto` resolved."""
        loss = None if self.loss == "auto" else self.loss
        return usual_output(self.source.kind, self.source.classes, loss) if self.output == "auto" else self.output

    @property
    def loss_name(self) -> str:
        """The loss, `auto` resolved."""
        return usual_loss(self.source.kind, self.source.classes, self.output_name) if self.loss == "auto" else self.loss

    @property
    def activation_names(self) -> tuple[str, ...]:
        """One activation for each hidden layer."""
        return (self.activations,) * len(self.hidden) if isinstance(self.activations, str) else self.activations

    @property
    def conv_activation(self) -> str:
        """Convolution blocks share the first activation."""
        return self.activations if isinstance(self.activations, str) else (*self.activations, "tanh")[0]

    @property
    def inputs(self) -> int:
        return len(self.features) if self.source.plane else self.source.inputs

    @property
    def outputs(self) -> int:
        classes = self.source.classes
        return classes if classes > 2 or (classes == 2 and self.output_name == "softmax") else 1

    def map_shape(self, blocks: int) -> tuple[int, int]:
        """Height and width of the maps that so many convolution blocks leave."""
        height, width = self.source.image_shape or (0, 0)
        for _ in range(blocks):
            height, width = (height - 2) // 2, (width - 2) // 2
        return height, width

    @property
    def parameters(self) -> int:
        """About: weights and biases, without batch normalisation's."""
        channels = (1, *self.conv)
        filters = sum((9 * i + 1) * o for i, o in pairwise(channels))
        height, width = self.map_shape(len(self.conv))
        sizes = (channels[-1] * height * width if self.conv else self.inputs, *self.hidden, self.outputs)
        return filters + sum((i + 1) * o for i, o in pairwise(sizes))

    def settings(self) -> Settings:
        """The part that may change between two steps."""
        values: dict[str, Any] = {name: getattr(self, name) for name in LIVE}
        values["schedule_span"] = self.schedule_span or self.epochs or SPAN
        return Settings(**values)

    # To and from the outside -----------------------------------------------------------------------------------------

    def change(self, **changes: Any) -> Experiment:
        """A new experiment with some fields changed. Earlier choices that no longer fit go back to their defaults.

        Raises ExperimentError when the changed fields themselves are wrong.
        """
        values = {**self.model_dump(), **changes}
        hidden, names = _words(values["hidden"]), values["activations"]
        if "hidden" in changes and isinstance(hidden, list | tuple) and isinstance(names, list | tuple):
            names = tuple(names)[: len(hidden)]
            values["activations"] = names + names[-1:] * (len(hidden) - len(names)) or "tanh"
        while True:
            try:
                return Experiment.model_validate(values)
            except ValidationError as problem:
                outdated = {_field(error) for error in problem.errors()} & values.keys() - changes.keys()
                if not outdated:
                    raise ExperimentError(_sentences(problem)) from None
                for name in outdated:
                    del values[name]

    def changed_fields(self, other: Experiment) -> dict[str, Any]:
        """The fields of `other` that differ from this one's."""
        return {
            name: value for name in Experiment.model_fields if (value := getattr(other, name)) != getattr(self, name)
        }

    def goes_on_as(self, other: Experiment) -> bool:
        """Whether a running network can take the difference between two steps; otherwise it must be built anew."""
        return self.changed_fields(other).keys() <= set(LIVE)

    def to_query(self) -> dict[str, str]:
        """What a link holds: every field that is not at its default."""
        default = Experiment()
        return {
            name: _as_text(getattr(self, name))
            for name in Experiment.model_fields
            if getattr(self, name) != getattr(default, name)
        }

    def to_json(self) -> str:
        return self.model_dump_json(indent=1)

    @classmethod
    def from_json(cls, text: str) -> Experiment:
        """Raises ExperimentError with a sentence for each wrong field."""
        if len(text) > LONGEST_TEXT:
            raise ExperimentError([f"This text is too long. Allowed: JSON of at most {LONGEST_TEXT:,} characters."])
        try:
            values = json.loads(text, object_pairs_hook=_object)
        except ExperimentError:
            raise
        except (ValueError, RecursionError):
            raise ExperimentError(["This is not JSON. Allowed: one JSON object of experiment fields."]) from None
        if not isinstance(values, dict):
            raise ExperimentError(['An experiment is one JSON object of fields, such as {"dataset": "digits"}.'])
        try:
            return cls.model_validate(values)
        except ValidationError as problem:
            raise ExperimentError(_sentences(problem)) from None

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[Experiment, list[str]]:
        """A link's fields -> the experiment, and a sentence for each field that was refused (it keeps its default)."""
        values = {name: query[name] for name in cls.model_fields if name in query}
        refused: list[str] = []
        while True:
            try:
                return cls.model_validate(values), refused
            except ValidationError as problem:
                refused += _sentences(problem)
                wrong = {_field(error) for error in problem.errors()} & values.keys()
                if not wrong:
                    return cls(), refused
                for name in wrong:
                    del values[name]


LIVE = tuple(f.name for f in fields(Settings) if f.name in Experiment.model_fields)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Of two values for one field nobody can say which was meant."""
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise ExperimentError([f"{_short(name)}: given twice; allowed: each field once."])
        values[name] = value
    return values


def _as_text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(_as_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value).removesuffix(".0")


class _Misfit(ValueError):
    def __init__(self, field: str, value: Any, allowed: str) -> None:
        super().__init__(f"{field}: {_short(value)} does not fit; allowed: {allowed}.")
        self.field = field


def _misfit(field: str, value: Any, allowed: str) -> _Misfit:
    return _Misfit(field, value, allowed)


def _field(error: Any) -> str:
    misfit = error.get("ctx", {}).get("error")
    return misfit.field if isinstance(misfit, _Misfit) else str(error["loc"][0]) if error["loc"] else ""


def _sentences(problem: ValidationError) -> list[str]:
    """One sentence a field: what was given, what is allowed."""
    sentences = {}
    for error in problem.errors():
        name = _field(error)
        misfit = error.get("ctx", {}).get("error")
        if isinstance(misfit, _Misfit):
            sentences[name] = str(misfit)
        elif name not in Experiment.model_fields:
            allowed = ", ".join(Experiment.model_fields)
            sentences[name] = f"{_short(name) or 'An empty name'} is no field of an experiment; allowed: {allowed}."
        else:
            rule = next(m for m in Experiment.model_fields[name].metadata if isinstance(m, Allowed))
            sentences.setdefault(name, f"{name}: {_short(error['input'])} is not allowed; allowed: {rule.text}.")
    return list(sentences.values())


def _short(value: Any) -> str:
    """For a sentence: not too long, and nothing in it that cannot be written as UTF-8 (half a character pair)."""
    try:
        text = str(value)
    except (ValueError, RecursionError):
        return "a huge value"
    return text[:40].encode(errors="replace").decode() + ("..." if len(text) > 40 else "")
