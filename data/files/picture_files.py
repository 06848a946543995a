"""Pictures in a zip file, one folder per class, turned into small gray squares.

Archives are not trusted: names, sizes and counts are checked before anything is unpacked, a picture's width and height
before its pixels are decoded, and nothing is written to disk. An archive that could do harm is refused; an entry that
is of no use is left out and named.
"""

from __future__ import annotations

import io
import lzma
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from data.counted import counted
from data.files.archive_names import decoded_names
from data.files.picture_folders import Classes, folder_classes, is_part
from data.files.picture_squares import PictureError, put_on_paper, read_square, stretch
from data.files.picture_tables import numbered
from data.files.user_data import PreparedData, UserDataError, pixel_names
from data.names import MAX_NAME_CHARACTERS, clean

MAX_BYTES, MAX_UNPACKED_BYTES, MAX_COMPRESSION_RATIO = 50_000_000, 200_000_000, 200
MAX_ENTRIES, MAX_PICTURES, MIN_PICTURES = 25_000, 20_000, 10
MAX_FILE_BYTES = 10_000_000  # of one picture
MAX_TOTAL_PIXELS = 500_000_000  # that are decoded, some 30 s; a JPEG is decoded at a reduced size
MAX_FOLDERS = 32  # above one picture
SIDES = (8, 12, 16, 20, 24, 28, 32, 48, 64)
DEFAULT_SIDE = 28
COMPRESSED = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".webp"}
ENDINGS = COMPRESSED | {".bmp", ".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"}
FORMATS = "PNG, JPEG, GIF, BMP, WebP, TIFF or PPM"
ARCHIVES = {".zip", ".gz", ".tar", ".tgz", ".7z", ".rar", ".bz2", ".xz"}
IGNORED = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "@eadir"}  # added by systems
MIN_CONTRAST = 32  # of 255 between the lightest and the darkest pixel; a picture with less is plain
NAMED = 3  # names in a sentence on what is left out
PICTURES_PER_REPORT = 50  # between two progress reports, at which the caller can stop


@dataclass(frozen=True)
class LeftOut:
    """An entry of the archive that is not used, and what it is, as in "a nested archive"."""

    name: str
    why: str


@dataclass(frozen=True)
class Entry:
    """A file in the archive that may be a picture."""

    info: zipfile.ZipInfo
    name: str

    @property
    def folders(self) -> tuple[str, ...]:
        return PurePosixPath(self.name).parts[:-1]


@dataclass(frozen=True, eq=False)
class Pictures:
    """The pictures of an archive and how it was read."""

    prepared: PreparedData
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]  # sentences, also on what is left out
    plain: int  # pictures with less than MIN_CONTRAST

    @property
    def class_counts(self) -> dict[str, int]:
        names = self.prepared.class_names
        return dict(zip(names, np.bincount(self.prepared.y, minlength=len(names)).tolist(), strict=True))

    def as_json(self) -> dict[str, object]:
        return {
            "pictures": len(self.prepared.y),
            "classes": self.class_counts,
            "left_out": [{"name": entry.name, "why": entry.why} for entry in self.left_out],
            "notes": list(self.notes),
            "plain": self.plain,
        }


def read_pictures(content: bytes, title: str, side: int = DEFAULT_SIDE) -> Iterator[tuple[int, int] | Pictures]:
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
        found, left_out, code_page = entries(archive)
        pixels, read = np.empty((len(found), side * side), dtype=np.uint8), []
        decoded = 0  # pixels
        spans, opacities = {}, {}  # of deep and of transparent pictures
        for i, entry in enumerate(found):
            if i % PICTURES_PER_REPORT == 0:
                yield i, len(found)
            try:
                square, count = read_square(_unpack(archive, entry.info), side)
            except PictureError as problem:
                left_out.append(LeftOut(entry.name, str(problem)))
                continue
            if (decoded := decoded + count) > MAX_TOTAL_PIXELS:
                raise UserDataError(
                    f"The pictures have more than {MAX_TOTAL_PIXELS:,} pixels in all; fewer or smaller are allowed."
                )
            row = len(read)
            read.append(entry)
            pixels[row] = square.values.ravel()
            if square.span:
                spans[row] = square.span
            if square.opacity is not None:
                opacities[row] = square.opacity.ravel()
    yield len(found), len(found)
    classes = folder_classes([entry.folders for entry in read])
    used = [row for row, label in enumerate(classes.labels) if label is not None]
    left_out += _without_class(read, classes)
    left_out.sort(key=lambda entry: entry.name)
    if len(used) < MIN_PICTURES:
        many = counted(len(used), "picture") if used else "no picture in a folder"
        why = f"; {_on_left_out(left_out, 1)}" if left_out else ""
        raise UserDataError(
            f"The zip file has {many}; {MIN_PICTURES} to {MAX_PICTURES:,} are allowed, one folder per class{why}."
        )
    if spans:
        stretch(pixels, spans)
    paper = put_on_paper(pixels, opacities) if opacities else None
    pixels = pixels[used]
    y, names = numbered([label for label in classes.labels if label is not None])
    plain = int((np.ptp(pixels, axis=1) < MIN_CONTRAST).sum())
    prepared = PreparedData("own_images", clean(title), "classification", pixels, y, pixel_names(side), names,
                            image_shape=(side, side))  # fmt: skip
    notes = _notes(classes, left_out, code_page, plain, len(y), bool(spans), paper)
    yield Pictures(prepared, tuple(left_out), tuple(notes), plain)


# The directory of the archive ----------------------------------------------------------------------------------------


