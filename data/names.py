"""Names from files, as they can be shown. What they are compared, exported and saved by is the name itself."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

MAX_NAME_CHARACTERS = 40  # that are shown


def clean(text: Any, default: str = "?") -> str:
    """A name from a file, made safe for menus, charts and tables: short, printable, on one line, without markup."""
    words = "".join(c if c.isprintable() else " " for c in str(text)[: 10 * MAX_NAME_CHARACTERS]).split()
    name = " ".join(words).replace("<", "‹").replace(">", "›")
    return (name[: MAX_NAME_CHARACTERS - 1] + "…" if len(name) > MAX_NAME_CHARACTERS else name) or default


def unique(names: list[str]) -> list[str]:
    """The names, with a number appended to repeated ones."""
    taken: set[str] = set()
    counts: dict[str, int] = {}  # the last number used: thousands of names may be equal
    for i, name in enumerate(names):
        number = counts.get(name, 1)
        while names[i] in taken:
            number += 1
            names[i] = f"{name} ({number})"
        counts[name] = number
        taken.add(names[i])
    return names


@lru_cache(maxsize=64)  # every frame shows them
def shown(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names as they can be shown, still different from each other."""
    return tuple(unique([clean(name) for name in names]))
