"""The text in the bytes of a file: unpacked, told from other formats, decoded from the encoding it was written in.

An encoding that is not Unicode is chosen by its letters: those of one language, in words, must explain the bytes. Of
the six trial files in such encodings charset-normalizer 3.4 found three, and took a UTF-8 file for cp775; a file of a
few short words has too little text for statistics of longer units.
"""

from __future__ import annotations

import codecs
import re
import zlib

from data.files.user_data import UserDataError

MAX_BYTES, MAX_UNPACKED_BYTES = 50_000_000, 100_000_000
SAMPLE_BYTES = 200_000  # used to choose an encoding
OTHER_FORMATS = (  # first bytes, description
    (b"PK\x03\x04", "a zip archive or an Excel workbook; save the table as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save the table as CSV"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"PAR1", "a Parquet file; save the table as CSV"),
    (b"SQLite format 3", "a database"),
    (b"BZh", "a bzip2 archive; gzip is understood"),
    (b"\xfd7zXZ", "an xz archive; gzip is understood"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive; gzip is understood"),
)
MARKS = (  # a byte order mark, the encoding
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
WEST = ("äöü", "äöüß", "éèàçêâîôûëïœùü", "ñáéíóúü", "ãõáéíóúâêôçà", "åäöøæé", "àèéìòù", "áðéíóúýþæö", "éëïöüèáó")
CENTRE = ("ąćęłńóśźż", "áčďéěíňřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž", "äöüß")
RUSSIAN, UKRAINIAN = "абвгдежзийклмнопрстуфхцчшщъыьэюяё", "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя"
CYRILLIC = (RUSSIAN, UKRAINIAN, "абвгдђежзијклљмнњопрстћуфхцчџш", "абвгдежзіўйклмнопрстуфхцчшыьэюяё")
GREEK, TURKISH = ("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",), ("çğıİöşüâ",)
HEBREW, ARABIC = ("אבגדהוזחטיךכלםמןנסעףפץצקרשת",), ("ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهويىپچژگ",)
BALTIC, THAI = ("ąčęėįšųūž", "āčēģīķļņšūž", "äöüõšž"), ("".join(map(chr, range(0x0E01, 0x0E5B))),)
LETTERS = (  # an encoding of one byte a character, and the letters beyond ASCII of languages; the first wins a tie
    ("cp1252", WEST),
    ("cp1251", CYRILLIC),
    ("cp1250", CENTRE),
    ("cp1253", GREEK),
    ("cp1254", TURKISH),
    ("cp1257", BALTIC),
    ("iso8859-2", CENTRE),
    ("iso8859-5", CYRILLIC),
    ("iso8859-7", GREEK),
    ("koi8-r", (RUSSIAN,)),
    ("koi8-u", (UKRAINIAN,)),
    ("mac-roman", WEST),
    ("mac-cyrillic", CYRILLIC),
    ("cp850", WEST),
    ("cp852", CENTRE),
    ("cp866", CYRILLIC),
    ("cp1255", HEBREW),
    ("cp1256", ARABIC),
    ("cp874", THAI),
)
CASELESS = frozenset(("cp1255", "cp1256", "cp874"))
ACCENTS = frozenset("άέήίόύώ")
VOWELS = frozenset("аеёиіїоуыэюяєў")
COMMON = {  # an encoding of several bytes a character, and the first bytes of its common characters
    "cp949": ((0xB0, 0xC8),),  # the syllables of Korean
    "euc-jp": ((0xA4, 0xA5), (0xB0, 0xCF)),
    "gb18030": ((0xB0, 0xD7),),
    "cp932": ((0x82, 0x83), (0x88, 0x97)),
    "big5": ((0xA4, 0xC6),),
}
SIGNS = "°²³µ·×±§€£№–—‘’“”„«»…\u00a0\u202f、。，；：！？（）「」・ー％"  # of no language
CONTROL = re.compile(r"[\x01-\x08\x0e-\x1f]")


def unpacked(content: bytes, most_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of a file, decompressed if gzipped, at most MAX_UNPACKED_BYTES. Raises UserDataError."""
    if len(content) > most_bytes:
        raise UserDataError(f"The file has {len(content):,} bytes; at most {most_bytes:,} are allowed.")
    if content[:2] == b"\x1f\x8b":
        opened = zlib.decompressobj(31)
        try:
            content = opened.decompress(content, MAX_UNPACKED_BYTES + 1)
        except zlib.error:
            raise UserDataError("The gzip file is broken; upload it again, or the table without gzip.") from None
        if len(content) <= MAX_UNPACKED_BYTES and not opened.eof:
            raise UserDataError("The gzip file is incomplete; upload it again, or the table without gzip.")
        if opened.unused_data:
            raise UserDataError("The gzip file has data after its end; one table per gzip file is allowed.")
    if len(content) > MAX_UNPACKED_BYTES:
        raise UserDataError(f"The file unpacks to more than the {MAX_UNPACKED_BYTES:,} bytes that are allowed.")
    return content


def as_utf8(content: bytes, encoding: str | None = None) -> tuple[bytes, str, list[str]]:
    """The text as UTF-8 without a byte order mark, the encoding of `content`, and notes. Raises UserDataError.

    encoding: None finds it.
    """
    for start, what in OTHER_FORMATS:
        if content.startswith(start):
            raise UserDataError(f"The file is {what}; CSV text is allowed.")
    notes: list[str] = []
    found = encoding or unicode_form(content)
    mark = next((mark for mark, name in MARKS if content.startswith(mark) and found in (None, name, name[:6])), b"")
    content = content.removeprefix(mark)
    if found is None:
        found = _by_letters(content[:SAMPLE_BYTES])
        if CONTROL.search(content[:SAMPLE_BYTES].decode("latin-1").rstrip("\x1a")) or b"\0" in content:
            found = None
        elif found and content:
            notes.append(f"The text was read as {found}, the encoding that makes words of its letters.")
    if found is None:
        raise UserDataError("The file is not plain text; CSV in UTF-8, UTF-16 or an encoding of Windows is allowed.")
    body = _recoded(content, found, notes)
    sample = body[:SAMPLE_BYTES].decode("utf-8", "ignore").rstrip("\x1a")
    if b"\0" in body or len(CONTROL.findall(sample)) > max(3, len(sample) / 500):
        raise UserDataError("The file is not plain text; CSV in UTF-8, UTF-16 or an encoding of Windows is allowed.")
    return body.rstrip(b"\x1a"), found, notes


def unicode_form(content: bytes) -> str | None:
    """UTF-8 or another form of Unicode, or None."""
    for mark, name in MARKS:
        if content.startswith(mark):
            return name
    head = content[:1000]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if even + odd > len(head) / 4:
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        text = content[:SAMPLE_BYTES].decode("utf-8", "replace")
        good = sum(c > "\x7f" for c in text) - (bad := text.count("\ufffd"))
        return "utf-8" if good > 9 * max(1, bad) else None
    return "utf-8"


def _recoded(content: bytes, encoding: str, notes: list[str]) -> bytes:
    if encoding == "utf-8":
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            text = content.decode("utf-8", "replace")
            notes.append(f"{text.count(chr(0xFFFD)):,} places are not UTF-8; they are shown as \ufffd.")
            return text.encode()
        return content
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode(encoding, "replace")
        if text.count("\ufffd") > len(text) / 50:
            raise UserDataError(f"The file is not plain text in {encoding}; choose another encoding.") from None
        notes.append(f"{text.count(chr(0xFFFD)):,} places are not {encoding}; they are shown as \ufffd.")
    except LookupError:
        raise UserDataError(f"There is no encoding {encoding[:40]}; utf-8, cp1252 or gb18030 are allowed.") from None
    return text.encode("utf-8", "replace")


def _by_letters(sample: bytes) -> str | None:
    """The encoding in which the bytes beyond ASCII are letters of one language, or None."""
    lines = re.findall(rb"[^\n]*[\x80-\xff][^\n]*", sample)
    piece = b"\n".join(lines)[:20_000]  # whole lines, except perhaps the last
    piece = piece[: piece.rfind(b"\n") + 1] or piece
    scores = {name: _share_common(piece, name, firsts) for name, firsts in COMMON.items()}
    scores |= {name: _share_letters(piece, name, languages) for name, languages in LETTERS}
    best = max(scores, key=scores.__getitem__)  # the first of equals
    if scores[best] > 0.5:
        return best
    for encoding in ("cp1252", "latin-1"):  # signs only, or letters of several languages
        try:
            piece.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return None


def _share_common(piece: bytes, encoding: str, firsts: tuple[tuple[int, int], ...]) -> float:
    """The share of common characters among those beyond ASCII; 0 if the bytes are not of this encoding."""
    try:
        text = piece.decode(encoding)
    except UnicodeDecodeError:
        return 0.0
    beyond = [c for c in text if c > "\x7f" and c not in SIGNS]
    if not beyond:
        return 0.0
    kana = sum("\u3040" <= c <= "\u30ff" for c in beyond)
    if encoding not in ("cp932", "euc-jp") and kana > len(beyond) / 20:
        return 0.0  # other encodings have the letters of Japanese, too
    common = 0
    for c in beyond:
        code = c.encode(encoding)
        full = code[-1] >= 0xA1 or encoding in ("cp932", "big5")  # others keep their rare characters below
        common += len(code) == 2 and full and any(low <= code[0] <= high for low, high in firsts)
    share = common / len(beyond)
    if encoding == "euc-jp" and not kana:
        share *= 0.9  # Chinese, more likely
    if encoding == "cp949" and share < 1:
        share *= 0.8  # Chinese, or Korean with Chinese characters
    return share


def _share_letters(piece: bytes, encoding: str, languages: tuple[str, ...]) -> float:
    """The largest share of letters of one language among the characters beyond ASCII."""
    try:
        text = piece.decode(encoding)
    except UnicodeDecodeError:
        return 0.0
    places = [i for i, c in enumerate(text) if c > "\x7f" and c not in SIGNS]
    if not places:
        return 0.0
    worth: dict[str, float] = {}  # of each letter, over its places
    for i in places:
        c, before = text[i], text[i - 1 : i]
        after = text[i + 1 : i + 2]
        good = 1.0
        if c.isupper() and before.islower():
            good = 0.0  # no word has a capital after a small letter
        elif c.isupper():
            good = 0.9
        if not (c.isalpha() or "\u0e00" < c < "\u0e7f"):
            good = 0.0
        elif not _latin(c) and any(d.isascii() and d.isalpha() for d in (before, after)):
            good = 0.0  # no word has letters of two scripts
        elif _latin(c) and before > "\x7f" < after and before.isalpha() and after.isalpha():
            good /= 2  # accents are rare, three in a row more so
        worth[c] = worth.get(c, 0.0) + good
    best = max(
        sum(value for c, value in worth.items() if c.lower() in letters or c in letters) for letters in languages
    )
    share = best / len(places)
    if encoding in CASELESS:
        return 0.85 * share  # nothing contradicts
    if languages is GREEK and text != text.upper() and ACCENTS.isdisjoint(text):
        return 0.8 * share  # Hebrew, more likely
    return share * _share_with_vowels(text) if any(map(_cyrillic, worth)) else share


def _share_with_vowels(text: str) -> float:
    """The share of words in Cyrillic letters that have a vowel; Hebrew, read so, often has none."""
    words = [word for word in re.findall(r"\w{2,}", text.lower()) if all(map(_cyrillic, word))]
    return sum(not VOWELS.isdisjoint(word) for word in words) / len(words) if words else 1.0


def _cyrillic(c: str) -> bool:
    return "\u0400" <= c <= "\u052f"


def _latin(c: str) -> bool:
    return c < "\u0370"
