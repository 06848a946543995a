"""Pictures in a zip file, in a folder for each class, made into small grey squares.

An archive is believed nothing: names, sizes and counts are checked before anything is unpacked, a picture's width and
height before its pixels are, and nothing is ever written to the disk.
"""

from __future__ import annotations

import io
import stat
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from data.files.picture_tables import numbered
from data.files.user_data import OwnError, Prepared, clean, pixel_names

MOST_BYTES, MOST_UNPACKED, MOST_RATIO = 50_000_000, 200_000_000, 200
MOST_ENTRIES, MOST_PICTURES, FEWEST_PICTURES = 25_000, 20_000, 10
MOST_FILE_BYTES, MOST_PIXELS = 10_000_000, 20_000_000  # of one picture
SIDES = (8, 12, 16, 20, 24, 28, 32, 48, 64)
ENDINGS = {".png", ".jpg", ".jpeg"}
ARCHIVES = {".zip", ".gz", ".tar", ".tgz", ".7z", ".rar", ".bz2", ".xz"}
IGNORED = {"__MACOSX", "Thumbs.db", "desktop.ini"}  # what systems leave in archives
PIECE = 50  # pictures between two looks at whether somebody has pressed Stop


@dataclass(frozen=True)
class Entry:
    """A picture in the archive, and the folder that names its class."""

    info: zipfile.ZipInfo
    label: str


def entries(archive: zipfile.ZipFile) -> list[Entry]:
    """The pictures in the order of their names. Raises OwnError where the archive holds anything else."""
    infos = archive.infolist()
    if len(infos) > MOST_ENTRIES:
        raise OwnError(f"The zip file has {len(infos):,} entries; at most {MOST_ENTRIES:,} are allowed.")
    total = sum(info.file_size for info in infos)
    if total > MOST_UNPACKED:
        raise OwnError(f"The zip file unpacks to {total:,} bytes; at most {MOST_UNPACKED:,} are allowed.")
    found = [entry for info in infos if (entry := _entry(info))]
    if not found:
        raise OwnError("The zip file has no picture in a folder; PNG and JPEG in a folder for each class are allowed.")
    if not FEWEST_PICTURES <= len(found) <= MOST_PICTURES:
        raise OwnError(f"The zip file has {len(found):,} pictures; {FEWEST_PICTURES} to {MOST_PICTURES:,} are allowed.")
    return sorted(found, key=lambda entry: entry.info.filename)


def _entry(info: zipfile.ZipInfo) -> Entry | None:
    """None for a folder and for what systems add. Raises OwnError for what has no place in the archive."""
    name = info.filename.replace("\\", "/")
    shown, parts = clean(name), PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or any(":" in part for part in parts):
        raise OwnError(f"The entry {shown} leads out of the archive; paths inside of it are allowed.")
    if info.is_dir() or any(part in IGNORED or part.startswith(".") for part in parts):
        return None
    if stat.S_ISLNK(info.external_attr >> 16):
        raise OwnError(f"The entry {shown} is a symbolic link; files and folders are allowed.")
    if info.flag_bits & 1:
        raise OwnError(f"The entry {shown} has a password; a zip file without one is allowed.")
    ending = PurePosixPath(name).suffix.lower()
    if ending in ARCHIVES:
        raise OwnError(f"The entry {shown} is an archive of its own; folders of pictures are allowed.")
    if ending not in ENDINGS:
        raise OwnError(f"The entry {shown} is no picture; PNG and JPEG are allowed.")
    if info.file_size > MOST_FILE_BYTES:
        raise OwnError(f"The picture {shown} has {info.file_size:,} bytes; at most {MOST_FILE_BYTES:,} are allowed.")
    if info.file_size > MOST_RATIO * max(info.compress_size, 100):
        raise OwnError(f"The entry {shown} unpacks to more than {MOST_RATIO} times its size, as no picture does.")
    if len(parts) < 2:
        raise OwnError(f"The picture {shown} lies in no folder; a folder for each class is allowed.")
    return Entry(info, parts[-2])


def read_pictures(content: bytes, title: str, side: int) -> Iterator[tuple[int, int] | Prepared]:
    """Yields (how many are done, how many there are) now and then, and at the end the pictures. Raises OwnError."""
    if len(content) > MOST_BYTES:
        raise OwnError(f"The file has {len(content):,} bytes; at most {MOST_BYTES:,} are allowed.")
    if side not in SIDES:
        raise OwnError(f"Squares of {side} pixels are not made; allowed are {', '.join(map(str, SIDES))}.")
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise OwnError("The file is no zip file, or a broken one; a zip file of folders is allowed.") from None
    with archive:
        found = entries(archive)
        y, names = numbered([entry.label for entry in found])
        pixels = np.empty((len(found), side * side), dtype=np.uint8)
        for i, entry in enumerate(found):
            if i % PIECE == 0:
                yield i, len(found)
            pixels[i] = _square(_unpack(archive, entry.info), side, clean(entry.info.filename)).ravel()
    yield len(found), len(found)
    yield Prepared("own_images", clean(title), "classification", pixels, y, pixel_names(side), names,
                   image_shape=(side, side))  # fmt: skip


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The bytes of an entry: exactly as many as were announced, whatever the entry holds."""
    name = clean(info.filename)
    try:
        with archive.open(info) as file:
            content = file.read(info.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
        raise OwnError(f"The entry {name} is broken; pack the pictures again.") from None
    if len(content) != info.file_size:
        raise OwnError(f"The entry {name} does not have the size that the archive gives; pack the pictures again.")
    return content


def _square(content: bytes, side: int, name: str) -> np.ndarray:
    """A picture as (side, side) uint8 grey, whole: what is missing to a square becomes as dark or light as its edge."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as picture:
                width, height = picture.size
                if width * height > MOST_PIXELS:
                    raise OwnError(
                        f"The picture {name} is {width:,} pixels wide and {height:,} high; "
                        f"at most {MOST_PIXELS:,} pixels are allowed."
                    )
                picture.draft("L", (2 * side, 2 * side))  # a JPEG is only decoded as finely as needed
                grey = _grey(picture)
    except OwnError:
        raise
    except UnidentifiedImageError:
        raise OwnError(f"The entry {name} is no whole PNG or JPEG picture, whatever its name says.") from None
    except Image.DecompressionBombError:
        raise OwnError(f"The picture {name} has more than the {MOST_PIXELS:,} pixels that are allowed.") from None
    except (OSError, ValueError, SyntaxError, EOFError, zlib.error, MemoryError):
        raise OwnError(f"The picture {name} is broken; leave it out, or save it again.") from None
    scale = side / max(grey.size)
    way = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    values = np.asarray(grey.resize((max(1, round(grey.width * scale)), max(1, round(grey.height * scale))), way))
    edge = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    square = np.full((side, side), int(np.median(edge)), dtype=np.uint8)
    top, left = (side - values.shape[0]) // 2, (side - values.shape[1]) // 2
    square[top : top + values.shape[0], left : left + values.shape[1]] = values
    return square


def _grey(picture: Image.Image) -> Image.Image:
    """Grey on white where it is transparent, turned as the camera was held."""
    turned = ImageOps.exif_transpose(picture)
    if turned.mode.startswith("I"):  # 16 bits a pixel
        return Image.fromarray((np.asarray(turned).clip(0, 65535) // 256).astype(np.uint8))
    if turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info:
        layered = turned.convert("RGBA")
        turned = Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered)
    return turned.convert("L")
