"""Data that a person brought along: prepared once, kept in a file under its fingerprint, read by whoever trains on it.

The files lie in one folder of the server, which the processes that train find by an environment variable. The
fingerprint is made of all that the file holds, so the same name always means the same data.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from data.dataset import Raw, Source

NAMES = {"table": "Your table", "own_images": "Your images"}
FOLDER = "BACKPROP_UPLOADS"  # the environment variable
FINGERPRINT = re.compile(r"[0-9a-f]{32}")
LONGEST_NAME = 40  # characters of a class or a column that are kept
GONE = "this data was uploaded in another session and is not here: upload the file again on the page Data"
FACTS = ("dataset", "title", "kind", "target", "feature_names", "class_names", "groups", "image_shape")


class OwnError(ValueError):
    """Says in a sentence what is wrong with a file or a choice, and what is allowed."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A table or pictures ready to be kept. N examples, D inputs."""

    dataset: str  # one of NAMES
    title: str  # of the file that it was
    kind: str  # "classification" | "regression"
    x: np.ndarray  # (N, D) float64 with NaN for a gap; of pictures uint8
    y: np.ndarray  # (N,) int64 class numbers or float64 values in their own units
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...] = ()  # () for regression
    target: str = "label"
    groups: tuple[tuple[int, int], ...] = ()  # first column and the one after the last of each one-hot encoded category
    image_shape: tuple[int, int] | None = None

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return self.x.nbytes + self.y.nbytes


def clean(text: Any, otherwise: str = "?") -> str:
    """A name from a file for menus, charts and tables: short, printable, on one line, and no markup to anybody."""
    words = "".join(c if c.isprintable() else " " for c in str(text)[: 10 * LONGEST_NAME]).split()
    name = " ".join(words).replace("<", "‹").replace(">", "›")
    return (name[: LONGEST_NAME - 1] + "…" if len(name) > LONGEST_NAME else name) or otherwise


def unique(names: list[str]) -> list[str]:
    """The names, a repeated one with a number behind it."""
    taken: set[str] = set()
    counts: dict[str, int] = {}  # where to go on counting: thousands of names may be alike
    for i, name in enumerate(names):
        number = counts.get(name, 1)
        while names[i] in taken:
            number += 1
            names[i] = f"{name} ({number})"
        counts[name] = number
        taken.add(names[i])
    return names


def pixel_names(side: int) -> tuple[str, ...]:
    return tuple(f"pixel_{row}_{column}" for row in range(side) for column in range(side))


# The folder ----------------------------------------------------------------------------------------------------------


def folder() -> Path:
    """Where this server keeps what was uploaded; a process without a server makes a place of its own."""
    if not (place := os.environ.get(FOLDER)):
        place = os.environ[FOLDER] = tempfile.mkdtemp(prefix="backprop-uploads-")
        atexit.register(shutil.rmtree, place, ignore_errors=True)
    return Path(place)


@contextlib.contextmanager
def new_folder() -> Iterator[Path]:
    """An empty folder that the processes started from now on share; it is removed at the end, whatever it holds."""
    before = os.environ.get(FOLDER)
    place = os.environ[FOLDER] = tempfile.mkdtemp(prefix="backprop-uploads-", dir=before)
    try:
        yield Path(place)
    finally:
        if before is None:
            del os.environ[FOLDER]
        else:
            os.environ[FOLDER] = before
        shutil.rmtree(place, ignore_errors=True)


def path(fingerprint: str) -> Path:
    if not FINGERPRINT.fullmatch(fingerprint):
        raise ValueError(GONE)
    return folder() / f"{fingerprint}.npz"


def known(fingerprint: str) -> bool:
    return bool(FINGERPRINT.fullmatch(fingerprint)) and path(fingerprint).is_file()


# Keeping and reading -------------------------------------------------------------------------------------------------


def fingerprint_of(prepared: Prepared) -> str:
    """The same for the same data, prepared in the same way."""
    digest = hashlib.sha256(_as_text(prepared).encode())
    for array in (prepared.x, prepared.y):
        digest.update(f"{array.shape}{array.dtype.str}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:32]


def _as_text(prepared: Prepared) -> str:
    values = {name: getattr(prepared, name) for name in FACTS}
    return json.dumps({**values, "rows": len(prepared.y)}, ensure_ascii=False, sort_keys=True)


def save(prepared: Prepared) -> str:
    """Writes it whole or not at all; returns its fingerprint."""
    fingerprint, facts = fingerprint_of(prepared), _as_text(prepared).encode()
    place = path(fingerprint)
    if not place.is_file():
        unfinished = place.with_suffix(f".{os.getpid()}.{id(prepared)}.part")
        with open(unfinished, "wb") as file:
            np.savez(file, facts=np.frombuffer(facts, np.uint8), x=prepared.x, y=prepared.y)
        os.replace(unfinished, place)
    return fingerprint


def read(fingerprint: str) -> Prepared:
    """Raises ValueError, in a sentence, when it is not there any more."""
    facts = _facts(fingerprint)
    try:
        with np.load(path(fingerprint), allow_pickle=False) as file:
            x, y = file["x"], file["y"]
    except (OSError, ValueError, KeyError):
        raise ValueError(f"{GONE[0].upper()}{GONE[1:]}.") from None
    for array in (x, y):
        array.setflags(write=False)
    return Prepared(x=x, y=y, **{name: facts[name] for name in FACTS})


@lru_cache(maxsize=256)
def _facts(fingerprint: str) -> dict[str, Any]:
    try:
        with np.load(path(fingerprint), allow_pickle=False) as file:
            facts = json.loads(file["facts"].tobytes())
    except (OSError, ValueError, KeyError):
        raise ValueError(f"{GONE[0].upper()}{GONE[1:]}.") from None
    for name in ("feature_names", "class_names", "image_shape"):
        facts[name] = tuple(facts[name]) if facts[name] is not None else None
    return {**facts, "groups": tuple(map(tuple, facts["groups"]))}


def forget(fingerprint: str) -> None:
    path(fingerprint).unlink(missing_ok=True)


# As a data set -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def source(fingerprint: str) -> Source:
    """What an experiment must know of it. Raises ValueError, in a sentence, when it is not there."""
    facts = _facts(fingerprint)
    rows = facts["rows"]
    what = f"{rows:,} pictures" if facts["image_shape"] else f"{rows:,} rows to foretell {facts['target']}"
    return Source(
        facts["dataset"],
        f"{NAMES[facts['dataset']]}: {facts['title']}",
        facts["kind"],
        f"{what}. Whoever has the link can train on it, as long as your session lasts.",
        samples=rows,
        inputs=len(facts["feature_names"]),
        make=partial(make, fingerprint),
        class_names=facts["class_names"],
        image_shape=facts["image_shape"],
    )


def make(fingerprint: str) -> Raw:
    """Read from its file each time: what a visitor has forgotten stays in no process."""
    p = read(fingerprint)
    group = p.y if p.class_names else np.zeros(len(p.y), dtype=np.int64)
    return Raw(p.x, p.y, group, p.feature_names, groups=p.groups)
