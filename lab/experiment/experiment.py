"""An experiment is one frozen, validated value. Widgets, links, files and the command line are all views of it.

Whatever comes from outside enters through `from_json` (all or nothing) or `from_query` (field by field, so that an old
or mistyped link still opens) and is refused with a sentence that says what is allowed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator

from data import DATASETS, OWN, SCALINGS, get_source
from data.dataset import Source
from data.sources import hand_drawn
from engine import INITIALIZERS, LOSSES, OPTIMIZERS, OUTPUTS, SCHEDULES
from engine.formulas.losses import usual_loss, usual_output, valid_losses, valid_outputs
from engine.formulas.schedules import SPAN
from engine.step.settings import MONITORS, Settings
from lab.experiment.architecture import architecture_of
from lab.experiment.fields import (
    Allowed,
    ExperimentError,
    Misfit,
    as_text,
    field_of,
    number,
    once_each,
    one_of,
    one_or_list,
    sentences,
    whole,
    words,
)
from lab.experiment.layer_rules import ACTIVATION_LIST, FILTER_LIST, MAX_PARAMETERS, UNIT_LIST
from lab.experiment.layer_rules import MAX_LAYERS as MAX_LAYERS
from lab.experiment.layer_rules import MAX_UNITS as MAX_UNITS
from lab.experiment.own_data import FINGERPRINT, check_own
from lab.experiment.plane_rules import FEATURE_LIST, POINT_LIST, check_plane, packed

LONGEST_TEXT = 20_000  # far more than any experiment needs; refused before it costs time
SMALLEST_MAP = 5  # pixels: below this a convolution and its pooling leave nothing


class Experiment(BaseModel):
    """Everything that decides a run. The same value gives the same curve, to the bit on a CPU of the same kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: Annotated[str, one_of(*DATASETS, *OWN)] = "circle"
    noise: Annotated[float, number(0, 0.5)] = 0.0
    samples: Annotated[int, whole(0, 100_000)] = 0  # 0: as many as the data set has
    label_noise: Annotated[float, number(0, 0.5)] = 0.0  # share of all labels that is wrong
    outliers: Annotated[float, number(0, 0.5)] = 0.0  # share of the points that is thrown somewhere on the plane
    balance: Annotated[float, number(0.1, 0.9)] = 0.5  # share of the first class
    points: Annotated[str, BeforeValidator(packed), POINT_LIST] = ""  # of the set "drawn"
    own: Annotated[str, FINGERPRINT] = ""  # which uploaded table or set of pictures
    train_share: Annotated[float, number(0.1, 0.9)] = 0.75
    scaling: Annotated[str, one_of(*SCALINGS)] = "standard"  # how pixels become inputs
    features: Annotated[tuple[str, ...], BeforeValidator(words), FEATURE_LIST] = ("x1", "x2")
    hidden: Annotated[tuple[int, ...], BeforeValidator(words), UNIT_LIST] = (8, 8)
    formula: Annotated[str, Allowed("a formula of x1 and x2", lambda text: len(text) <= 200)] = ""
    # Filters of each block of 3x3 convolution and 2x2 pooling before the hidden layers.
    conv: Annotated[tuple[int, ...], BeforeValidator(words), FILTER_LIST] = ()
    activations: Annotated[str | tuple[str, ...], BeforeValidator(one_or_list), ACTIVATION_LIST] = "tanh"
    output: Annotated[str, one_of("auto", *OUTPUTS)] = "auto"
    loss: Annotated[str, one_of("auto", *LOSSES)] = "auto"
    label_smoothing: Annotated[float, number(0, 0.5)] = 0.0
    class_weights: Annotated[str, one_of("none", "balanced")] = "none"
    optimizer: Annotated[str, one_of(*OPTIMIZERS)] = "sgd"
    learning_rate: Annotated[float, number(0, 10, above=True)] = 0.03
    schedule: Annotated[str, one_of(*SCHEDULES)] = "constant"
    schedule_span: Annotated[float, number(0, 1_000_000)] = 0.0  # epochs of one schedule; 0: `epochs`, or 100
    batch_size: Annotated[int, whole(0, 100_000)] = 10  # 0: the whole training part
    initializer: Annotated[str, one_of(*INITIALIZERS)] = "glorot_uniform"
    l1: Annotated[float, number(0, 10)] = 0.0
    l2: Annotated[float, number(0, 10)] = 0.0
    weight_decay: Annotated[float, number(0, 1)] = 0.01  # decoupled: only AdamW has it
    max_norm: Annotated[float, number(0, 1000)] = 0.0  # the longest weight vector of a unit; 0: no limit
    dropout: Annotated[float, number(0, 0.9)] = 0.0
    batch_norm: Annotated[bool, Allowed("true or false", lambda _: True)] = False
    residual: Annotated[bool, Allowed("true or false", lambda _: True)] = False  # where inputs and units are as many
    clip_norm: Annotated[float, number(0, 1000)] = 0.0  # 0: not clipped
    clip_value: Annotated[float, number(0, 1000)] = 0.0  # 0: not clipped
    seed: Annotated[int, whole(0, 999_999)] = 1
    weight_seed: Annotated[int, whole(0, 999_999)] = 0  # 0: the first weights follow `seed`
    device: Annotated[str, Allowed("cpu or cuda:0", lambda name: bool(re.fullmatch(r"cpu|cuda:[0-9]", name)))] = "cpu"
    dtype: Annotated[str, one_of("float32", "float64")] = "float32"
    epochs: Annotated[int, whole(0, 1_000_000)] = 0  # 0: until somebody stops it
    target_accuracy: Annotated[float, number(0, 1)] = 0.0  # 0: no target
    patience: Annotated[int, whole(0, 100_000)] = 0  # 0: no early stopping
    min_delta: Annotated[float, number(0, 1)] = 0.0  # less than this is no improvement
    monitor: Annotated[str, one_of(*MONITORS)] = "test_loss"  # what has to improve
    max_seconds: Annotated[float, number(0, 86_400)] = 0.0  # of training; 0: no limit

    @model_validator(mode="after")
    def _fields_fit_together(self) -> Experiment:
        check_own(self)
        check_plane(self)
        source = self.source
        if self.scaling != "standard" and source.image_shape is None:
            raise Misfit("scaling", self.scaling, "standard where there are no pictures")
        if self.samples and self.samples < 10:
            raise Misfit("samples", self.samples, "0 (all) or a whole number from 10 to 100,000")
        if not isinstance(self.activations, str) and len(self.activations) != len(self.hidden):
            raise Misfit(
                "activations",
                ",".join(self.activations),
                f"one name, or one for each of the {len(self.hidden)} hidden layers",
            )
        outputs = valid_outputs(source.kind, source.classes)
        if self.output not in ("auto", *outputs):
            raise Misfit("output", self.output, "with this data set: auto, " + ", ".join(outputs))
        losses = self.losses
        if self.loss not in ("auto", *losses):
            raise Misfit("loss", self.loss, "with this data set and output: auto, " + ", ".join(losses))
        if source.kind == "regression" and self.label_smoothing:
            raise Misfit("label_smoothing", self.label_smoothing, "0 where the targets are numbers")
        if source.kind == "regression" and self.class_weights != "none":
            raise Misfit("class_weights", self.class_weights, "none where the targets are numbers")
        if self.conv and (source.image_shape is None or min(self.map_shape(len(self.conv) - 1)) < SMALLEST_MAP - 1):
            raise Misfit(
                "conv",
                ",".join(map(str, self.conv)),
                "blocks that still fit, on a data set of pictures; none for other data",
            )
        if self.parameters > MAX_PARAMETERS:
            raise Misfit(
                "hidden", ",".join(map(str, self.hidden)), f"layers with at most {MAX_PARAMETERS:,} parameters in all"
            )
        return self

    # What the fields mean together -----------------------------------------------------------------------------------

    @property
    def source(self) -> Source:
        return get_source(self.dataset, self.points, self.own)

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
        """Numbers that training changes."""
        return architecture_of(self).parameters

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
        hidden, names = words(values["hidden"]), values["activations"]
        if "hidden" in changes and isinstance(hidden, list | tuple) and isinstance(names, list | tuple):
            names = tuple(names)[: len(hidden)]
            values["activations"] = names + names[-1:] * (len(hidden) - len(names)) or "tanh"
        while True:
            try:
                return Experiment.model_validate(values)
            except ValidationError as problem:
                outdated = {field_of(error) for error in problem.errors()} & values.keys() - changes.keys()
                if not outdated:
                    raise ExperimentError(sentences(problem, Experiment)) from None
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
        """What a link holds: every field that is not at its default; points only where they are what is learnt."""
        default, points = Experiment(), self.dataset == hand_drawn.NAME and self.fits_link
        return {
            name: as_text(getattr(self, name))
            for name in Experiment.model_fields
            if getattr(self, name) != getattr(default, name) and (name != "points" or points)
        }

    @property
    def fits_link(self) -> bool:
        """Whether a link can hold everything: more than a few hundred drawn points are for a file."""
        return (
            self.dataset != hand_drawn.NAME
            or not self.points
            or len(hand_drawn.unpack(self.points)[1]) <= hand_drawn.MAX_POINTS_IN_LINK
        )

    def to_json(self) -> str:
        return self.model_dump_json(indent=1)

    @classmethod
    def from_json(cls, text: str) -> Experiment:
        """Raises ExperimentError with a sentence for each wrong field."""
        if len(text) > LONGEST_TEXT:
            raise ExperimentError([f"This text is too long. Allowed: JSON of at most {LONGEST_TEXT:,} characters."])
        try:
            values = json.loads(text, object_pairs_hook=once_each)
        except ExperimentError:
            raise
        except (ValueError, RecursionError):
            raise ExperimentError(["This is not JSON. Allowed: one JSON object of experiment fields."]) from None
        if not isinstance(values, dict):
            raise ExperimentError(['An experiment is one JSON object of fields, such as {"dataset": "digits"}.'])
        try:
            return cls.model_validate(values)
        except ValidationError as problem:
            raise ExperimentError(sentences(problem, Experiment)) from None

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[Experiment, list[str]]:
        """A link's fields -> the experiment, and a sentence for each field that was refused (it keeps its default)."""
        values = {name: query[name] for name in cls.model_fields if name in query}
        refused: list[str] = []
        while True:
            try:
                return cls.model_validate(values), refused
            except ValidationError as problem:
                refused += sentences(problem, Experiment)
                wrong = {field_of(error) for error in problem.errors()}
                wrong |= {"dataset"} if "own" in wrong and values.get("dataset") in OWN else set()
                wrong &= values.keys()
                if not wrong:
                    return cls(), refused
                for name in wrong:
                    del values[name]


LIVE = tuple(f.name for f in fields(Settings) if f.name in Experiment.model_fields)
