"""Tables as people bring them: one small file for each thing that goes wrong, and what is right."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.files.table_files import read_table
from data.files.table_layout import Layout
from data.files.table_report import describe_table
from data.files.table_roles import left_out, propose
from data.files.user_data import UserDataError
from lab.__main__ import main

ROOT = Path(__file__).parents[3]
KINDS = "abc"


def lines(head: str, row: Any, rows: int = 24, *above: str) -> str:
    """A table: lines above, the names, and row(i) for each i."""
    return "\n".join([*above, head, *(row(i) for i in range(rows))]) + "\n"


def number(name: str, *first: float, missing: int = 0) -> dict[str, Any]:
    return {"name": name, "kind": "number", "missing": missing, "first": list(first)}


def words(name: str, *first: str, missing: int = 0) -> dict[str, Any]:
    return {"name": name, "kind": "category", "missing": missing, "first": list(first)}


def grouped(value: float, mark: str) -> str:
    return f"{value:,}".replace(",", mark)


PLAIN = lines("size,kind", lambda i: f"{i / 4},{KINDS[i % 3]}")
SIZES, KIND = number("size", 0, 0.25, 0.5), words("kind", "a", "b", "c")
READ = {  # what the file shows: content, columns, and a word of a note (or nothing)
    "thousands with commas": (
        lines("area\tkind", lambda i: f"{grouped(600 + 300 * i, ',')}\t{KINDS[i % 3]}"),
        [number("area", 600, 900, 1200), KIND], "thousands",
    ),
    "thousands with points": (
        lines("area;kind", lambda i: f"{grouped(600 + 300 * i, '.')};{KINDS[i % 3]}"),
        [number("area", 600, 900, 1200), KIND], "thousands",
    ),
    "decimal commas before three digits": (
        lines("load;kind", lambda i: f"{i},{875 - i};{KINDS[i % 3]}"),
        [number("load", 0.875, 1.874, 2.873), KIND], "comma is the decimal mark",
    ),
    "three decimals everywhere": (
        lines("load,kind", lambda i: f"{12 + i}.125,{KINDS[i % 3]}"),
        [number("load", 12.125, 13.125, 14.125), KIND], "",
    ),
    "both marks": (
        lines("load;kind", lambda i: f"{grouped(900 + 100 * i, '.')},5;{KINDS[i % 3]}"),
        [number("load", 900.5, 1000.5, 1100.5), KIND], "decimal",
    ),
    "currencies, percent and parentheses": (
        lines("price,share,profit,kind", lambda i: f'"$1,{200 + i}.50",{i % 7}%,"(€{i}.25)",{KINDS[i % 3]}'),
        [number("price", 1200.5, 1201.5, 1202.5), number("share", 0, 1, 2), number("profit", -0.25, -1.25, -2.25),
         KIND], "",
    ),
    "blanks in numbers and a typographic minus": (
        lines("rent;kind", lambda i: f"\u22121\u202f2{i:02d},5;{KINDS[i % 3]}"),
        [number("rent", -1200.5, -1201.5, -1202.5), KIND], "decimal",
    ),
    "a sep= line": ("sep=;\r\n" + lines("size;kind", lambda i: f"{i / 4};{KINDS[i % 3]}"), [SIZES, KIND], "separator"),
    "row names of R": (
        lines('"size"\t"kind"', lambda i: f'"{i + 1}"\t{i / 4}\t"{KINDS[i % 3]}"'),
        [{"name": "column 1", "kind": "id", "missing": 0, "first": [1, 2, 3]}, SIZES, KIND], "row names",
    ),
    "a separator at the end of the names": (PLAIN.replace("kind\n", "kind,\n"), [SIZES, KIND], ""),
    "a separator at the end of the rows": (
        lines("size,kind", lambda i: f"{i / 4},{KINDS[i % 3]},"), [SIZES, KIND], "",
    ),
    "a separator at each end": (PLAIN.replace("\n", ",\n"), [SIZES, KIND], ""),
    "a separator at some ends": (
        lines("size;day;kind", lambda i: f"{i / 4};May {i + 1}, 2023;{KINDS[i % 3]}{';' * (i % 2)}"),
        [SIZES, {"name": "day", "kind": "date", "missing": 0, "first": [f"May {i}, 2023" for i in (1, 2, 3)]}, KIND],
        "",
    ),
    "comments above": ("# station 4\n# two sensors\n" + PLAIN, [SIZES, KIND], "# station 4"),
    "a comment with the names": ("# size,kind\n" + PLAIN.partition("\n")[2], [SIZES, KIND], "holds the names"),
    "a title above": ("Survey 2023;;\n;;\n" + lines("size;n;kind", lambda i: f"{i / 4};{i % 5}.5;{KINDS[i % 3]}"),
                      [SIZES, number("n", 0.5, 1.5, 2.5), KIND], "Survey 2023"),
    "units below the names": (PLAIN.replace("kind\n", "kind\ncm,-\n"), [SIZES, KIND], "units"),
    "a total below": (
        lines("units,price,shop", lambda i: f"{i % 7},{i * 1.5},{'ns'[i % 2]}") + "Total,414,\n",
        [number("units", 0, 1, 2), number("price", 0, 1.5, 3), words("shop", "n", "s", "n")], "Total",
    ),
    "a remark below": (
        lines("units,price,shop", lambda i: f"{i % 7},{i * 1.5},{'ns'[i % 2]}") + "Source: the shops,,\n",
        [number("units", 0, 1, 2), number("price", 0, 1.5, 3), words("shop", "n", "s", "n")], "Source: the shops",
    ),
    "a word among numbers": (
        lines("size,kind", lambda i: f"{'broken' if i == 9 else i / 4},{KINDS[i % 3]}", 60),
        [number("size", 0, 0.25, 0.5, missing=1), KIND], "broken",
    ),
    "None among words": (
        lines("size,kind", lambda i: f"{i / 4},{('None', 'NA', 'x')[i % 3]}"),
        [SIZES, words("kind", "None", "NA", "x")], "",
    ),
    "NA and ? among numbers, ? among words": (
        lines("size,kind", lambda i: ",".join([f"{i / 4}" if i % 8 < 7 else ("NA", "?", "")[i // 8],
                                               KINDS[i % 3] if i != 5 else "?"])),
        [number("size", 0, 0.25, 0.5, missing=3), words("kind", "a", "b", "c", missing=1)], "",
    ),
    "numbers as names": (
        lines("0,1,2,target", lambda i: f"{i / 7:.3f},{-i * 1.7:.2f},{i % 5}.5,{i % 2}"),
        [number("0", 0, 0.143, 0.286), number("1", 0, -1.7, -3.4), number("2", 0.5, 1.5, 2.5),
         number("target", 0, 1, 0)], "",
    ),
    "years as names": (
        lines("land,2018,2019,2020", lambda i: f"{KINDS[i % 3]},{i * 1.3:.1f},{i * 7 % 5},{i * 3 % 7}"),
        [words("land", "a", "b", "c"), number("2018", 0, 1.3, 2.6), number("2019", 0, 2, 4),
         number("2020", 0, 3, 6)], "",
    ),
    "blanks after commas": (
        lines('size, "town", kind', lambda i: f'{i / 4}, "Ash, {"NS"[i % 2]}", {KINDS[i % 3]}'),
        [SIZES, words("town", "Ash, N", "Ash, S", "Ash, N"), KIND], "",
    ),
    "names with quotes, and one twice": (
        lines('"a, b","a ""big"" one",n,n,kind', lambda i: f"{i / 4},{i % 5}.5,{i % 4}.5,{i % 3}.5,{KINDS[i % 3]}"),
        [number("a, b", 0, 0.25, 0.5), number('a "big" one', 0.5, 1.5, 2.5), number("n", 0.5, 1.5, 2.5),
         number("n (2)", 0.5, 1.5, 2.5), KIND], "",
    ),
    "columns by runs of blanks": (
        lines("12.5   4  ?     1\t\"a  b\"", lambda i: f"{i}.5    {i % 3}   {i * 9}.    2\t\"a  {i % 2}\""),
        [number("column 1", 12.5, 0.5, 1.5), number("column 2", 4, 0, 1), number("column 3", 0, 9, 18, missing=1),
         number("column 4", 1, 2, 2), words("column 5", "a  b", "a  0", "a  1")], "",
    ),
    "no names": (PLAIN.partition("\n")[2], [number("column 1", 0, 0.25, 0.5), words("column 2", "a", "b", "c")], ""),
    "line breaks in quotes": (
        lines("size,kind", lambda i: f'{i / 4},"{KINDS[i % 3]}\n""x"""'),
        [SIZES, words("kind", *(f'{c}\n"x"' for c in KINDS))], "",
    ),
    "each line end twice": (PLAIN.replace("\n", "\r\r\n"), [SIZES, KIND], ""),
    "names again": (PLAIN + "size,kind\n1,a\n", [SIZES, KIND], "names again"),
    "single quotes": (
        lines("'size','kind'", lambda i: f"{i / 4},'{KINDS[i % 3]},'"), [SIZES, words("kind", "a,", "b,", "c,")], "",
    ),
    "backslashes before quotes": (
        lines("size,kind", lambda i: f'{i / 4},"{KINDS[i % 3]} \\"x\\", y"'),
        [SIZES, words("kind", *(f'{c} "x", y' for c in KINDS))], "",
    ),
    "labels like markup, formulas and long ones": (
        lines("size,kind", lambda i: f"{i / 4},{('<=50K', '-a', 'x' * 60)[i % 3]}"),
        [SIZES, words("kind", "<=50K", "-a", "x" * 60)], "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_a_table_is_read_as_it_was_meant(name):
    content, columns, note = READ[name]
    found = describe_table(content.encode(), "x.csv")
    assert found["columns"] == columns
    assert not note or any(note in sentence for sentence in found["notes"])


ENCODED = {
    "cp1252": ("Größe;Straße", ("Bäckergasse", "Am Hügel")),
    "cp1250": ("výška;město", ("Plzeň", "Děčín")),
    "cp1251": ("рост;вид", ("кошка", "собака")),
    "koi8-r": ("рост;вид", ("кошка", "собака")),
    "koi8-u": ("Висота;Місто", ("Київ", "Львів")),
    "cp1253": ("ύψος;είδος", ("γάτα", "σκύλος")),
    "cp1255": ("גובה;עיר", ("ירושלים", "תל אביב")),
    "cp1256": ("الارتفاع;المدينة", ("القاهرة", "الرياض")),
    "cp874": ("ความสูง;เมือง", ("เชียงใหม่", "ภูเก็ต")),
    "cp1254": ("yükseklik;şehir", ("Iğdır", "Muş")),
    "mac-roman": ("Größe;Straße", ("Bäckergasse", "Am Hügel")),
    "cp850": ("Größe;Straße", ("Bäckergasse", "Am Hügel")),
    "cp932": ("高さ;種類", ("いぬ", "ねこ")),
    "euc-jp": ("高さ;種類", ("いぬ", "ねこ")),
    "gb18030": ("高度;种类", ("小猫", "小狗")),
    "big5": ("高度;種類", ("小貓", "小狗")),
    "cp949": ("높이;종류", ("고양이", "강아지")),
    "utf-8": ("高さ;Größe", ("кошка", "süß")),
    "utf-8-sig": ("высота;Größe", ("кошка", "süß")),
    "utf-16": ("高さ;Größe", ("кошка", "süß")),
    "utf-16-be": ("size;Größe", ("groß", "süß")),
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_letters_of_an_encoding_are_recognized(encoding):
    head, labels = ENCODED[encoding]
    table = read_table(lines(head, lambda i: f"{i / 4};{labels[i % 2]}").encode(encoding))
    assert table.names == head.split(";")
    assert set(table.columns[1].categories) == set(labels)


def test_damaged_utf_8_stays_utf_8():
    content = (
        lines("größe,straße", lambda i: f"{i / 4},{('süß', 'bäh')[i % 2]}").encode().replace(b"\xc3\xa4", b"\xe4", 1)
    )
    table = read_table(content)
    assert (table.names, table.layout.encoding) == (["größe", "straße"], "utf-8")
    assert any("not UTF-8" in note for note in table.notes)


REFUSED = {
    "empty": (b"", "empty"),
    "names only": (b"weight,height,kind\n", "no rows"),
    "one column": (b"weight\n" + b"1.5\n" * 20, "one column"),
    "no text": (bytes(range(256)) * 9, "not plain text"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_is_refused_in_one_sentence(name, tmp_path, capsys):
    content, word = REFUSED[name]
    (tmp_path / "x.csv").write_bytes(content)
    assert main(["table", str(tmp_path / "x.csv"), "--json"]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert word in err
    assert err.endswith(".\n")
    assert err.count("\n") == 1


# Proposals ------------------------------------------------------------------------------------------------------------

PROPOSED = {  # head, row, target, features
    "ids in any order": ("id,a,kind", lambda i: f"{i * 7919 % 99991},{i % 5}.5,{KINDS[i % 3]}", "kind", ["a"]),
    "shuffled row numbers": (",a,kind", lambda i: f"{i * 7 % 24},{i % 5}.5,{KINDS[i % 3]}", "kind", ["a"]),
    "row numbers with gaps": ("n,a,kind", lambda i: f"{i + i // 4},{i % 5}.5,{KINDS[i % 3]}", "kind", ["a"]),
    "constant, empty and names": (
        "land,remark,name,a,kind", lambda i: f"N,,person {i},{i % 5}.5,{KINDS[i % 3]}", "kind", ["a"],
    ),
    "a copy of the target": ("code,a,kind", lambda i: f"{i % 3},{i % 5}.5,{KINDS[i % 3]}", "kind", ["a"]),
    "x and y beside a label": ("x,label,y", lambda i: f"{i % 5}.5,{KINDS[i % 3]},{i % 7}.5", "label", ["x", "y"]),
    "label before class": (
        "class,label,a", lambda i: f"{KINDS[i % 3]},{'ab'[i % 2]},{i % 5}.5", "label", ["class", "a"],
    ),
    "an unusable last column": ("a,kind,remark", lambda i: f"{i % 5}.5,{KINDS[i % 3]},", "kind", ["a"]),
}  # fmt: skip


@pytest.mark.parametrize("name", PROPOSED)
def test_only_informative_columns_are_proposed(name):
    head, row, target, features = PROPOSED[name]
    table = read_table(lines(head, row).encode())
    choices = propose(table)
    assert (choices.target, list(choices.features)) == (target, features)
    assert set(left_out(table, target)) == set(table.names) - {target, *features}


def test_the_proposal_is_the_same_in_every_process(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(lines("x,y,class,target,label", lambda i: f"{i % 5}.5,{i % 7},{i % 2},{i % 3},{KINDS[i % 3]}"))
    found = set()
    for seed in "123":
        done = subprocess.run([sys.executable, "-m", "lab", "table", str(path), "--json"], cwd=ROOT, text=True,
                              env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True)  # fmt: skip
        found.add(done.stdout)
    assert len(found) == 1
    assert json.loads(found.pop())["target"] == "label"


def test_numbers_as_classes_keep_their_spelling():
    content = lines("a,class", lambda i: f"{i % 5}.5,{'' if i == 7 else f'{i % 3}.0'}")
    found = describe_table(content.encode(), "x.csv")
    assert found["classes"] == ["0.0", "1.0", "2.0"]
    assert "1 row without a target is left out." in found["notes"]


def test_pixels_numbered_by_pandas_are_pictures():
    names = ["0", *(f"0.{i}" for i in range(1, 37))]
    content = lines(",".join(names), lambda i: ",".join([str(i % 3), *(str((i * j) % 256) for j in range(36))]))
    found = describe_table(content.encode(), "x.csv")
    assert (found["image_shape"], found["rows"], found["classes"]) == ([6, 6], 24, ["0", "1", "2"])
    assert (found["target"], found["features"]) == ("0", names[1:])


def test_a_target_with_one_class_is_said():
    found = describe_table(lines("a,state", lambda i: f"{i % 5}.5,ok").encode(), "x.csv", "state")
    assert any("state has one class only" in note for note in found["notes"])


# Overruling -----------------------------------------------------------------------------------------------------------


def test_every_decision_can_be_overruled():
    text = "title\nsize;kind\n" + "".join(f"1,{i:03d};{'NA' if i == 4 else i % 2}\n" for i in range(24))
    assert read_table(text.encode(), Layout(decimal=".", thousands=",")).columns[0].first(2) == [1000, 1001]
    assert read_table(text.encode(), Layout(decimal=",")).columns[0].first(2) == [1, 1.001]
    assert read_table(text.encode(), Layout(header=0)).header is False
    table = read_table(text.encode(), Layout(kinds=(("kind", "category"),), missing=("0",)))
    assert (table.columns[1].categories, int(table.columns[1].gaps.sum())) == (("1", "NA"), 11)
    assert read_table(text.encode("utf-16-le"), Layout(encoding="utf-16-le")).names == ["size", "kind"]
    with pytest.raises(UserDataError, match="no encoding klingon"):
        read_table(text.encode(), Layout(encoding="klingon"))


@pytest.mark.parametrize("separator", ["\t", " ", ","])
def test_a_quote_escaped_by_a_backslash_is_a_quote(separator):
    rows = [f'"{i}"{separator}{i / 4}{separator}"say \\"{KINDS[i % 3]}\\" now"' for i in range(12)]
    table = read_table("\n".join([f'"size"{separator}"the \\"kind\\" of it"', *rows]).encode())
    assert (table.names[1:], table.columns[2].categories[0]) == (["size", 'the "kind" of it'], 'say "a" now')


def test_a_backslash_before_the_end_of_a_cell_stays():
    rows = [f'"C:\\data\\","say ""{KINDS[i % 3]}""",{i / 4}' for i in range(12)]
    table = read_table("\n".join(['"path","kind","size"', *rows]).encode())
    assert (table.columns[0].categories, table.columns[1].first(1)) == (("C:\\data\\",), ['say "a"'])


def test_an_overruled_mark_decides_the_other_and_its_sentence():
    text = "area;kind\n" + "1.168;a\n745;b\n" * 10
    for layout, first, said in (
        (Layout(), 1168, True),
        (Layout(thousands="."), 1168, False),
        (Layout(thousands=""), 1.168, False),
        (Layout(decimal="."), 1.168, False),
    ):
        table = read_table(text.encode(), layout)
        assert table.columns[0].first(1) == [first], layout
        assert any("thousands" in note for note in table.notes) == said, layout
    with pytest.raises(UserDataError, match="two different ones are allowed"):
        read_table(text.encode(), Layout(decimal=",", thousands=","))


# Any table ------------------------------------------------------------------------------------------------------------

SYLLABLES = {  # of an encoding: letters as they follow each other in words
    "ascii": ["an", "be", "cu", "x", "y"],
    "cp1252": ["an", "bär", "cö", "dü", "maß"],
    "cp1251": ["аб", "ве", "гид", "же", "ка"],
    "shift_jis": ["か", "な", "カナ", "名前"],
    "utf-8": ["an", "bär", "яго", "高"],
    "utf-16": ["an", "bär", "яго", "高"],
    "utf-8-sig": ["an", "bär", "яго", "高"],
}
SIGNS_IN_WORDS = " .,;|/:()<>&%$#*+-=_\"'"
LINE_ENDS = ["\n", "\r\n", "\r"]


@st.composite
def tables(draw) -> tuple[str, pd.DataFrame]:
    """An encoding, and a table whose names and words can be written in it: columns of numbers and of words, a label."""
    encoding = draw(st.sampled_from(sorted(SYLLABLES)))
    word = st.lists(st.sampled_from(SYLLABLES[encoding]), min_size=2, max_size=5).map("".join)
    phrase = st.builds("{}{}{}".format, word, st.text(SIGNS_IN_WORDS, max_size=3), word)
    rows = draw(st.integers(12, 30))
    names = draw(st.lists(phrase.map("{} name".format), min_size=3, max_size=6, unique=True))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frame: dict[str, Any] = {}
    for name in names[:-1]:
        kind = draw(st.sampled_from(["measured", "measured", "counted", "words"]))
        if kind == "measured":
            frame[name] = rng.normal(0, 10 ** rng.uniform(-3, 6), rows)
        elif kind == "counted":  # above and below a thousand: what groups its digits can be told from a decimal mark
            frame[name] = np.concatenate([[7, 1234], rng.integers(-999, 10 ** rng.integers(4, 8), rows - 2)])
            frame[name] = frame[name].astype(float)
        else:
            kinds = draw(st.lists(phrase, min_size=2, max_size=4, unique=True))
            frame[name] = [kinds[i % len(kinds)] for i in rng.integers(0, 12, rows)]
    labels = draw(st.lists(phrase, min_size=2, max_size=4, unique=True))
    frame[names[0]] = rng.normal(0, 1, rows)  # names stand above at least one column of numbers
    frame[names[-1]] = [labels[i % len(labels)] for i in range(rows)]
    table = pd.DataFrame(frame)
    gaps = rng.uniform(size=(rows, len(names) - 1)) < draw(st.sampled_from([0, 0.2]))
    gaps[:2] = False
    for i, name in enumerate(names[:-1]):
        table[name] = table[name].mask(gaps[:, i])
    return encoding, table


def joined(rows: list[list[str]], separator: str, end: str, quote_all: bool = False) -> str:
    """Lines of cells, quoted where needed."""
    text = io.StringIO()
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    csv.writer(text, delimiter=separator, lineterminator=end, quoting=quoting).writerows(rows)
    return text.getvalue()


@st.composite
def written_by_pandas(draw) -> tuple[bytes, pd.DataFrame]:
    encoding, table = draw(tables())
    separator, decimal = draw(
        st.sampled_from([(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ","), ("|", ".")])
    )
    text = io.StringIO()
    table.to_csv(text, sep=separator, decimal=decimal, index=False, na_rep=draw(st.sampled_from(["", "nan"])),
                 quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])),
                 float_format="%.10g", lineterminator=draw(st.sampled_from(LINE_ENDS)))  # fmt: skip
    return text.getvalue().encode(encoding), table


@st.composite
def written_like_r(draw) -> tuple[bytes, pd.DataFrame]:
    """Words in quotes, gaps as NA, the names of the rows first: under no name, or under an empty one."""
    encoding, table = draw(tables())
    table = table.dropna(subset=[name for name in table if table[name].dtype.kind not in "fi"])
    separator, decimal = draw(st.sampled_from([(" ", "."), ("\t", "."), (",", "."), (";", ",")]))
    row_names = draw(st.sampled_from(["none", "shifted", "empty"]))
    doubled = draw(st.booleans())

    def cell(value: Any) -> str:
        if isinstance(value, str):
            return '"' + value.replace('"', '""' if doubled else '\\"') + '"'
        return "NA" if math.isnan(value) else f"{value:.10g}".replace(".", decimal)

    first = {"none": [], "shifted": [], "empty": ['""']}[row_names]
    lines = [[*first, *map(cell, table.columns)]]
    for i, row in enumerate(table.itertuples(index=False), 1):
        lines.append([*([] if row_names == "none" else [f'"{i}"']), *map(cell, row)])
    end = draw(st.sampled_from(LINE_ENDS[:2]))
    return (end.join(separator.join(line) for line in lines) + end).encode(encoding), table


@st.composite
def written_like_a_spreadsheet(draw) -> tuple[bytes, pd.DataFrame]:
    """Cells as they are shown: two digits behind the decimal mark, thousands apart, in the spelling of a country."""
    encoding, table = draw(tables())
    table = table.round(2)
    separator, decimal, group = draw(
        st.sampled_from([(",", ".", ""), (",", ".", ","), (";", ",", "."), (";", ",", ""), ("\t", ",", "."),
                         ("\t", ".", ","), (";", ",", " "), (";", ".", "'")])
    )  # fmt: skip
    marks = str.maketrans({",": group, ".": decimal})
    before, after, currency = draw(st.sampled_from([("-", "", ""), ("(", ")", ""), ("-", "", "$")]))

    def cell(value: Any) -> str:
        if isinstance(value, str):
            return value
        if math.isnan(value):
            return ""
        shown = f"{abs(value):,.0f}" if value == round(value) else f"{abs(value):,.2f}"
        shown = currency + shown.translate(marks)
        return f"{before}{shown}{after}" if value < 0 else shown

    lines = [list(table.columns), *([cell(value) for value in row] for row in table.itertuples(index=False))]
    if draw(st.booleans()):  # a column that was emptied
        lines = [[*line, ""] for line in lines]
    text = joined(lines, separator, draw(st.sampled_from(LINE_ENDS)), quote_all=draw(st.booleans()))
    if draw(st.booleans()):
        text = f"sep={separator}{LINE_ENDS[1]}" + text
    return text.encode(encoding), table


@pytest.mark.parametrize("writer", [written_by_pandas, written_like_r, written_like_a_spreadsheet])
def test_any_written_table_comes_back_as_it_was(writer):
    @given(writer())
    @settings(max_examples=40)
    def comes_back(pair):
        content, frame = pair
        table = read_table(content)
        columns = table.columns[len(table.columns) - frame.shape[1] :]  # behind the names of the rows
        assert [column.name for column in columns] == list(frame.columns)
        for column, values in zip(columns, (frame[name] for name in frame), strict=True):
            if values.dtype.kind in "fi":
                np.testing.assert_allclose(column.values, values, rtol=1e-9)
            else:
                words = [None if code < 0 else column.categories[code] for code in column.values]
                assert words == [None if pd.isna(value) else value for value in values]

    comes_back()


# The command line -----------------------------------------------------------------------------------------------------


def test_training_names_its_target_in_full_and_says_how_it_read(tmp_path, capsys):
    question = "Would you recommend this course to a friend or a <colleague>?"
    path = tmp_path / "x.csv"
    path.write_text("Survey 2023,,\n" + lines(f'hours,"{question}",id', lambda i: f"{i % 7}.5,{i % 7 > 3},{i}"))
    assert main(["run", "epochs=1", "--table", str(path), "--target", question, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["epochs"] == 1
    assert "Survey 2023" in err
    assert "id is not proposed as an input: it numbers the rows." in err


def test_a_table_is_described_for_people_too(tmp_path, capsys):
    path = tmp_path / "x.csv"
    path.write_text(PLAIN)
    assert main(["table", str(path)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("24 rows and 2 columns with names, separated by commas, in utf-8\n")
    assert "target kind (classification), inputs size" in out
    assert main(["table", str(path), "--target", "nope"]) == 2
    assert "There is no column nope; the columns are size, kind." in capsys.readouterr().err


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_a_damaged_table_is_read_or_refused(seed):
    rng = np.random.default_rng(seed)
    row = lambda i: f'{i},"P{i}, ""Nick""",{i % 7}.5,{KINDS[i % 3]},,{"x" if i % 4 else ""},'  # noqa: E731
    content = np.frombuffer(lines("id,name,age,kind,none,cabin,", row).encode(), np.uint8)[
        : rng.integers(20, 900)
    ].copy()
    places = rng.integers(0, len(content), rng.integers(1, 30))
    content[places] = rng.choice(np.frombuffer(b'",;\t\n\r# -', np.uint8), len(places))
    with contextlib.suppress(UserDataError):  # no other exception
        assert describe_table(content.tobytes(), "x.csv")["rows"] >= 1
