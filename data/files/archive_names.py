"""Names in zip files: UTF-8 where it is declared or evident, otherwise the code page in which all names read best.

macOS writes decomposed UTF-8 without declaring it, Windows the code page of the console, which nothing declares.
"""

from __future__ import annotations

import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable
from itertools import pairwise

DECLARES_UTF8 = 0x800  # flag of an entry
UNICODE_PATH = 0x7075  # extra field of WinRAR and WinZip with the name in UTF-8
CODE_PAGES = ("cp850", "cp437", "cp852", "cp1252", "cp932", "cp866", "cp1251", "gb2312", "gbk")  # the first of equals
ONE_SCRIPT = {"HIRAGANA": "CJK", "KATAKANA": "CJK"}  # Japanese mixes them within words
SYMBOL, HALF_WIDTH, MIXED_SCRIPTS, TWO_ACCENTS, LATE_CAPITAL = 3, 2, 3, 1, 1  # how unlikely each is in a name


def decoded_names(infos: Iterable[zipfile.ZipInfo]) -> tuple[list[str], str]:
    """The names of all entries, composed (NFC), with slashes between folders; and the code page, if one was needed."""
    names = [_stated_name(info) for info in infos]
    unknown = [name for name in names if isinstance(name, bytes)]
    page = best_code_page(unknown) if unknown else ""
    texts = [name.decode(page) if isinstance(name, bytes) else name for name in names]
    return [unicodedata.normalize("NFC", text).replace("\\", "/") for text in texts], page


def _stated_name(info: zipfile.ZipInfo) -> str | bytes:
    """The name if its encoding is certain, otherwise its bytes."""
    if info.flag_bits & DECLARES_UTF8:
        return info.filename
    content = info.orig_filename.split("\0")[0].encode("cp437")  # as which zipfile has read the bytes
    if stated := _unicode_path(info.extra, content):
        return stated
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content


def _unicode_path(extra: bytes, name: bytes) -> str:
    """The name in the extra field for Unicode, if there is one for this name."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == UNICODE_PATH and field[1:5] == struct.pack("<I", zlib.crc32(name)):
            return field[5:].decode(errors="ignore").split("\0")[0]
    return ""


def best_code_page(names: list[bytes]) -> str:
    """The code page in which all names together look least like symbols and mixed scripts."""
    text = b"\n".join(sorted({part for name in names for part in name.split(b"/")}))

    def cost(page: str) -> float:
        try:
            return _cost(text.decode(page))
        except UnicodeDecodeError:
            return float("inf")

    return min(CODE_PAGES, key=cost)


def _cost(text: str) -> int:
    return sum(map(_cost_of_character, text)) + sum(_cost_of_pair(a, b) for a, b in pairwise(text))


def _cost_of_character(character: str) -> int:
    if character.isascii() or (character.isalpha() and _script(character) != "HALFWIDTH"):
        return 0
    return HALF_WIDTH if _script(character) == "HALFWIDTH" else SYMBOL


def _cost_of_pair(before: str, after: str) -> int:
    if not (before.isalpha() and after.isalpha()) or (before.isascii() and after.isascii()):
        return 0
    if _script(before) != _script(after):
        return MIXED_SCRIPTS
    accents = _script(after) == "LATIN" and not before.isascii() and not after.isascii()
    return TWO_ACCENTS * accents + LATE_CAPITAL * (before.islower() and after.isupper())


def _script(character: str) -> str:
    script = unicodedata.name(character, "UNKNOWN").split()[0]
    return ONE_SCRIPT.get(script, script)
