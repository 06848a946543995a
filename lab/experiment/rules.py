"""Rules for values, and the sentences that refuse invalid ones.

Every rule has the text that follows "allowed:" in such a sentence.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from lab.experiment.errors import SentenceError

MAX_LIST_ITEMS = 100  # far more than an experiment needs


class ExperimentError(SentenceError, ValueError):
    """One sentence for each wrong field, with the allowed values."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__(*sentences)


@dataclass(frozen=True)
class Allowed:
    """The allowed values of a field: a check, and the text that follows "allowed:" when it fails."""

    text: str
    check: Callable[[Any], bool]

    def verify(self, value: Any) -> Any:
        if not self.check(value):
            raise ValueError(self.text)
        return value


@dataclass(frozen=True)
class OneOf(Allowed):
    names: tuple[str, ...]


@dataclass(frozen=True)
class Range(Allowed):
    """Numbers from `low` to `high`, both inclusive unless `above`: then greater than `low`."""

    low: float
    high: float
    above: bool = False


BOOLEAN = Allowed("true or false", lambda _: True)


def one_of(*names: str) -> OneOf:
    return OneOf("one of " + ", ".join(names), lambda value: value in names, names)


def number(low: float, high: float, *, above: bool = False) -> Range:
    """A range of numbers, without NaN."""
    words = f"a number {'above' if above else 'from'} {low:g} {'up ' if above else ''}to {high:,g}"
    return Range(words, lambda value: (low < value if above else low <= value) and value <= high, low, high, above)


def whole(low: int, high: int) -> Range:
    return Range(f"a whole number from {low} to {high:,}", lambda value: low <= value <= high, low, high)


def list_of(words: str, check: Callable[[Any], bool], shortest: int, longest: int) -> Allowed:
    return Allowed(words, lambda values: shortest <= len(values) <= longest and all(map(check, values)))


def only_booleans(value: Any) -> Any:
    """True and false, also as text; Pydantic would accept yes, on and 1 as well."""
    if str(value).lower() not in ("true", "false"):
        raise ValueError
    return value


def no_booleans(value: Any) -> Any:
    """Any value except booleans, which Python would accept as the numbers 1 and 0."""
    if any(isinstance(item, bool) for item in (value if isinstance(value, list | tuple) else (value,))):
        raise ValueError
    return value


def words(value: Any) -> Any:
    """Split the text of a list in a link: "64,32" -> ["64", "32"]."""
    return [word for word in value.split(",", MAX_LIST_ITEMS) if word] if isinstance(value, str) else value


def one_or_list(value: Any) -> Any:
    items = words(value)
    return items[0] if isinstance(items, list | tuple) and len(items) == 1 and isinstance(items[0], str) else items


def as_text(value: Any) -> str:
    """The text of a value in a link."""
    if isinstance(value, tuple):
        return ",".join(map(as_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value).removesuffix(".0")


def parse_json(text: str, most: int, allowed: str) -> Any:
    """The values of a text of at most `most` characters. allowed: what it should be. Raises ExperimentError."""
    if len(text) > most:
        raise ExperimentError([f"This text is too long. Allowed: JSON of at most {most:,} characters."])
    try:
        return json.loads(text, object_pairs_hook=once_each)
    except ExperimentError:
        raise
    except (ValueError, RecursionError):
        raise ExperimentError([f"This is not JSON. Allowed: {allowed}."]) from None


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Raises ExperimentError if a field occurs twice."""
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise ExperimentError([f"{short(name)}: given twice; allowed: each field once."])
        values[name] = value
    return values


class Misfit(ValueError):
    """A value that is valid by itself but does not fit the other fields."""

    def __init__(self, field: str, value: Any, allowed: str) -> None:
        super().__init__(f"{field}: {short(value)} does not fit; allowed: {allowed}.")
        self.field = field


def field_of(error: Any) -> str:
    """The field that a pydantic error is about."""
    misfit = error.get("ctx", {}).get("error")
    return misfit.field if isinstance(misfit, Misfit) else str(error["loc"][0]) if error["loc"] else ""


def sentences(problem: ValidationError, model: type[BaseModel]) -> list[str]:
    """One sentence per field: the value, and what is allowed."""
    found = {}
    for error in problem.errors():
        name = field_of(error)
        misfit = error.get("ctx", {}).get("error")
        if isinstance(misfit, Misfit):
            found[name] = str(misfit)
        elif name not in model.model_fields:
            allowed = ", ".join(model.model_fields)
            found[name] = f"{short(name) or 'An empty name'} is no field of an experiment; allowed: {allowed}."
        else:
            allowed = model.model_fields[name].metadata[0].allowed.text
            found.setdefault(name, f"{name}: {short(error['input'])} is not allowed; allowed: {allowed}.")
    return list(found.values())


def short(value: Any) -> str:
    """A value for a sentence: at most 40 characters, without lone surrogates, which UTF-8 cannot encode."""
    try:
        text = str(value)
    except (ValueError, RecursionError):
        return "a huge value"
    return text[:40].encode(errors="replace").decode() + ("..." if len(text) > 40 else "")
