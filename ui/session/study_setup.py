"""What the page Studies searches, apart from the experiment: a value, which the link holds as a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from lab.experiment.experiment import USUAL_VALIDATION_SHARE, Experiment
from lab.experiment.fields import FIELDS, Fields
from lab.experiment.rules import as_text, short
from lab.studies.study import FIXED, MAX_CHOICES, SAMPLERS, Span, Study, Variation

TRIALS, SEEDS, EPOCHS = (12, 24, 48, 96, 200), (1, 3, 5, 9), (10, 25, 50, 100, 200, 400)
OBJECTIVES = ("loss", "score")  # of the validation part
MOST_FIELDS = 6  # at once; more need more trials than a visitor waits for
LOG_RATIO = 10.0  # between the ends of a range, from which on equal factors are equally likely
MAX_CHARACTERS = 2000


class Setup(NamedTuple):
    """space: field -> (low, high) or the values; None: what is usual for the experiment. objective: of OBJECTIVES."""

    space: Mapping[str, Any] | None = None
    trials: int = 24
    seeds: int = 3
    epochs: int = 50
    objective: str = "loss"
    sampler: str = "tpe"
    prunes: bool = True

    @property
    def text(self) -> str:
        """Such as `12:1:25:score:random:false:learning_rate=0.01|1;hidden=4|8,4`; empty for what is usual."""
        if self.space is None:
            return ""
        fields = (f"{name}={'|'.join(map(as_text, v))}" if v else name for name, v in self.space.items())
        return ":".join((*(as_text(value) for value in self[1:]), ";".join(fields)))

    def study(self, e: Experiment) -> Study:
        """The study of an experiment. Raises ExperimentError."""
        e = e.change(epochs=self.epochs, validation_share=e.validation_share or USUAL_VALIDATION_SHARE)
        score = "validation_accuracy" if e.source.kind == "classification" else "validation_r2"
        objective = "validation_loss" if self.objective == "loss" else score
        space = {name: _variation(name, chosen) for name, chosen in (self.space or {}).items()}
        pruner = "median" if self.prunes else "none"
        return Study(e, space, self.trials, self.sampler, pruner, self.seeds, objective)


def _variation(name: str, chosen: tuple[Any, ...]) -> Variation:
    if not has_range(name):
        return chosen
    low, high = chosen
    return Span(low, high, low > 0 and high / low >= LOG_RATIO)


def has_range(name: str) -> bool:
    """Whether it is chosen as a range on a slider; the values of others, such as 0 for all, are no numbers in order."""
    steps = FIELDS[name].steps
    return bool(steps) and list(steps) == sorted(steps)


def setup_of(study: Study) -> Setup:
    """The setup of a study that this page has begun."""
    space = {name: (v.low, v.high) if isinstance(v, Span) else v for name, v in study.space.items()}
    objective = "loss" if study.objective == "validation_loss" else "score"
    return Setup(space, study.trials, study.seeds, study.experiment.epochs, objective, study.sampler,
                 study.pruner == "median")  # fmt: skip


def read(text: str) -> Setup | None:
    """The setup of a text; None if that is none."""
    if not text:
        return Setup()
    words = text.split(":", 6)
    if len(text) > MAX_CHARACTERS or len(words) < 7:
        return None
    try:
        trials, seeds, epochs = map(int, words[:3])
        space = dict(map(_field, filter(None, words[6].split(";"))))
    except ValueError:  # what is no number, no field, or no value of a field
        return None
    *_, objective, sampler, prunes, _ = words
    is_known = trials in TRIALS and seeds in SEEDS and epochs in EPOCHS and objective in OBJECTIVES
    is_known &= sampler in SAMPLERS and prunes in ("true", "false") and len(space) <= MOST_FIELDS
    return Setup(space, trials, seeds, epochs, objective, sampler, prunes == "true") if is_known else None


def _field(text: str) -> tuple[str, tuple[Any, ...]]:
    """A field and its values. Raises ValueError."""
    name, equals, values = text.partition("=")
    if name not in FIELDS or name in FIXED:
        raise ValueError
    words = values.split("|") if equals else []
    found = [getattr(Fields.model_validate({name: word}), name) for word in words]
    if len(found) > MAX_CHOICES or (has_range(name) and len(found) != 2):
        raise ValueError
    return name, tuple(found if has_range(name) else dict.fromkeys(found))


def refusal(text: str) -> str:
    """Why a text is no setup."""
    return (
        f"study: {short(text)} is not allowed; allowed: numbers of trials, runs and epochs, {' or '.join(OBJECTIVES)}, "
        f"{', '.join(SAMPLERS)}, true or false, and settings, such as 24:3:50:loss:tpe:true:learning_rate=0.01|1."
    )
