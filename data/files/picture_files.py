"""Pictures in a zip file, one folder per class, turned into small gray squares.

Archives are not trusted: names, sizes and counts are checked before anything is unpacked, a picture's width and height
before its pixels are decoded, and nothing is written to disk.
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
from data.files.user_data import PreparedData, UserDataError, clean, pixel_names

MAX_BYTES, MAX_UNPACKED_BYTES, MAX_COMPRESSION_RATIO = 50_000_000, 200_000_000, 200
MAX_ENTRIES, MAX_PICTURES, MIN_PICTURES = 25_000, 20_000, 10
MAX_FILE_BYTES, MAX_PIXELS = 10_000_000, 20_000_000  # of one picture
SIDES = (8, 12, 16, 20, 24, 28, 32, 48, 64)
ENDINGS = {".png", ".jpg", ".jpeg"}
ARCHIVES = {".zip", ".gz", ".tar", ".tgz", ".7z", ".rar", ".bz2", ".xz"}
IGNORED = {"__MACOSX", "Thumbs.db", "desktop.ini"}  # added to archives by operating systems
PICTURES_PER_REPORT = 50  # between two progress reports, at which the caller can stop


@dataclass(frozen=True)
class Entry:
    """A picture in the archive and the folder that names its class."""

    info: zipfile.ZipInfo
    label: str


def entries(archive: zipfile.ZipFile) -> list[Entry]:
    """The pictures, sorted by name. Raises UserDataError if the archive contains anything else."""
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise UserDataError(f"The zip file has {len(infos):,} entries; at most {MAX_ENTRIES:,} are allowed.")
    total = sum(info.file_size for info in infos)
    if total > MAX_UNPACKED_BYTES:
        raise UserDataError(f"The zip file unpacks to {total:,} bytes; at most {MAX_UNPACKED_BYTES:,} are allowed.")
    found = [entry for info in infos if (entry := _entry(info))]
    if not found:
        raise UserDataError(
            "The zip file has no picture in a folder; PNG and JPEG pictures in one folder per class are allowed."
        )
    if not MIN_PICTURES <= len(found) <= MAX_PICTURES:
        raise UserDataError(
            f"The zip file has {len(found):,} pictures; {MIN_PICTURES} to {MAX_PICTURES:,} are allowed."
        )
    return sorted(found, key=lambda entry: entry.info.filename)


def _entry(info: zipfile.ZipInfo) -> Entry | None:
    """None for folders and system files. Raises UserDataError for anything that is not allowed."""
    name = info.filename.replace("\\", "/")
    shown, parts = clean(name), PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or any(":" in part for part in parts):
        raise UserDataError(f"The entry {shown} points outside the archive; only paths inside it are allowed.")
    if info.is_dir() or any(part in IGNORED or part.startswith(".") for part in parts):
        return None
    if stat.S_ISLNK(info.external_attr >> 16):
        raise UserDataError(f"The entry {shown} is a symbolic link; files and folders are allowed.")
    if info.flag_bits & 1:
        raise UserDataError(f"The entry {shown} has a password; a zip file without one is allowed.")
    ending = PurePosixPath(name).suffix.lower()
    if ending in ARCHIVES:
        raise UserDataError(f"The entry {shown} is a nested archive; folders of pictures are allowed.")
    if ending not in ENDINGS:
        raise UserDataError(f"The entry {shown} is not a picture; PNG and JPEG are allowed.")
    if info.file_size > MAX_FILE_BYTES:
        raise UserDataError(
            f"The picture {shown} has {info.file_size:,} bytes; at most {MAX_FILE_BYTES:,} are allowed."
        )
    if info.file_size > MAX_COMPRESSION_RATIO * max(info.compress_size, 100):
        raise UserDataError(
            f"The entry {shown} unpacks to more than {MAX_COMPRESSION_RATIO} times its size; pictures compress less."
        )
    if len(parts) < 2:
        raise UserDataError(f"The picture {shown} is not in a folder; one folder per class is allowed.")
    return Entry(info, parts[-2])


def read_pictures(content: bytes, title: str, side: int) -> Iterator[tuple[int, int] | PreparedData]:
    """Yields (done, total) as progress and finally the pictures. Raises UserDataError."""
    if len(content) > MAX_BYTES:
        raise UserDataError(f"The file has {len(content):,} bytes; at most {MAX_BYTES:,} are allowed.")
    if side not in SIDES:
        raise UserDataError(f"Squares of {side} pixels are not supported; allowed are {', '.join(map(str, SIDES))}.")
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise UserDataError("The file is not a valid zip file; a zip file of folders is allowed.") from None
    with archive:
        found = entries(archive)
        y, names = numbered([entry.label for entry in found])
        pixels = np.empty((len(found), side * side), dtype=np.uint8)
        for i, entry in enumerate(found):
            if i % PICTURES_PER_REPORT == 0:
                yield i, len(found)
            pixels[i] = _square(_unpack(archive, entry.info), side, clean(entry.info.filename)).ravel()
    yield len(found), len(found)
    yield PreparedData("own_images", clean(title), "classification", pixels, y, pixel_names(side), names,
                   image_shape=(side, side))  # fmt: skip


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The bytes of an entry, exactly as many as the archive's directory gives."""
    name = clean(info.filename)
    try:
        with archive.open(info) as file:
            content = file.read(info.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
        raise UserDataError(f"The entry {name} is broken; pack the pictures again.") from None
    if len(content) != info.file_size:
        raise UserDataError(
            f"The entry {name} does not have the size that the archive states; pack the pictures again."
        )
    return content


def _square(content: bytes, side: int, name: str) -> np.ndarray:
    """A whole picture as (side, side) uint8 gray, padded to a square with the median gray of its edge."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as picture:
                width, height = picture.size
                if width * height > MAX_PIXELS:
                    raise UserDataError(
                        f"The picture {name} is {width:,} pixels wide and {height:,} high; "
                        f"at most {MAX_PIXELS:,} pixels are allowed."
                    )
                picture.draft("L", (2 * side, 2 * side))  # decodes a JPEG at reduced size
                gray = _gray(picture)
    except UserDataError:
        raise
    except UnidentifiedImageError:
        raise UserDataError(f"The entry {name} is not a complete PNG or JPEG picture, despite its name.") from None
    except Image.DecompressionBombError:
        raise UserDataError(f"The picture {name} has more than the {MAX_PIXELS:,} pixels that are allowed.") from None
    except (OSError, ValueError, SyntaxError, EOFError, zlib.error, MemoryError):
        raise UserDataError(f"The picture {name} is broken; leave it out, or save it again.") from None
    scale = side / max(gray.size)
    method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    values = np.asarray(gray.resize((max(1, round(gray.width * scale)), max(1, round(gray.height * scale))), method))
    edge = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    square = np.full((side, side), int(np.median(edge)), dtype=np.uint8)
    top, left = (side - values.shape[0]) // 2, (side - values.shape[1]) // 2
    square[top : top + values.shape[0], left : left + values.shape[1]] = values
    return square


def _gray(picture: Image.Image) -> Image.Image:
    """Gray, with transparency over white and the camera orientation applied."""
    turned = ImageOps.exif_transpose(picture)
    if turned.mode.startswith("I"):  # 16 bits per pixel
        return Image.fromarray((np.asarray(turned).clip(0, 65535) // 256).astype(np.uint8))
    if turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info:
        layered = turned.convert("RGBA")
        turned = Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered)
    return turned.convert("L")
