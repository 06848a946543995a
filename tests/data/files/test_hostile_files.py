"""Files that are broken, too large or malicious: one table with the sentence that refuses each."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from data.files import picture_files, picture_tables
from data.files.table_files import read_table
from data.files.table_roles import prepare_table, propose
from data.files.user_data import UserDataError

# Makers of files -----------------------------------------------------------------------------------------------------


def csv(*lines: str) -> bytes:
    return "\n".join(lines).encode()


def numbers(rows: int, *names: str) -> bytes:
    return csv(",".join(names), *(",".join(str(r + i) for i in range(len(names))) for r in range(rows)))


def picture(width: int = 9, height: int = 9, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.arange(width * height, dtype=np.uint8).reshape(height, width)).save(file, kind)
    return file.getvalue()


def png(width: int, height: int) -> bytes:
    """A PNG with any size in its header and one line of pixels."""

    def part(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", zlib.compress(bytes(9))) + part(b"IEND", b"")


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


GOOD = {f"{kind}/{i}.png": picture() for kind in ("cat", "dog") for i in range(6)}


def link() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in GOOD.items():
            archive.writestr(name, content)
        info = zipfile.ZipInfo("dog/passwords.png")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return file.getvalue()


def locked(content: bytes, entries: int) -> bytes:
    """The first entries of the directory have the flag of a password."""
    changed, at = bytearray(content), 0
    for _ in range(entries):
        at = content.index(b"PK\x01\x02", at + 1)
        changed[at + 8] |= 1
    return bytes(changed)


def packed(method: int) -> bytes:
    """The directory names a method of compression that does not exist, or another one than was used."""
    content = bytearray(zipped(GOOD))
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        struct.pack_into("<H", content, content.index(signature) + offset, method)
    return bytes(content)


def lying(content: bytes, size: int) -> bytes:
    """The directory gives a wrong size of the first entry."""
    changed = bytearray(content)
    struct.pack_into("<I", changed, content.index(b"PK\x01\x02") + 24, size)
    return bytes(changed)


def damaged(content: bytes) -> bytes:
    """A byte in the first entry is changed."""
    changed = bytearray(content)
    changed[content.index(b"IDAT") + 8] ^= 0xFF
    return bytes(changed)


# Readers -------------------------------------------------------------------------------------------------------------


def table(content: bytes) -> None:
    read_table(content)


def trained(content: bytes) -> None:
    whole = read_table(content)
    prepare_table(whole, propose(whole), "x.csv")


def pictures_in_rows(content: bytes) -> None:
    assert picture_tables.read_pictures(content, "x.csv") is not None


def pictures(content: bytes) -> None:
    list(picture_files.read_pictures(content, "x.zip", 8))


PIXELS = "label," + ",".join(f"pixel{i}" for i in range(25))
INK = ",".join("7" * 25)
HOSTILE = [  # reader, content (or a function that makes a large one), part of the sentence
    # Tables
    (table, b"", "is empty"),
    (table, b" \n\t\n\r\n", "is empty"),
    (table, b"a\n1\n2\n", "one column only"),
    (table, b"a,b\n", "has no rows"),
    (table, b"a,b\n1,2\n1,2\n1,2,3\n", "3 cells and the others 2"),
    (table, b'a,b\n1,"2\n3,4\n', "quotation mark is opened and never closed"),
    (table, b"a,b\n1,\0\n" * 9, "not plain text"),
    (table, bytes(range(1, 9)) * 50, "not plain text"),
    (table, b"\xff\xfea", "not plain text"),
    (table, b"PK\x03\x04 workbook", "a zip archive or an Excel workbook"),
    (table, b"\xd0\xcf\x11\xe0 workbook", "an old Excel workbook"),
    (table, b"%PDF-1.7", "a PDF document"),
    (table, picture(), "is a picture"),
    (table, b"PAR1", "a Parquet file"),
    (table, gzip.compress(numbers(99, "a", "b"))[:-9], "is incomplete"),
    (table, b"\x1f\x8b" + b"\7" * 60, "gzip file is broken"),
    (table, gzip.compress(b"a,b\n1,2\n") + b"more", "has data after its end"),
    (table, lambda: gzip.compress(bytes(101_000_000), 1), "unpacks to more than the 100,000,000 bytes"),
    (table, lambda: b"a,b\n" + b"1,2\n" * 13_000_000, "52,000,004 bytes; at most 50,000,000"),
    (table, b"a,b\n" + b"1,2\n" * 100_001, "more than the 100,000 rows"),
    (table, b"1," * 1000 + b"1\n" + b"2," * 1000 + b"2\n", "1,001 columns; at most 1,000"),
    (table, lambda: (b"1," * 99 + b"1\n") * 50_000, "more than 40,000 rows of 100 cells; at most 4,000,000"),
    (table, b"1," * 9000 + b"1\n" + b"2," * 9000 + b"2\n", "9,001 columns"),
    (table, b"a,b\n1," + b"x" * 10_001 + b"\n", "longer than the 10,000 characters"),
    (table, b"a,b\n1,\"" + b"x" * 200_000 + b'"\n', "longer than the 10,000 characters"),
    (trained, numbers(9, "a", "b"), "Only 9 rows can be used; at least 10"),
    (trained, csv("a,b", *(f"{i},yes" for i in range(20))), "has one class only"),
    (trained, csv("a,b", *(f"{i % 7},id{i % 60}" for i in range(120))), "has 60 classes; 2 to 50"),
    (trained, csv("a,b", *(f"id{i},{i % 2}" for i in range(60))), "No feature is chosen"),
    (trained, csv("a,value", *(f"{i % 7},1.5" for i in range(30))), "the same in every row"),
    (trained, csv("a,value", *(f"{i % 7},inf" for i in range(30))), "Only 0 rows can be used"),
    # Tables of pictures
    (pictures_in_rows, csv(PIXELS, f"1,{INK}", *[f"2,{INK}"] * 30, "3,256" + INK[1:]), "not a whole number from 0"),
    (pictures_in_rows, csv(PIXELS, *[f"2,{INK}"] * 30, "3,-1" + INK[1:]), "not a whole number from 0"),
    (pictures_in_rows, csv(PIXELS, *[f"2,{INK}"] * 30, "3," + INK[2:]), "not a whole number from 0"),
    (pictures_in_rows, csv(PIXELS, *[f"2,{INK}"] * 30, f"3,{INK},7"), "a label and 25 pixels"),
    (pictures_in_rows, csv(PIXELS, *[f"2,{INK}"] * 30), "There are 1 different labels"),
    (pictures_in_rows, csv(PIXELS, *[f"2,{INK}"] * 30, f"3,{INK}"), "The label 3 occurs once"),
    (pictures_in_rows, csv(PIXELS, *[f"{i // 2},{INK}" for i in range(102)]), "There are 51 different labels"),
    # Archives
    (pictures, b"", "not a valid zip file"),
    (pictures, b"PK\x03\x04" + bytes(40), "not a valid zip file"),
    (pictures, zipped(GOOD)[:-30], "not a valid zip file"),
    (pictures, zipped({}), "has no picture in a folder"),
    (pictures, zipped({**GOOD, "../../etc/cron.png": picture()}), "points outside the archive"),
    (pictures, zipped({**GOOD, "/etc/cron.png": picture()}), "points outside the archive"),
    (pictures, zipped({**GOOD, "C:\\windows\\cron.png": picture()}), "points outside the archive"),
    (pictures, link(), "is a symbolic link"),
    (pictures, locked(zipped(GOOD), 12), "protected by a password"),
    (pictures, zipped({"dog/more.zip": zipped(GOOD)}), "a nested archive"),
    (pictures, zipped({"dog/run.exe": b"MZ"}), "not a picture in PNG, JPEG"),
    (pictures, zipped({"cat.png": picture()}), "in no folder of a class"),
    (pictures, zipped({f"cat/{i}.png": picture() for i in range(12)}), "There are 1 different labels"),
    (pictures, zipped({f"{i}/{i}.png": picture() for i in range(12)}), "The label 0 occurs once"),
    (pictures, zipped({name: GOOD[name] for name in list(GOOD)[4:8]}), "4 pictures; 10 to 20,000"),
    (pictures, lambda: zipped({**GOOD, "dog/bomb.png": bytes(9_000_000)}), "unpacks to more than 200 times its size"),
    (pictures, lambda: zipped({"dog/large.png": bytes(10_000_001)}), "larger than the 10,000,000 bytes"),
    (pictures, lambda: zipped({f"dog/{i}.png": bytes(9_999_999) for i in range(21)}), "at most 200,000,000 are"),
    (pictures, lambda: zipped({f"{i}": b"" for i in range(25_001)}), "25,001 entries; at most 25,000"),
    (pictures, zipped({"cat/a.png": picture()[:40]}), "not a complete picture"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reader", "content", "sentence"),
    HOSTILE,
    ids=[f"{reader.__name__}: {sentence}" for reader, _, sentence in HOSTILE],
)
def test_a_hostile_file_gets_its_sentence(reader, content, sentence):
    with pytest.raises(UserDataError) as refusal:
        reader(content() if callable(content) else content)
    text = str(refusal.value)
    assert sentence in text
    assert text[0].isupper()
    assert text.endswith(".")
    assert len(text) < 300
    assert not set("<>") & set(text)


ODD_ENTRIES = [  # an archive of twelve pictures with an odd entry, and part of why it is left out
    (locked(zipped(GOOD), 1), "protected by a password"),
    (packed(97), "packed with a method that is not supported"),
    (packed(14), "broken in the archive"),
    (lying(zipped(GOOD), 40), "broken in the archive"),
    (lying(zipped(GOOD), 4000), "not of the size that the archive states"),
    (damaged(zipped(GOOD, zipfile.ZIP_STORED)), "broken in the archive"),
    *((zipped({**GOOD, name: content}), why) for name, content, why in (
        ("dog/more.zip", zipped(GOOD), "a nested archive"),
        ("dog/run.exe", b"MZ", "not a picture in PNG, JPEG"),
        ("dog/labels", b"dog", "not a picture in PNG, JPEG"),
        ("dog.png", picture(), "in no folder of a class"),
        ("bird/1.png", picture(), "in no folder of a class with at least two pictures"),
        ("x/" * 33 + "1.png", picture(), "more than 32 folders deep"),
        ("x/" * 30_000 + "1.png", picture(), "more than 32 folders deep"),
        ("dog/large.png", bytes(10_000_001), "larger than the 10,000,000 bytes"),
        ("cat/a.png", png(60_000, 60_000), "more than the 20,000,000 pixels"),
        ("cat/a.png", png(5000, 5000), "5,000 pixels wide and 5,000 high"),
        ("cat/a.png", png(0, 9), "not a complete picture"),
        ("cat/a.png", b"", "not a complete picture"),
        ("cat/a.png", png(90, 90), "broken"),
        ("cat/a.png", picture()[:40], "not a complete picture"),
        ("cat/a.jpg", picture(64, 64, "JPEG")[:-300], "broken"),
        ("cat/a.png", b"<svg onload='alert(1)'/>", "not a complete picture"),
        ("cat/a.gif", picture(kind="GIF")[:-20], "broken"),
        ("cat/a.bmp", picture(kind="BMP")[:-20], "broken"),
        ("cat/a.webp", picture(64, 64, kind="WEBP")[:-20], "broken"),
        ("cat/a.tif", picture(kind="TIFF")[:60], "not a complete picture"),
        ("cat/a.pgm", b"P5 6000 6000 255 ", "6,000 pixels wide"),
    )),
]  # fmt: skip


@pytest.mark.parametrize(("content", "why"), ODD_ENTRIES, ids=[why for _, why in ODD_ENTRIES])
def test_an_odd_entry_is_left_out_and_named(content, why):
    *_, found = picture_files.read_pictures(content, "x.zip", 8)
    assert isinstance(found, picture_files.Pictures)
    (entry,) = found.left_out
    assert why in entry.why
    assert len(found.prepared.y) == len(zipfile.ZipFile(io.BytesIO(content)).namelist()) - 1
    assert found.notes[0].startswith("1 file is left out: ")
    assert entry.why in found.notes[0]
    assert entry.name[-30:] in found.notes[0]


def test_the_pixels_of_other_formats_compress_far_more():
    blank = io.BytesIO()
    Image.new("L", (900, 900), 255).save(blank, "BMP")
    *_, found = picture_files.read_pictures(zipped({**GOOD, "cat/blank.bmp": blank.getvalue()}), "x.zip", 8)
    assert isinstance(found, picture_files.Pictures)
    assert (len(found.prepared.y), found.left_out) == (13, ())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"])
def test_random_damage_never_raises_another_error(kind):
    ending = {"TIFF": ".tif", "PPM": ".pgm"}.get(kind, f".{kind.lower()}")
    good = zipped({f"{'ab'[i % 2]}/{i}{ending}": picture(kind=kind) for i in range(12)}, zipfile.ZIP_STORED)
    draw = np.random.default_rng(5)
    outcomes: set[type] = set()
    for _ in range(60):
        content = bytearray(good)
        for place in draw.integers(0, len(good), draw.integers(1, 40)):
            content[place] = draw.integers(256)
        try:
            *_, found = picture_files.read_pictures(bytes(content), "x.zip", 8)
            outcomes.add(type(found))
        except UserDataError:
            outcomes.add(UserDataError)
    assert outcomes == {picture_files.Pictures, UserDataError}


def test_the_tables_of_hostile_files_are_long():
    assert len(HOSTILE) > 50
    assert len(HOSTILE) + len(ODD_ENTRIES) > 75
