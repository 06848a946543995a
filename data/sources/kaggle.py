"""The training file of Kaggle's Digit Recognizer, train.csv: 42,000 digits of MNIST, a label and 784 pixels each."""

from __future__ import annotations

import contextlib
import hashlib
import os
from functools import lru_cache
from pathlib import Path

import numpy as np

from data.dataset import Raw
from data.files.user_data import pixel_names
from data.sources.idx import CLASSES, PICTURE, cache_folder, folders

NAME, FILE = "kaggle_mnist", "train.csv"
HEADER_START = b"label,pixel0,pixel1,"  # distinguishes it from the train.csv of another competition
MAX_BYTES = 300_000_000


def find(data_dir: Path | None = None) -> Path | None:
    """The first folder that holds the file: a folder searched for MNIST, or its subfolder kaggle_mnist; or None."""
    places = [*folders(NAME, data_dir), *folders("mnist", data_dir)]
    return next((folder for folder in places if _is_it(folder / FILE)), None)


def _is_it(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(HEADER_START)) == HEADER_START
    except OSError:
        return False


def make(data_dir: Path | None = None) -> Raw:
    """All pictures, without a fixed test part; read once per process and shared read-only.

    x: (N, 784) uint8; y: (N,) class numbers 0 to 9. Raises ValueError, in a sentence.
    """
    folder = find(data_dir)
    if folder is None:
        raise ValueError(
            f"The file {FILE} of Kaggle's Digit Recognizer was not found. Searched: the folder of --data-dir, that of "
            "BACKPROP_DATA, and the cache folder."
        )
    path = (folder / FILE).resolve()
    stat = path.stat()
    return _read(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=2)
def _read(path: Path, size: int, modified_ns: int) -> Raw:
    """Size and modification time are part of the cache key: a replaced file is read again."""
    if size > MAX_BYTES:
        raise ValueError(f"The file {path.name} has {size:,} bytes; at most {MAX_BYTES:,} are allowed.")
    parsed = cache_folder() / f"kaggle-{hashlib.sha256(f'{path} {size} {modified_ns}'.encode()).hexdigest()[:16]}.npz"
    with contextlib.suppress(OSError, ValueError, KeyError), np.load(parsed, allow_pickle=False) as cached:
        return _raw(cached["x"], cached["y"])
    from data.files.picture_tables import parse  # pandas takes half a second to import

    with open(path, "rb") as file:
        file.readline()  # the names, which were checked
        x, labels = parse(file, ",", 0, PICTURE[0])
    if not set(labels) <= set(map(str, range(CLASSES))):
        raise ValueError(f"The file {path.name} has labels that are not digits from 0 to {CLASSES - 1}.")
    y = np.array(labels, dtype=np.int64)
    with contextlib.suppress(OSError):  # without a writable cache folder the file is parsed again next time
        parsed.parent.mkdir(parents=True, exist_ok=True)
        unfinished = parsed.with_suffix(f".{os.getpid()}.part")
        with open(unfinished, "wb") as file:
            np.savez(file, x=x, y=y)
        os.replace(unfinished, parsed)
    return _raw(x, y)


def _raw(x: np.ndarray, y: np.ndarray) -> Raw:
    x.setflags(write=False)
    y.setflags(write=False)
    return Raw(x, y, y, pixel_names(PICTURE[0]))
