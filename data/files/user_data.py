"""Uploaded data: prepared once, stored in a file named by its fingerprint, read by every process that trains on it.

The files are in one folder of the server, which worker processes find through an environment variable. The fingerprint
is a hash of the file's whole content, so the same name always means the same data. Beside the prepared data lie the
files as they were uploaded. Who keeps what, and until when, is the business of lab/experiment/own_data.py.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from data.counted import counted

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

from data.dataset import Raw, Source
from data.names import clean
from data.recipe import Recipe

NAMES = {"table": "Your table", "own_images": "Your images"}
PREFIX, LOCK = "backprop-uploads-", ".lock"  # of a folder's name; of a file beside it, which a living server locks
FOLDER_VARIABLE = "BACKPROP_UPLOADS"  # environment variable with the folder
FINGERPRINT = re.compile(r"[0-9a-f]{32}")
GONE = "this data is no longer on this server: upload the file again on the page Data"
NO_ROOM = "The server cannot store this file. Try again later, or with a smaller one."
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
        place = os.environ[FOLDER_VARIABLE] = tempfile.mkdtemp(prefix=PREFIX)
        atexit.register(shutil.rmtree, place, ignore_errors=True)
    return Path(place)


@contextlib.contextmanager
def new_folder() -> Iterator[Path]:
    """An empty folder shared by all processes started later; removed with its content at the end."""
    before = os.environ.get(FOLDER_VARIABLE)
    _remove_left_behind(Path(before or tempfile.gettempdir()))
    place = os.environ[FOLDER_VARIABLE] = tempfile.mkdtemp(prefix=PREFIX, dir=before)
    file = Path(f"{place}{LOCK}")
    lock = _locked(file)
    try:
        yield Path(place)
    finally:
        file.unlink(missing_ok=True)
        if lock is not None:
            os.close(lock)
        if before is None:
            del os.environ[FOLDER_VARIABLE]
        else:
            os.environ[FOLDER_VARIABLE] = before
        shutil.rmtree(place, ignore_errors=True)


def _locked(file: Path) -> int | None:
    """A descriptor that locks the file until the process closes it or ends; None if another process has the lock."""
    if fcntl is None:
        return None
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _remove_left_behind(parent: Path) -> None:
    """Remove the folders of servers that were killed: their locks are free."""
    for file in parent.glob(f"{PREFIX}*{LOCK}"):
        with contextlib.suppress(OSError):  # of another user, or just removed
            if (lock := _locked(file)) is not None:
                shutil.rmtree(file.with_suffix(""), ignore_errors=True)
                file.unlink(missing_ok=True)
                os.close(lock)


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
    """Store the data; returns its fingerprint. Raises UserDataError if there is no room."""
    fingerprint, metadata = fingerprint_of(prepared), _as_text(prepared).encode()
    arrays = {"metadata": np.frombuffer(metadata, np.uint8), "x": prepared.x, "y": prepared.y}
    _store(path(fingerprint), lambda file: np.savez(file, **arrays))
    return fingerprint


def add_copy(name: str, content: bytes) -> None:
    """Store a file of another machine's folder under its name, which may have a subfolder. Raises UserDataError."""
    place = folder() / name
    place.parent.mkdir(exist_ok=True)
    _store(place, lambda file: file.write(content))


def _store(place: Path, write: Callable[[BinaryIO], Any]) -> None:
    """Write a file unless it is there, wholly or not at all. Raises UserDataError."""
    if place.is_file():
        return
    unfinished = place.with_suffix(f".{secrets.token_hex(8)}.part")
    try:
        with open(unfinished, "wb") as file:
            write(file)
        os.replace(unfinished, place)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise UserDataError(NO_ROOM) from None


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


def save_file(content: bytes) -> str:
    """Store a file as it was uploaded; returns the hash of its content. Raises UserDataError if there is no room."""
    digest = hashlib.sha256(content).hexdigest()[:32]
    _store(_file_path(digest), lambda file: file.write(content))
    return digest


def read_file(digest: str) -> bytes:
    """Raises UserDataError if the file no longer exists."""
    try:
        return _file_path(digest).read_bytes()
    except OSError:
        raise UserDataError("This file is no longer on the server; upload it again.") from None


def forget_file(digest: str) -> None:
    _file_path(digest).unlink(missing_ok=True)


def _file_path(digest: str) -> Path:
    return folder() / f"{digest}.upload"


# As a data set -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def source(fingerprint: str) -> Source:
    """The uploaded data as a Source. Raises ValueError, in a sentence, if the file no longer exists."""
    metadata = _metadata(fingerprint)
    rows = metadata["rows"]
    what = (
        counted(rows, "picture")
        if metadata["image_shape"]
        else f"{counted(rows, 'row')} to predict {clean(metadata['target'])}"
    )
    return Source(
        metadata["dataset"],
        f"{NAMES[metadata['dataset']]}: {metadata['title']}",
        metadata["kind"],
        f"{what}. Anyone who has the link can train on it as long as it is on this server.",
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
