"""Every field of an experiment, described once.

One record holds the allowed values of a field, its effect, its control on the page, whether the network follows a
dragged slider, and the lockable part of the page it belongs to. Refusals, controls, locks, glossary and
docs/settings.md are made from these records. To add a field: a record here, its use in lab/training/build.py (or a line
of engine/step/settings.py, if a running network accepts a change), and a test of its effect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import core_schema

from data import BALANCED, DATASETS, MAX_FOLD, OWN, RANGES, SAMPLES, SCALINGS
from data.counted import counted
from data.sources import hand_drawn
from engine import INITIALIZERS, LOSSES, OPTIMIZERS, OUTPUTS, SCHEDULES
from engine.formulas.losses import valid_outputs
from engine.step.settings import MONITORS, Settings
from lab.experiment.layer_rules import ACTIVATION_LIST, FILTER_LIST, UNIT_LIST
from lab.experiment.own_data import FINGERPRINT
from lab.experiment.plane_rules import FEATURE_LIST, POINT_LIST, packed
from lab.experiment.rules import (
    BOOLEAN,
    Allowed,
    Misfit,
    Range,
    as_text,
    no_booleans,
    number,
    one_of,
    one_or_list,
    only_booleans,
    whole,
    words,
)

DATA, NETWORK, TRAINING, STOP_RULES = "Data", "Network", "Training", "Stop rules"  # groups of the page

Control = Literal["slider", "number", "choice", "check", "text", "page"]


def percent(value: float) -> str:
    """0.25 -> 25%, with all digits, because a slider needs a different text for every value."""
    exact = (Decimal(repr(value)) * 100).normalize()
    return f"{exact:f}%" if not exact or exact > Decimal("1e-6") else f"{exact}%"


@dataclass(frozen=True)
class Needs:
    """The condition under which a field has an effect. holds: called with an experiment."""

    holds: Callable[[Any], bool]
    otherwise: str  # the opposite in words that follow the default: "0 where the targets are numbers"
    strict: bool = True  # whether values other than the default are then refused


@dataclass(frozen=True, kw_only=True)
class FieldSpec:
    """The description of a field, besides its name, type and default."""

    allowed: Allowed
    label: str
    help: str  # its effect, and that of a larger value
    group: str
    part: str  # of ui/session/lockable_parts.py, which a teacher can hide or lock
    simple: bool = False  # whether it is one of the few controls of the simple page
    advanced: bool = False  # whether its control is in a popover
    term: str = ""  # the glossary term that explains it; if empty, label and help are the entry
    parse: Callable[[Any], Any] | None = None  # the value in a link or a list -> the value
    steps: tuple[float, ...] = ()  # of its slider
    preview: bool = False  # whether the network follows the slider while it is dragged
    increment: float = 1  # of its number box
    format: Callable[[Any], str] = as_text  # a value -> its text on the page, with all digits
    zero: str = ""  # the meaning of 0
    choices: Mapping[str, Any] | None = None  # name -> record of a table, text, or a function of an experiment
    label_for: Callable[[Any], str] | None = None  # an experiment -> the label, where it depends on one
    valid: Callable[[Any], Iterable[str]] | None = None  # the choices for an experiment; None: all
    auto: Callable[[Any], str] | None = None  # the choice that "auto" means in an experiment
    needs: Needs | None = None
    on_page: bool = False  # whether a page has its own control for it

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        schema = handler(source)
        if self.parse:
            schema = core_schema.no_info_before_validator_function(self.parse, schema)
        clean = core_schema.no_info_before_validator_function(only_booleans if source is bool else no_booleans, schema)
        return core_schema.no_info_after_validator_function(self.allowed.verify, clean)

    @property
    def control(self) -> Control:
        if self.on_page:
            return "page"
        if self.allowed is BOOLEAN:
            return "check"
        if self.choices:
            return "choice"
        if self.steps:
            return "slider"
        return "number" if isinstance(self.allowed, Range) else "text"

    @property
    def title(self) -> str:
        """The label of its control, with the meaning of 0 for a number box."""
        return self._with_zero(self.label)

    def title_for(self, e: Any) -> str:
        """The title in an experiment."""
        return self._with_zero(self.label_for(e) if self.label_for else self.label)

    def _with_zero(self, label: str) -> str:
        return f"{label} (0 = {self.zero})" if self.control == "number" and self.zero else label

    def text(self, value: Any, e: Any = None) -> str:
        """The text of a value on the page. e: the experiment, which resolves "auto"."""
        if self.choices is not None:
            record = self.choices[self.auto(e) if value == "auto" and self.auto else value]
            label: Any = getattr(record, "label", None) or (record(e) if callable(record) else record)
            return f"Auto: {label}" if value == "auto" else label
        if value == 0 and self.zero:
            return self.zero
        return self.format(value)

    def options(self, e: Any) -> tuple[str, ...]:
        """The choices for an experiment."""
        names = tuple(self.valid(e) if self.valid else self.choices or ())
        return ("auto", *names) if self.auto else names

    def applies(self, e: Any) -> bool:
        return self.needs is None or self.needs.holds(e)


NEEDS_CLASSES = Needs(lambda e: e.source.kind == "classification", "where the targets are numbers")
NEEDS_PICTURES = Needs(lambda e: e.source.image_shape is not None, "where there are no pictures")
NEEDS_PLANE = Needs(lambda e: e.source.plane, "where the data is not points in the plane")
USED_IN_PLANE = Needs(NEEDS_PLANE.holds, NEEDS_PLANE.otherwise, strict=False)
EARLY_STOPPING = Needs(lambda e: e.patience > 0, "without early stopping", strict=False)


def _named_after_part(label: str) -> Callable[[Any], str]:
    """The label of a number of the part that stop rules look at in an experiment: {part} or {Part} becomes its name."""

    def label_for(e: Any) -> str:
        part = e.selecting_part if e else "validation"
        return label.format(part=part, Part=part.capitalize())

    return label_for


SHARE_STEPS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
RATE_STEPS = (0.00001, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
PENALTY_STEPS = (0.0, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
LIMIT_STEPS = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0)
SEED = whole(0, 999_999)
PARTS = "Training part, validation part, test part"  # of the glossary


# fmt: off
class Fields(BaseModel):
    """The fields in the order of links and files. Names never change, because links hold them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: Annotated[str, FieldSpec(
        allowed=one_of(*DATASETS, *OWN), label="Data set", simple=True, group=DATA, part="data", on_page=True,
        help="The examples: inputs, and the wanted answer for each.",
    )] = "circle"
    noise: Annotated[float, FieldSpec(
        allowed=number(*RANGES["noise"]), label="Noise", simple=True,
        group=DATA, part="data", preview=True, format=percent,
        steps=(0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5),
        help="Random change of the inputs. More noise blurs the classes, so that fewer examples can be right.",
    )] = 0.0
    samples: Annotated[int, FieldSpec(
        allowed=whole(0, SAMPLES[1]), label="Samples", group=DATA, part="data", zero="all", increment=50,
        help="Number of examples, at least 10; 0 uses all. With more of them a network overfits less.",
    )] = 0
    label_noise: Annotated[float, FieldSpec(
        allowed=number(*RANGES["label_noise"]), label="Wrong labels", group=DATA, part="data", advanced=True,
        preview=True, steps=SHARE_STEPS, format=percent, needs=NEEDS_CLASSES,
        help="Share of the labels that are wrong, also in the test part. The more, the lower the best possible "
             "accuracy.",
    )] = 0.0
    outliers: Annotated[float, FieldSpec(
        allowed=number(*RANGES["outliers"]), label="Outliers", group=DATA, part="data", advanced=True,
        preview=True, steps=SHARE_STEPS, format=percent, needs=NEEDS_PLANE,
        help="Share of the points that are moved to a random place with their label. More of them bend the boundary.",
    )] = 0.0
    balance: Annotated[float, FieldSpec(
        allowed=number(*RANGES["balance"]), label="Class balance", group=DATA, part="data", advanced=True,
        preview=True, steps=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), format=percent,
        needs=Needs(lambda e: e.dataset in BALANCED, f"with this data set; others for {', '.join(BALANCED)}"),
        help="Share of the first class; at 50% all classes are equally large. A rare class is easily ignored.",
    )] = 0.5
    points: Annotated[str, FieldSpec(
        allowed=POINT_LIST, label="Drawn points", group=DATA, part="data", on_page=True, parse=packed,
        format=lambda points: counted(len(hand_drawn.unpack(points)[1]), "point"),
        needs=Needs(lambda e: e.dataset == hand_drawn.NAME, "with another data set", strict=False),
        help="Points that you drew or read from a file, for the data set of your own points.",
    )] = ""
    own: Annotated[str, FieldSpec(
        allowed=FINGERPRINT, label="Uploaded data", group=DATA, part="data", on_page=True,
        needs=Needs(lambda e: e.dataset in OWN, "with another data set", strict=False),
        help="The table or the set of pictures that you uploaded on the page Data.",
    )] = ""
    train_share: Annotated[float, FieldSpec(
        allowed=number(*RANGES["train_share"]), label="Training share", simple=True,
        group=DATA, part="data", preview=True,
        steps=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9), format=percent, term=PARTS,
        help="Share of the examples used for training; the rest is for testing. With more of them a network overfits "
             "less.",
    )] = 0.75
    validation_share: Annotated[float, FieldSpec(
        allowed=number(*RANGES["validation_share"]), label="Validation share", group=DATA, part="data", preview=True,
        steps=(0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5), format=percent, zero="none", term=PARTS,
        help="Share of the training part that is set aside as validation part, which stop rules choose by. With more "
             "of it they choose more reliably, and fewer examples are left for training.",
    )] = 0.0
    fold: Annotated[int, FieldSpec(
        allowed=whole(0, MAX_FOLD), label="Fold", group=DATA, part="data", advanced=True, zero="the usual one",
        term=PARTS, needs=Needs(lambda e: e.validation_share > 0, "without a validation part", strict=False),
        help="Which examples of the training part are the validation part. Folds share none, so that with a share of "
             "20% the folds 0 to 4 hold each example once.",
    )] = 0
    scaling: Annotated[str, FieldSpec(
        allowed=one_of(*SCALINGS), label="Pixels as inputs", group=DATA, part="data", choices=SCALINGS,
        needs=NEEDS_PICTURES, help="How pixels become inputs.",
    )] = "standard"
    features: Annotated[tuple[str, ...], FieldSpec(
        allowed=FEATURE_LIST, label="Features", simple=True,
        group=DATA, part="features", on_page=True, parse=words, term="Feature",
        needs=USED_IN_PLANE,
        help="The inputs of the network. With better ones fewer neurons are needed.",
    )] = ("x1", "x2")
    hidden: Annotated[tuple[int, ...], FieldSpec(
        allowed=UNIT_LIST, label="Hidden layers", simple=True, group=NETWORK, part="layers", on_page=True, parse=words,
        format=lambda sizes: "-".join(map(str, sizes)) or "none", term="Hidden layer",
        help="Number of neurons in each hidden layer. More neurons fit more complicated data, and overfit sooner.",
    )] = (8, 8)
    formula: Annotated[str, FieldSpec(
        allowed=Allowed("a formula of x1 and x2", lambda text: len(text) <= 200), label="Custom feature", group=DATA,
        part="features", on_page=True, term="Feature", needs=USED_IN_PLANE,
        help="A formula of x1 and x2 that joins the features of the diagram.",
    )] = ""
    conv: Annotated[tuple[int, ...], FieldSpec(
        allowed=FILTER_LIST, label="Convolution filters", group=NETWORK, part="layers", advanced=True, parse=words,
        term="Convolution", needs=NEEDS_PICTURES,
        help="Number of filters in each block of 3x3 convolution and 2x2 pooling before the hidden layers, such as "
             "8,16. More filters find more patterns and take longer.",
    )] = ()
    activations: Annotated[str | tuple[str, ...], FieldSpec(
        allowed=ACTIVATION_LIST, label="Activation", simple=True,
        group=NETWORK, part="activation", on_page=True, parse=one_or_list,
        help="The function that each hidden neuron applies to its sum. Without one, any number of layers is no more "
             "than a single straight line.",
    )] = "tanh"
    output: Annotated[str, FieldSpec(
        allowed=one_of("auto", *OUTPUTS), label="Output", group=NETWORK, part="loss", choices=OUTPUTS,
        valid=lambda e: valid_outputs(e.source.kind, e.source.classes), auto=lambda e: e.output_name,
        help="The function of the last layer: it turns sums into probabilities, or leaves them as they are.",
    )] = "auto"
    loss: Annotated[str, FieldSpec(
        allowed=one_of("auto", *LOSSES), label="Loss", group=NETWORK, part="loss", choices=LOSSES,
        valid=lambda e: e.losses, auto=lambda e: e.loss_name, term="Loss",
        help="What training makes small. Only losses that fit the output are listed.",
    )] = "auto"
    label_smoothing: Annotated[float, FieldSpec(
        allowed=number(0, 0.5), label="Label smoothing", group=NETWORK, part="loss", advanced=True,
        steps=(0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5), format=percent, needs=NEEDS_CLASSES,
        help="Share of each target that is spread evenly over all classes. The larger, the less certain the network "
             "becomes.",
    )] = 0.0
    class_weights: Annotated[str, FieldSpec(
        allowed=one_of("none", "balanced"), label="Class weights", group=NETWORK, part="loss", advanced=True,
        choices={"none": "All classes alike", "balanced": "Balanced"}, needs=NEEDS_CLASSES,
        help="Balanced: errors on a rare class count more, so that it is not ignored.",
    )] = "none"
    optimizer: Annotated[str, FieldSpec(
        allowed=one_of(*OPTIMIZERS), label="Optimizer", group=NETWORK, part="optimizer", choices=OPTIMIZERS,
        help="The rule that turns gradients into steps.",
    )] = "sgd"
    learning_rate: Annotated[float, FieldSpec(
        allowed=number(0, 10, above=True), label="Learning rate", simple=True,
        group=TRAINING, part="rate", steps=RATE_STEPS,
        preview=True, help="How large a step is. Too small: training crawls; too large: it overshoots or diverges.",
    )] = 0.03
    schedule: Annotated[str, FieldSpec(
        allowed=one_of(*SCHEDULES), label="Schedule", group=TRAINING, part="more", advanced=True, choices=SCHEDULES,
        help="How the learning rate changes over the epochs.",
    )] = "constant"
    schedule_span: Annotated[float, FieldSpec(
        allowed=number(0, 1_000_000), label="Length of the schedule in epochs", group=TRAINING, part="more",
        advanced=True, zero="auto", increment=10, term="Schedule",
        needs=Needs(lambda e: e.schedule != "constant", "with a constant learning rate", strict=False),
        help="0 takes as many as the stop rule allows, or 100. The longer it is, the more slowly the learning rate "
             "changes.",
    )] = 0.0
    batch_size: Annotated[int, FieldSpec(
        allowed=whole(0, 100_000), label="Batch size", simple=True,
        group=TRAINING, part="batch", zero="all", preview=True,
        steps=(1, 2, 4, 8, 10, 16, 32, 64, 128, 256, 0), term="Batch",
        help="Examples per step. A larger batch makes steps calmer, but fewer per epoch. Batch normalization needs "
             "batches of at least 2, and adds a last one of a single example to the batch before.",
    )] = 10
    initializer: Annotated[str, FieldSpec(
        allowed=one_of(*INITIALIZERS), label="Initial weights", group=NETWORK, part="more", advanced=True,
        choices=INITIALIZERS, term="Initial weights",
        help="How the weights are drawn before training.",
    )] = "glorot_uniform"
    l1: Annotated[float, FieldSpec(
        allowed=number(0, 10), label="L1 rate", group=TRAINING, part="penalties", steps=PENALTY_STEPS, preview=True,
        term="L1, L2",
        help="Pulls every weight toward zero by the same amount. The larger, the more weights end near zero.",
    )] = 0.0
    l2: Annotated[float, FieldSpec(
        allowed=number(0, 10), label="L2 rate", simple=True,
        group=TRAINING, part="penalties", steps=PENALTY_STEPS, preview=True,
        term="L1, L2",
        help="Pulls large weights toward zero more than small ones. The larger, the smoother the boundary.",
    )] = 0.0
    weight_decay: Annotated[float, FieldSpec(
        allowed=number(0, 1), label="Weight decay", group=TRAINING, part="optimizer", advanced=True,
        steps=PENALTY_STEPS,
        needs=Needs(lambda e: e.optimizer == "adamw", "with another optimizer than AdamW", strict=False),
        help="AdamW shrinks all weights in each step by this, times the learning rate. The larger, the smaller the "
             "weights stay.",
    )] = 0.01
    max_norm: Annotated[float, FieldSpec(
        allowed=number(0, 1000), label="Maximum norm", group=TRAINING, part="more", advanced=True, zero="off",
        steps=(0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0),
        help="Greatest length of the weights into one neuron. The larger it is, the less it limits.",
    )] = 0.0
    dropout: Annotated[float, FieldSpec(
        allowed=number(0, 0.9), label="Dropout", group=NETWORK, part="more", advanced=True,
        steps=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5), format=percent,
        help="Share of the hidden neurons left out of each step, at random, so that none can rely on another. The "
             "larger, the slower a network overfits.",
    )] = 0.0
    batch_norm: Annotated[bool, FieldSpec(
        allowed=BOOLEAN, label="Batch normalization", group=NETWORK, part="more", advanced=True,
        help="Keeps the inputs of every hidden neuron centered and of one size, batch by batch.",
    )] = False
    residual: Annotated[bool, FieldSpec(
        allowed=BOOLEAN, label="Skip connections", group=NETWORK, part="more", advanced=True,
        help="Adds the inputs of a hidden layer to its outputs if there are as many. The gradient gets a second path "
        "around the layer, so deep networks learn.",
    )] = False
    clip_norm: Annotated[float, FieldSpec(
        allowed=number(0, 1000), label="Clip gradients", group=TRAINING, part="more", advanced=True, zero="off",
        steps=LIMIT_STEPS, term="Clipping",
        help="Shortens a gradient that is longer than this. The larger it is, the less it limits.",
    )] = 0.0
    clip_value: Annotated[float, FieldSpec(
        allowed=number(0, 1000), label="Clip each gradient value", group=TRAINING, part="more", advanced=True,
        zero="off", steps=LIMIT_STEPS, term="Clipping",
        help="Limits every number of the gradient to this size. The larger it is, the less it limits.",
    )] = 0.0
    seed: Annotated[int, FieldSpec(
        allowed=SEED, label="Seed", group=DATA, part="seed",
        help="The same seed gives the same data, weights and batches.",
    )] = 1
    weight_seed: Annotated[int, FieldSpec(
        allowed=SEED, label="Weight seed", group=DATA, part="seed", zero="as the data",
        term="Initial weights",
        help="The same weight seed gives the same initial weights, so runs can be compared. New weights changes it.",
    )] = 0
    device: Annotated[str, FieldSpec(
        allowed=Allowed("cpu or cuda:0", lambda name: bool(re.fullmatch(r"cpu|cuda:[0-9]", name))), label="Device",
        group=NETWORK, part="device", on_page=True,
        help="Where the network is computed: the processor, or a graphics card if there is one.",
    )] = "cpu"
    dtype: Annotated[str, FieldSpec(
        allowed=one_of("float32", "float64"), label="Precision", group=NETWORK, part="more", advanced=True,
        choices={"float32": "float32", "float64": "float64"},
        help="Bits of every number: 32 are faster, 64 more exact. Dropout masks differ between the two.",
    )] = "float32"
    epochs: Annotated[int, FieldSpec(
        allowed=whole(0, 1_000_000), label="Stop after this many epochs", group=STOP_RULES, part="stop", zero="never",
        term="Stop rule", help="Training stops after this many epochs.",
    )] = 0
    target_accuracy: Annotated[float, FieldSpec(
        allowed=number(0, 1), label="Stop at this validation accuracy or R²", group=STOP_RULES, part="stop",
        zero="never", increment=0.01, term="Stop rule",
        label_for=_named_after_part("Stop at this {part} accuracy or R²"),
        help="Training stops when the validation part (without one: the training part) is answered this well. The test "
             "part only reports.",
    )] = 0.0
    target_loss: Annotated[float, FieldSpec(
        allowed=number(0, 1000), label="Stop at this validation loss", group=STOP_RULES, part="stop",
        zero="never", increment=0.01, term="Stop rule", label_for=_named_after_part("Stop at this {part} loss"),
        help="Training stops when the loss of the validation part (without one: of the training part) is at most this. "
             "The test part only reports.",
    )] = 0.0
    patience: Annotated[int, FieldSpec(
        allowed=whole(0, 100_000), label="Stop after this many epochs without improvement", group=STOP_RULES,
        part="stop", zero="never", term="Early stopping",
        help="Early stopping: training stops, and the best weights are restored, also where another rule ends it. They "
             "are those that were best on the validation part, or without one on the training part. The more epochs, "
             "the longer it waits.",
    )] = 0
    min_delta: Annotated[float, FieldSpec(
        allowed=number(0, 1), label="Smallest improvement that counts", group=STOP_RULES, part="stop",
        increment=0.001, term="Early stopping", needs=EARLY_STOPPING,
        help="For early stopping: a smaller change is no improvement. The larger it is, the sooner training stops.",
    )] = 0.0
    monitor: Annotated[str, FieldSpec(
        allowed=one_of(*MONITORS), label="What has to improve", group=STOP_RULES, part="stop", term="Early stopping",
        choices=dict(zip(MONITORS, map(_named_after_part, ("{Part} loss", "{Part} accuracy or R²")), strict=True)),
        needs=EARLY_STOPPING,
        help="For early stopping: the number that is watched, of the validation part, or of the training part if there "
             "is no validation part. It is never one of the test part, which then could not tell how good the network "
             "is on new examples.",
    )] = MONITORS[0]
    max_seconds: Annotated[float, FieldSpec(
        allowed=number(0, 86_400), label="Stop after this many seconds", group=STOP_RULES, part="stop", zero="never",
        increment=10, term="Stop rule", help="Training stops when it has taken this long.",
    )] = 0.0
# fmt: on


FIELDS: dict[str, FieldSpec] = {name: field.metadata[0] for name, field in Fields.model_fields.items()}
DEFAULTS: dict[str, Any] = {name: field.default for name, field in Fields.model_fields.items()}
LIVE = tuple(
    field.name for field in dataclass_fields(Settings)
)  # a running network accepts their change; others rebuild it
PREVIEWED = tuple(name for name, spec in FIELDS.items() if spec.preview)


def check_needs(e: Any) -> None:
    """Raises Misfit for the first field that has a value where only the default is allowed."""
    for name, spec in FIELDS.items():
        value = getattr(e, name)
        if spec.needs and spec.needs.strict and value != DEFAULTS[name] and not spec.needs.holds(e):
            raise Misfit(name, as_text(value), f"{as_text(DEFAULTS[name]) or 'none'} {spec.needs.otherwise}")
