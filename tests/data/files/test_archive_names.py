"""Names of zip entries in the encodings of many programs."""

from __future__ import annotations

import io
import struct
import unicodedata
import zipfile
import zlib

import pytest

from data.files.archive_names import best_code_page, decoded_names

PLACEHOLDER = "n"


def names_of(coded: list[bytes], extra: list[bytes] | None = None, utf8: bool = False) -> tuple[list[str], str]:
    """The names as read from a zip file that has exactly these bytes as names."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for i, name in enumerate(coded):
            info = zipfile.ZipInfo((PLACEHOLDER * 40)[: len(name) - 2] + f"{i:02d}")
            info.extra = extra[i] if extra else b""
            archive.writestr(info, b"")
    content = file.getvalue()
    for i, name in enumerate(coded):
        content = content.replace(((PLACEHOLDER * 40)[: len(name) - 2] + f"{i:02d}").encode(), name)
    if utf8:
        changed = bytearray(content)
        at = -1
        while (at := content.find(b"PK\x01\x02", at + 1)) >= 0:
            changed[at + 9] |= 8
        content = bytes(changed)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return decoded_names(archive.infolist())


WORDS = ["Vögel/1.png", "Bäume/Ähre.png", "plain/2.png"]


def test_utf8_without_its_flag_is_read_and_composed():
    decomposed = [unicodedata.normalize("NFD", word).encode() for word in WORDS]
    assert names_of(decomposed) == (WORDS, "")


def test_utf8_with_its_flag_is_composed():
    assert names_of([unicodedata.normalize("NFD", word).encode() for word in WORDS], utf8=True) == (WORDS, "")


def test_a_code_page_is_named_and_backslashes_are_slashes():
    assert names_of([word.replace("/", "\\").encode("cp850") for word in WORDS]) == (WORDS, "cp850")


def test_one_archive_may_mix_utf8_and_a_code_page():
    assert names_of([WORDS[0].encode(), WORDS[1].encode("cp850")]) == (WORDS[:2], "cp850")


def test_a_unicode_name_in_an_extra_field_is_used():
    name = b"V?gel/1.png"
    path = b"\1" + struct.pack("<I", zlib.crc32(name)) + WORDS[0].encode()
    field = struct.pack("<HH", 0x7075, len(path)) + path
    assert names_of([name], [field])[0] == WORDS[:1]
    outdated = field[:5] + b"\0\0\0\0" + field[9:]
    assert names_of([name], [outdated])[0] == ["V?gel/1.png"]


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("cp850", ["Vögel", "Bäume"]),
        ("cp850", ["Größe", "Ärger", "Übung"]),
        ("cp850", ["São Paulo", "Avião", "coração"]),
        ("cp850", ["forêt", "église", "Île", "garçon"]),
        ("cp850", ["Ørsted", "blåbær", "Århus"]),
        ("cp850", ["niño", "Ángel", "corazón"]),
        ("cp852", ["żółw", "łódka", "świnia"]),
        ("cp852", ["kůň", "žába", "čáp"]),
        ("cp866", ["Кошки", "Собаки"]),
        ("cp1251", ["Кошки", "Собаки"]),
        ("cp932", ["猫", "犬"]),
        ("cp932", ["カメラ", "りんご", "飛行機"]),
        ("gb2312", ["猫", "狗"]),
        ("gb2312", ["苹果", "香蕉"]),
        ("cp1252", ["Vögel", "Bäume"]),
    ],
)
def test_the_code_page_is_found_by_a_score(page, words):
    coded = [f"{word}/{i}.png".encode(page) for i, word in enumerate(words)]
    read = [name.decode(best_code_page(coded)) for name in coded]
    assert read == [f"{word}/{i}.png" for i, word in enumerate(words)]
