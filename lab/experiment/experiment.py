"""An experiment is one frozen, validated value. Widgets, links, files and the command line are all views of it.

Input from outside is validated by `from_json` (all or nothing) or `from_query` (field by field, so that an old or
mistyped link still opens). Every refusal is a sentence that says what is allowed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError, model_validator

from data import OWN, SAMPLES, get_source, has_fold
from data.dataset import Source
from data.sources import hand_drawn
from engine import LOSSES
from engine.formulas.losses import usual_loss, usual_output, valid_losses, valid_outputs
from engine.formulas.schedules import DEFAULT_SPAN_EPOCHS
from engine.step.settings import Settings
from lab.experiment.architecture import architecture_of
from lab.experiment.fields import DEFAULTS, LIVE, Fields, check_needs
from lab.experiment.layer_rules import MAX_PARAMETERS
from lab.experiment.own_data import check_own, is_absent
from lab.experiment.plane_rules import check_plane
from lab.experiment.rules import ExperimentError, Misfit, as_text, field_of, parse_json, sentences, words

OLD_MONITORS = {"test_loss": "validation_loss", "test_score": "validation_score"}  # from before the validation part
USUAL_VALIDATION_SHARE = 0.2

MAX_TEXT_LENGTH = 20_000  # characters, far more than an experiment needs; longer text is not parsed


class Experiment(Fields):
    """Everything that decides a run. The same value gives the same curve, to the bit on a CPU of the same kind."""

    @model_validator(mode="after")
    def _fields_fit_together(self) -> Experiment:
        self._check_own()
        check_plane(self)
        check_needs(self)
        source = self.source
        if self.samples and self.samples < SAMPLES[0]:
            raise Misfit("samples", self.samples, f"0 (all) or a whole number from {SAMPLES[0]} to {SAMPLES[1]:,}")
        if not has_fold(self.fold, self.validation_share):
            raise Misfit("fold", self.fold, f"with a validation share of {self.validation_share:g}: fewer folds")
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
        if self.batch_norm and self.hidden and self.batch_size == 1:
            raise Misfit("batch_size", 1, "2 or more, or 0 (all), with batch normalization, which needs a spread")
        architecture = architecture_of(self)
        if min(min(spec.output_shape) for spec in architecture.layers) < 1:
            raise Misfit("conv", as_text(self.conv), "as many blocks as fit the size of the pictures")
        if architecture.parameters > MAX_PARAMETERS:
            raise Misfit("hidden", as_text(self.hidden), f"layers with at most {MAX_PARAMETERS:,} parameters in all")
        return self

    def _check_own(self) -> None:
        check_own(self)

    # Derived values --------------------------------------------------------------------------------------------------

    @property
    def source(self) -> Source:
        return get_source(self.dataset, self.points, self.own)

    @property
    def selects(self) -> bool:
        """Whether a stop rule looks at scores to choose the weights that remain."""
        return self.patience > 0 or self.target_accuracy > 0 or self.target_loss > 0

    @property
    def selecting_part(self) -> str:
        """The part that stop rules look at, in words."""
        return "validation" if self.validation_share else "training"

    @property
    def losses(self) -> tuple[str, ...]:
        """The losses that go with the data set and the chosen output."""
        kind, classes = self.source.kind, self.source.classes
        outputs = valid_outputs(kind, classes) if self.output == "auto" else (self.output,)
        return tuple(name for name in LOSSES if any(name in valid_losses(kind, output) for output in outputs))

    @property
    def output_name(self) -> str:
        """The output function, with `auto` resolved."""
        loss = None if self.loss == "auto" else self.loss
        return usual_output(self.source.kind, self.source.classes, loss) if self.output == "auto" else self.output

    @property
    def loss_name(self) -> str:
        """The loss, with `auto` resolved."""
        return usual_loss(self.source.kind, self.source.classes, self.output_name) if self.loss == "auto" else self.loss

    @property
    def activation_names(self) -> tuple[str, ...]:
        """One activation for each hidden layer."""
        return (self.activations,) * len(self.hidden) if isinstance(self.activations, str) else self.activations

    @property
    def conv_activation(self) -> str:
        """The activation of all convolution blocks: the first one."""
        return self.activations if isinstance(self.activations, str) else (*self.activations, "tanh")[0]

    @property
    def inputs(self) -> int:
        return len(self.features) if self.source.plane else self.source.inputs

    @property
    def outputs(self) -> int:
        classes = self.source.classes
        return classes if classes > 2 or (classes == 2 and self.output_name == "softmax") else 1

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return architecture_of(self).parameters

    def settings(self) -> Settings:
        """The fields that may change between two steps."""
        values: dict[str, Any] = {name: getattr(self, name) for name in LIVE}
        values["schedule_span"] = self.schedule_span or self.epochs or DEFAULT_SPAN_EPOCHS
        return Settings(**values)

    # Conversion ------------------------------------------------------------------------------------------------------

    def change(self, **changes: Any) -> Experiment:
        """A new experiment with some fields changed. Other fields that no longer fit return to their defaults.

        Raises ExperimentError if the changed fields themselves are wrong.
        """
        values = {**dict(self), **changes}
        hidden, names = words(values["hidden"]), values["activations"]
        if "hidden" in changes and isinstance(hidden, list | tuple) and isinstance(names, list | tuple):
            names = tuple(names)[: len(hidden)]
            values["activations"] = names + names[-1:] * (len(hidden) - len(names)) or "tanh"
        while True:
            try:
                return type(self).model_validate(values)
            except ValidationError as problem:
                outdated = {field_of(error) for error in problem.errors()} & values.keys() - changes.keys()
                if not outdated or is_absent(problem):  # no other data takes the place of data that is gone
                    raise ExperimentError(sentences(problem, Experiment)) from None
                for name in outdated:
                    del values[name]

    def changed_fields(self, other: Experiment) -> dict[str, Any]:
        """The fields of `other` that differ from this one's."""
        return {
            name: value for name in Experiment.model_fields if (value := getattr(other, name)) != getattr(self, name)
        }

    def allows_live_change(self, other: Experiment) -> bool:
        """Whether a running network can change to `other` between two steps; otherwise it must be rebuilt."""
        return self.changed_fields(other).keys() <= set(LIVE)

    def to_query(self) -> dict[str, str]:
        """The query of a link: every field that is not at its default; points only if they are the data set.

        The validation share is also in it where a stop rule needs it, because old links have none; see `from_query`.
        """
        points = self.dataset == hand_drawn.NAME and self.fits_link
        always = {"validation_share"} if self.selects else set()
        return {
            name: as_text(value)
            for name, default in DEFAULTS.items()
            if ((value := getattr(self, name)) != default or name in always) and (name != "points" or points)
        }

    @property
    def fits_link(self) -> bool:
        """Whether a link can hold everything; many drawn points need a file."""
        return (
            self.dataset != hand_drawn.NAME
            or not self.points
            or len(hand_drawn.unpack(self.points)[1]) <= hand_drawn.MAX_POINTS_IN_LINK
        )

    def to_json(self) -> str:
        return self.model_dump_json(indent=1)

    @classmethod
    def from_json(cls, text: str) -> Experiment:
        """An experiment from JSON. Raises ExperimentError with a sentence for each wrong field."""
        return cls.with_notes_from_json(text)[0]

    @classmethod
    def with_notes_from_json(cls, text: str, **more: Any) -> tuple[Experiment, list[str]]:
        """The same, and a sentence for what an old file meant differently. more: fields beside those of the text."""
        values = parse_json(text, MAX_TEXT_LENGTH, "one JSON object of experiment fields")
        if not isinstance(values, dict):
            raise ExperimentError(['An experiment is one JSON object of fields, such as {"dataset": "digits"}.'])
        try:
            return cls._with_validation_part({**values, **more}, given=values)
        except ValidationError as problem:
            raise ExperimentError(sentences(problem, Experiment)) from None

    @classmethod
    def _with_validation_part(cls, values: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[Experiment, list[str]]:
        """The experiment of some fields. Stop rules from when they looked at the test part get a validation part.

        given: the fields that were written down, of which `values` may lack refused ones. Raises ValidationError.
        """
        old = values.get("monitor")
        renamed = OLD_MONITORS.get(old) if isinstance(old, str) else None
        experiment = cls.model_validate({**values, "monitor": renamed} if renamed else values)
        if experiment.selects and "validation_share" not in given:
            note = (
                f"Stop rules no longer look at the test part: {USUAL_VALIDATION_SHARE:.0%} of the training part was "
                "set aside as validation part, which they look at; with the validation share 0 they look at the "
                "training part."
            )
            return experiment.change(validation_share=USUAL_VALIDATION_SHARE), [note]
        if renamed:
            return experiment, [f"Stop rules no longer look at the test part: {old} was changed to {renamed}."]
        return experiment, []

    @classmethod
    def from_valid_json(cls, text: str) -> Experiment:
        """An experiment from JSON that was made of a valid one: not validated again, for messages between processes."""
        return cls.from_valid_values(json.loads(text))

    @classmethod
    def from_valid_values(cls, values: Mapping[str, Any]) -> Experiment:
        """The same from the plain values of JSON."""
        fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls.model_construct(None, **fields)

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[Experiment, list[str]]:
        """The fields of a link -> the experiment, and a sentence for each refused field, which keeps its default."""
        experiment, refused, _ = cls.with_notes_from_query(query)
        return experiment, refused

    @classmethod
    def with_notes_from_query(cls, query: Mapping[str, str]) -> tuple[Experiment, list[str], list[str]]:
        """The same, and a sentence for what an old link meant differently."""
        values = {name: query[name] for name in cls.model_fields if name in query}
        refused: list[str] = []
        while True:
            try:
                experiment, notes = cls._with_validation_part(values, given=query)
                return experiment, refused, notes
            except ValidationError as problem:
                refused += sentences(problem, Experiment)
                wrong = {field_of(error) for error in problem.errors()}
                wrong |= {"dataset"} if "own" in wrong and values.get("dataset") in OWN else set()
                wrong &= values.keys()
                if not wrong:
                    return cls(), refused, []
                for name in wrong:
                    del values[name]


class SavedExperiment(Experiment):
    """The experiment of a model file whose uploaded data is not here; the file describes what its network needs."""

    described: Any = Field(exclude=True, repr=False)  # the Source

    @property
    def source(self) -> Source:
        return self.described

    def _check_own(self) -> None:
        if self.dataset != self.described.name:
            raise Misfit("dataset", self.dataset, f"{self.described.name}, as the file describes")