def entries(archive: zipfile.ZipFile) -> tuple[list[Entry], list[LeftOut], str]:
    """What may be pictures, sorted by name; what is left out; the code page of the names, if one was needed.

    Raises UserDataError if the archive could do harm.
    """
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise UserDataError(f"The zip file has {len(infos):,} entries; at most {MAX_ENTRIES:,} are allowed.")
    names, code_page = decoded_names(infos)
    found: list[Entry] = []
    left_out: list[LeftOut] = []
    for info, name in zip(infos, names, strict=True):
        _check_path(info, name)
        if not _is_ignored(name):
            if why := _unfit(info, name):
                left_out.append(LeftOut(name, why))
            else:
                found.append(Entry(info, name))
    total = sum(entry.info.file_size for entry in found)
    if total > MAX_UNPACKED_BYTES:
        raise UserDataError(f"The zip file unpacks to {total:,} bytes; at most {MAX_UNPACKED_BYTES:,} are allowed.")
    if len(found) > MAX_PICTURES:
        raise UserDataError(f"The zip file has {len(found):,} pictures; at most {MAX_PICTURES:,} are allowed.")
    for entry in found:
        _check_compression(entry)
    return sorted(found, key=lambda entry: entry.name), left_out, code_page


def _check_path(info: zipfile.ZipInfo, name: str) -> None:
    """Raises UserDataError for an entry that leads out of the archive."""
    if name.startswith("/") or re.match("[A-Za-z]:(/|$)", name) or ".." in PurePosixPath(name).parts:
        raise UserDataError(f"The entry {clean(name)} points outside the archive; only paths inside it are allowed.")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise UserDataError(f"The entry {clean(name)} is a symbolic link; files and folders are allowed.")


def _check_compression(entry: Entry) -> None:
    """Raises UserDataError for a picture that unpacks to far more than pictures do."""
    if PurePosixPath(entry.name).suffix.lower() not in COMPRESSED:
        return
    if entry.info.file_size > MAX_COMPRESSION_RATIO * max(entry.info.compress_size, 100):
        raise UserDataError(
            f"The entry {clean(entry.name)} unpacks to more than {MAX_COMPRESSION_RATIO} times its size; "
            "pictures compress less."
        )


def _is_ignored(name: str) -> bool:
    """Whether an entry is a folder or was added by an operating system."""
    parts = PurePosixPath(name).parts
    return name.endswith("/") or any(part.lower() in IGNORED or part.startswith(".") for part in parts)


def _unfit(info: zipfile.ZipInfo, name: str) -> str:
    """What an entry is that cannot be a picture; "" for all others."""
    path = PurePosixPath(name)
    ending = path.suffix.lower()
    if ending in ARCHIVES:
        return "a nested archive"
    if ending not in ENDINGS:
        return f"not a picture in {FORMATS} format"
    if info.flag_bits & 1:
        return "protected by a password"
    if info.file_size > MAX_FILE_BYTES:
        return f"larger than the {MAX_FILE_BYTES:,} bytes that are allowed"
    if len(path.parts) - 1 > MAX_FOLDERS:
        return f"more than {MAX_FOLDERS} folders deep"
    return ""


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The bytes of an entry, exactly as many as the archive's directory gives. Raises PictureError."""
    try:
        with archive.open(info) as file:
            content = file.read(info.file_size + 1)
    except NotImplementedError:
        raise PictureError("packed with a method that is not supported") from None
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError, MemoryError):
        raise PictureError("broken in the archive") from None
    if len(content) != info.file_size:
        raise PictureError("not of the size that the archive states")
    return content


# What is said --------------------------------------------------------------------------------------------------------


def _without_class(read: list[Entry], classes: Classes) -> Iterator[LeftOut]:
    for entry, label in zip(read, classes.labels, strict=True):
        if label is None:
            yield LeftOut(entry.name, "in no folder of a class with at least two pictures")


def _notes(
    classes: Classes,
    left_out: list[LeftOut],
    code_page: str,
    plain: int,
    pictures: int,
    is_deep: bool,
    paper: int | None,
) -> Iterator[str]:
    if left_out:
        yield f"{_on_left_out(left_out, 6)}."
    if classes.parts:
        yield f"The folders {_listed(classes.parts)} are parts of one set; their pictures are counted together."
    if all(map(is_part, classes.counts)):
        yield f"The folders {_listed(sorted(classes.counts))} are classes, because they hold no folders of classes."
    if code_page:
        yield f"The names in the archive are read in the code page {code_page}."
    if is_deep:
        yield "Pictures with more than 8 bits per pixel are stretched to the values that the set uses."
    if paper is not None:
        yield f"Transparent pictures lie on {'white' if paper else 'black'}, the opposite of their ink."
    if plain:
        many = "All" if plain == pictures else f"{plain:,} of the"
        yield (
            f"{many} {pictures:,} pictures are plain squares: less than {MIN_CONTRAST} of 255 between their lightest "
            "and darkest pixel, which leaves little to learn from."
        )


def _on_left_out(left_out: list[LeftOut], reasons: int) -> str:
    """The count and the first names for each of the first reasons."""
    names: dict[str, list[str]] = {}
    for entry in left_out:
        names.setdefault(entry.why, []).append(entry.name)
    said = [f"{why} ({_listed(these)})" for why, these in list(names.items())[:reasons]]
    many = "1 file is" if len(left_out) == 1 else f"{len(left_out):,} files are"
    return f"{many} left out: {'; '.join(said)}{'; and others' if len(names) > reasons else ''}"


def _listed(names: Sequence[str]) -> str:
    """The first names, and how many others there are."""
    shown, others = [_shown(name) for name in names[:NAMED]], len(names) - NAMED
    if others > 0:
        return f"{', '.join(shown)} and {others:,} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _shown(name: str) -> str:
    """The end of a long path, which tells files apart."""
    return clean(name if len(name) <= MAX_NAME_CHARACTERS else "…" + name[1 - MAX_NAME_CHARACTERS :])
