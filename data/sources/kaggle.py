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
START = b"label,pixel0,pixel1,"  # by which it is told from the train.csv of another competition
MOST_BYTES = 300_000_000


def find(data_dir: Path | None = None) -> Path | None:
    """The first folder that holds the file: where the files of MNIST are looked for, or a subfolder kaggle_mnist."""
    places = [*folders(NAME, data_dir), *folders("mnist", data_dir)]
    return next((folder for folder in places if _is_it(folder / FILE)), None)


def _is_it(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(START)) == START
    except OSError:
        return False


def make(data_dir: Path | None = None) -> Raw:
    """All pictures, without a test part of their own; read once in a process and shared read-only.

    x: (N, 784) uint8; y: (N,) class numbers 0 to 9. Raises ValueError, in a sentence.
    """
    folder = find(data_dir)
    if folder is None:
        raise ValueError(
            f"The file {FILE} of Kaggle's Digit Recognizer was not found: it was looked for in the folder of "
            "--data-dir, in that of BACKPROP_DATA and in the cache folder."
        )
    path = (folder / FILE).resolve()
    facts = path.stat()
    return _read(path, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=2)
def _read(path: Path, size: int, changed: int) -> Raw:
    """size and changed are those of the file: another one of the same name is read anew."""
    if size > MOST_BYTES:
        raise ValueError(f"The file {path.name} has {size:,} bytes; at most {MOST_BYTES:,} are allowed.")
    parsed = cache_folder() / f"kaggle-{hashlib.sha256(f'{path} {size} {changed}'.encode()).hexdigest()[:16]}.npz"
    with contextlib.suppress(OSError, ValueError, KeyError), np.load(parsed, allow_pickle=False) as kept:
        return _raw(kept["x"], kept["y"])
    from data.files.picture_tables import parse  # pandas: half a second that few who start have use for

    with open(path, encoding="utf-8", errors="replace") as file:
        x, labels = parse(file, ",", 0, PICTURE[0], header=True)
    if not set(labels) <= set(map(str, range(CLASSES))):
        raise ValueError(f"The file {path.name} has labels that are no digits from 0 to {CLASSES - 1}.")
    y = np.array(labels, dtype=np.int64)
    with contextlib.suppress(OSError):  # a cache folder that cannot be written costs the time of parsing again
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
