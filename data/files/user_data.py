"""Uploaded data: prepared once, stored in a file named by its fingerprint, read by every process that trains on it.

The files are in one folder of the server, which worker processes find through an environment variable. The fingerprint
is a hash of the file's whole content, so the same name always means the same data.
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
from data.names import clean
from data.recipe import Recipe

NAMES = {"table": "Your table", "own_images": "Your images"}
FOLDER_VARIABLE = "BACKPROP_UPLOADS"  # environment variable with the folder
FINGERPRINT = re.compile(r"[0-9a-f]{32}")
GONE = "this data was uploaded in another session and is no longer available: upload the file again on the page Data"
METADATA_FIELDS = ("dataset", "title", "kind", "target", "feature_names", "class_names", "groups", "image_shape")


class UserDataError(ValueError):
    """Says in a sentence what is wrong with a file or a choice and what is allowed."""


@dataclass(frozen=True, eq=False)
class PreparedData:
    """A table or pictures ready to be stored. N examples, D inputs."""

    dataset: str  # one of NAMES
    title: str  # the name of the uploaded file
    kind: str  # "classification" | "regression"
    x: np.ndarray  # (N, D) float64 with NaN for gaps; uint8 for pictures
    y: np.ndarray  # (N,) int64 class numbers or float64 values in original units
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...] = ()  # () for regression
    target: str = "label"
    groups: tuple[tuple[int, int], ...] = ()  # columns start:stop of each one-hot encoded category
    image_shape: tuple[int, int] | None = None
    recipe: Recipe | None = None  # from the columns of the file to x; None: they are the features

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.x.nbytes + self.y.nbytes


def pixel_names(side: int) -> tuple[str, ...]:
    return tuple(f"pixel_{row}_{column}" for row in range(side) for column in range(side))


# The folder ----------------------------------------------------------------------------------------------------------


def folder() -> Path:
    """The server's folder for uploads; a process without a server creates its own."""
    if not (place := os.environ.get(FOLDER_VARIABLE)):
        place = os.environ[FOLDER_VARIABLE] = tempfile.mkdtemp(prefix="backprop-uploads-")
        atexit.register(shutil.rmtree, place, ignore_errors=True)
    return Path(place)


@contextlib.contextmanager
def new_folder() -> Iterator[Path]:
    """An empty folder shared by all processes started later; removed with its content at the end."""
    before = os.environ.get(FOLDER_VARIABLE)
    place = os.environ[FOLDER_VARIABLE] = tempfile.mkdtemp(prefix="backprop-uploads-", dir=before)
    try:
        yield Path(place)
    finally:
        if before is None:
            del os.environ[FOLDER_VARIABLE]
        else:
            os.environ[FOLDER_VARIABLE] = before
        shutil.rmtree(place, ignore_errors=True)


def path(fingerprint: str) -> Path:
    if not FINGERPRINT.fullmatch(fingerprint):
        raise ValueError(GONE)
    return folder() / f"{fingerprint}.npz"


def known(fingerprint: str) -> bool:
    return bool(FINGERPRINT.fullmatch(fingerprint)) and path(fingerprint).is_file()


# Storing and reading -------------------------------------------------------------------------------------------------


def fingerprint_of(prepared: PreparedData) -> str:
    """A hash of the data and its metadata."""
    digest = hashlib.sha256(_as_text(prepared).encode())
    for array in (prepared.x, prepared.y):
        digest.update(f"{array.shape}{array.dtype.str}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:32]


def _as_text(prepared: PreparedData) -> str:
    values = {name: getattr(prepared, name) for name in METADATA_FIELDS}
    recipe = prepared.recipe.to_values() if prepared.recipe else None
    return json.dumps({**values, "recipe": recipe, "rows": len(prepared.y)}, ensure_ascii=False, sort_keys=True)


def save(prepared: PreparedData) -> str:
    """Store the data atomically; returns its fingerprint."""
    fingerprint, metadata = fingerprint_of(prepared), _as_text(prepared).encode()
    place = path(fingerprint)
    if not place.is_file():
        unfinished = place.with_suffix(f".{os.getpid()}.{id(prepared)}.part")
        with open(unfinished, "wb") as file:
            np.savez(file, metadata=np.frombuffer(metadata, np.uint8), x=prepared.x, y=prepared.y)
        os.replace(unfinished, place)
    return fingerprint


def read(fingerprint: str) -> PreparedData:
    """Raises ValueError, in a sentence, if the file no longer exists."""
    metadata = _metadata(fingerprint)
    try:
        with np.load(path(fingerprint), allow_pickle=False) as file:
            x, y = file["x"], file["y"]
    except (OSError, ValueError, KeyError):
        raise ValueError(f"{GONE[0].upper()}{GONE[1:]}.") from None
    for array in (x, y):
        array.setflags(write=False)
    return PreparedData(x=x, y=y, **{name: metadata[name] for name in (*METADATA_FIELDS, "recipe")})


@lru_cache(maxsize=256)
def _metadata(fingerprint: str) -> dict[str, Any]:
    try:
        with np.load(path(fingerprint), allow_pickle=False) as file:
            metadata = json.loads(file["metadata"].tobytes())
    except (OSError, ValueError, KeyError):
        raise ValueError(f"{GONE[0].upper()}{GONE[1:]}.") from None
    for name in ("feature_names", "class_names", "image_shape"):
        metadata[name] = tuple(metadata[name]) if metadata[name] is not None else None
    recipe = Recipe.from_values(metadata["recipe"]) if metadata.get("recipe") else None
    return {**metadata, "groups": tuple(map(tuple, metadata["groups"])), "recipe": recipe}


def forget(fingerprint: str) -> None:
    path(fingerprint).unlink(missing_ok=True)


# As a data set -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def source(fingerprint: str) -> Source:
    """The uploaded data as a Source. Raises ValueError, in a sentence, if the file no longer exists."""
    metadata = _metadata(fingerprint)
    rows = metadata["rows"]
    what = f"{rows:,} pictures" if metadata["image_shape"] else f"{rows:,} rows to predict {clean(metadata['target'])}"
    return Source(
        metadata["dataset"],
        f"{NAMES[metadata['dataset']]}: {metadata['title']}",
        metadata["kind"],
        f"{what}. Anyone who has the link can train on it while your session lasts.",
        samples=rows,
        inputs=len(metadata["feature_names"]),
        make=partial(make, fingerprint),
        class_names=metadata["class_names"],
        image_shape=metadata["image_shape"],
    )


def make(fingerprint: str) -> Raw:
    """Read from the file each time, so that deleted data stays in no process."""
    data = read(fingerprint)
    group = data.y if data.class_names else np.zeros(len(data.y), dtype=np.int64)
    return Raw(data.x, data.y, group, data.feature_names, groups=data.groups, recipe=data.recipe)
