"""What the fields of an experiment may hold, and the sentences that say so.

Every rule carries the words that follow "allowed:" in the sentence which refuses a value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler, ValidationError
from pydantic_core import core_schema

from lab.experiment.errors import SentenceError

LONGEST_LIST = 100  # far more than any experiment needs; refused before it costs time


class ExperimentError(SentenceError, ValueError):
    """Says in sentences, one for each field, what is wrong and what is allowed."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__(*sentences)


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


def words(value: Any) -> Any:
    """ "64,32" -> ["64", "32"]: how a list is written in a link."""
    return [word for word in value.split(",", LONGEST_LIST) if word] if isinstance(value, str) else value


def one_or_list(value: Any) -> Any:
    items = words(value)
    return items[0] if isinstance(items, list | tuple) and len(items) == 1 and isinstance(items[0], str) else items


def as_text(value: Any) -> str:
    """The way back: how a link writes a value."""
    if isinstance(value, tuple):
        return ",".join(map(as_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value).removesuffix(".0")


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Of two values for one field nobody can say which was meant."""
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise ExperimentError([f"{short(name)}: given twice; allowed: each field once."])
        values[name] = value
    return values


class Misfit(ValueError):
    """A field that is right by itself but does not fit the others."""

    def __init__(self, field: str, value: Any, allowed: str) -> None:
        super().__init__(f"{field}: {short(value)} does not fit; allowed: {allowed}.")
        self.field = field


def field_of(error: Any) -> str:
    """The field that a pydantic error is about."""
    misfit = error.get("ctx", {}).get("error")
    return misfit.field if isinstance(misfit, Misfit) else str(error["loc"][0]) if error["loc"] else ""


def sentences(problem: ValidationError, model: type[BaseModel]) -> list[str]:
    """One sentence a field: what was given, what is allowed."""
    said = {}
    for error in problem.errors():
        name = field_of(error)
        misfit = error.get("ctx", {}).get("error")
        if isinstance(misfit, Misfit):
            said[name] = str(misfit)
        elif name not in model.model_fields:
            allowed = ", ".join(model.model_fields)
            said[name] = f"{short(name) or 'An empty name'} is no field of an experiment; allowed: {allowed}."
        else:
            rule = next(m for m in model.model_fields[name].metadata if isinstance(m, Allowed))
            said.setdefault(name, f"{name}: {short(error['input'])} is not allowed; allowed: {rule.text}.")
    return list(said.values())


def short(value: Any) -> str:
    """For a sentence: not too long, and nothing in it that cannot be written as UTF-8 (half a character pair)."""
    try:
        text = str(value)
    except (ValueError, RecursionError):
        return "a huge value"
    return text[:40].encode(errors="replace").decode() + ("..." if len(text) > 40 else "")
