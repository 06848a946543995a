"""Picture sets in IDX files, the format of MNIST and its drop-in replacements.

Every header is checked before it is used, and never more bytes are read than the largest of these sets holds."""

from __future__ import annotations

import gzip
import io
import math
import os
import struct
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from data.dataset import Raw

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
FOLDERS = ("mnist", "fashion_mnist")  # all sets use the same file names: a folder named after one holds no other
PICTURE = (28, 28)  # rows, columns
CLASSES = 10
MAX_EXAMPLES = 70_000  # in a file
CHUNK_BYTES = 2**20  # unpacked at a time


def cache_folder() -> Path:
    """The user's cache folder on this platform."""
    usual = os.environ.get("LOCALAPPDATA") if os.name == "nt" else os.environ.get("XDG_CACHE_HOME")
    return Path(usual or os.path.expanduser("~/.cache")) / "backprop-playground"


def folders(name: str, data_dir: Path | None = None) -> list[Path]:
    """The folders searched for the files of a set, in order of preference.

    They are `data_dir`, the folder in the environment variable BACKPROP_DATA, and the user's cache folder; in each, its
    subfolder `name` comes first."""
    given = [data_dir, os.environ.get("BACKPROP_DATA"), cache_folder()]
    # Absolute, because the path "." has no name.
    roots = [Path(os.path.abspath(os.path.expanduser(place))) for place in given if place]
    return [
        folder for root in roots for folder in (root / name, root) if folder.name == name or folder.name not in FOLDERS
    ]


def _files(folder: Path) -> list[Path]:
    """Those of the four files that exist in a folder, gzipped or not, with a hyphen or a dot before idx."""
    found = []
    for file in FILES:
        spellings = (folder / (stem + end) for stem in (file, file.replace("-idx", ".idx")) for end in (".gz", ""))
        found += [path for path in spellings if os.path.isfile(path)][:1]
    return found


def find(name: str, data_dir: Path | None = None) -> Path | None:
    """The first folder that holds all four files of a set, or None."""
    return next((folder for folder in folders(name, data_dir) if len(_files(folder)) == len(FILES)), None)


def make(name: str, data_dir: Path | None = None) -> Raw:
    """A picture set with its own test part; read once per folder and process and shared read-only.

    x: (N, 784) uint8, 0 is black and 255 white; y: (N,) class numbers 0 to 9. The test part comes last.

    Raises ValueError, in a sentence, if a file is missing or invalid.
    """
    folder = find(name, data_dir)
    if folder is None:
        raise ValueError(
            f"The files of {name} were not found: {', '.join(FILES)}, plain or gzipped. Searched: the "
            f"folder of --data-dir, that of BACKPROP_DATA, and the cache folder."
        )
    return _read_folder(folder.resolve())


@lru_cache(maxsize=4)
def _read_folder(folder: Path) -> Raw:
    train_x, train_y, test_x, test_y = (
        read_idx(path, PICTURE if "images" in path.name else ()) for path in _files(folder)
    )
    for part, x, y in (("training", train_x, train_y), ("test", test_x, test_y)):
        if len(x) != len(y):
            raise ValueError(
                f"The {part} part in {folder} has {len(x)} pictures and {len(y)} labels: "
                "there must be one label per picture."
            )
        if y.max() >= CLASSES:
            raise ValueError(f"The {part} part in {folder} has the label {y.max()}: labels are 0 to {CLASSES - 1}.")
    x = np.concatenate([train_x, test_x]).reshape(-1, math.prod(PICTURE))
    y = np.concatenate([train_y, test_y]).astype(np.int64)
    x.setflags(write=False)
    y.setflags(write=False)
    names = tuple(f"pixel_{row}_{column}" for row in range(PICTURE[0]) for column in range(PICTURE[1]))
    return Raw(x, y, y, names, test_rows=len(test_y))


def read_idx(path: Path, example: tuple[int, ...]) -> np.ndarray:
    """The bytes (N, *example) of an IDX file, gzipped or not, as uint8.

    example: shape of one example, () for a label. N is 1 to 70000.

    Raises ValueError, in a sentence, unless the file has exactly the size that its header gives.
    """
    try:
        with open(path, "rb") as file:
            if file.peek(2)[:2] == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=file) as unpacked:
                    return _read(unpacked, path, example)
            return _read(file, path, example)
    except EOFError:
        raise ValueError(f"The file {path} is incomplete.") from None
    except (OSError, zlib.error) as problem:
        raise ValueError(f"The file {path} cannot be read ({problem}).") from None


def _read(file: io.BufferedIOBase, path: Path, example: tuple[int, ...]) -> np.ndarray:
    dimensions = 1 + len(example)
    if file.read(4) != bytes((0, 0, 8, dimensions)):  # 8: unsigned bytes
        raise ValueError(f"The file {path} is not an IDX file of bytes in {dimensions} dimensions.")
    header = file.read(4 * dimensions)
    if len(header) < 4 * dimensions:
        raise EOFError
    shape = struct.unpack(f">{dimensions}I", header)
    if shape[1:] != example or not 1 <= shape[0] <= MAX_EXAMPLES:
        allowed = " x ".join(map(str, (f"1 to {MAX_EXAMPLES}", *example)))
        raise ValueError(f"The header of {path} gives the shape {' x '.join(map(str, shape))}: allowed are {allowed}.")
    values = np.empty(math.prod(shape), dtype=np.uint8)
    filled = 0
    while filled < len(values) and (count := file.readinto(values.data[filled : filled + CHUNK_BYTES])):
        filled += count
    if filled < len(values):
        raise EOFError
    if file.read(1):  # reading to the end also verifies the checksum of a gzipped file
        raise ValueError(
            f"The file {path} has more than the {' x '.join(map(str, shape))} bytes that its header gives."
        )
    return values.reshape(shape)
