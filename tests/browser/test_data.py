"""The Data page: uploaded tables and images, and downloads from a mirror on loopback."""

from __future__ import annotations

import csv
import gzip
import io
import re
import struct
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import numpy as np
import pytest
from PIL import Image

from data.files.table_roles import GAP_RULES
from data.sources import download
from lab.experiment.experiment import Experiment
from lab.training.build import build
from tests.browser.controls import own_controls
from tests.browser.playground import Playground
from tests.loopback import serving

pytestmark = pytest.mark.browser


SECTIONS = {"Well-known sets", "Your table", "Your images"}
UPLOAD = {"file upload", "Train on it"}
TABLE = {
    *("Target column", "Classes", "Numbers", "Input columns", "Missing values"),
    *("Line with the column names", "Encoding", "Separator", "Decimal mark", "Thousands mark", "Read as numbers"),
    *("Read as words", "Missing values are written as", "Clear value", "Remove flowers.csv"),
}
DOWNLOADS = re.compile(r"(Download|Train on) (MNIST|Fashion-MNIST|.*Kaggle.*)( \(\d+ MB\))?")  # below


def flowers(rows: int = 120) -> bytes:
    """A table with missing numbers, words, a remark per row, semicolons, decimal commas and hostile class names."""
    draw = np.random.default_rng(1)
    lines = ["length;colour;remark;species"]
    for i in range(rows):
        length = "" if i % 10 == 0 else f"{draw.normal(i % 3, 0.3):.2f}".replace(".", ",")
        species = ("=setosa", "<img src=x onerror=alert(1)>", "[x](http://e)")[i % 3]
        lines.append(f"{length};{'red' if i % 2 else 'green'};note {i};{species}")
    return "\n".join(lines).encode("cp1252")


def shapes() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for i in range(60):
            pixels = np.full((20, 30), 255, dtype=np.uint8)
            pixels[slice(4, 16) if i % 2 else slice(9, 11), 4 + i % 9 : 16 + i % 9] = i
            picture = io.BytesIO()
            Image.fromarray(pixels).save(picture, "JPEG" if i % 3 else "PNG")
            archive.writestr(f"{('line', 'block')[i % 2]}/{i}.{'jpg' if i % 3 else 'png'}", picture.getvalue())
        archive.writestr("about_[these]_shapes.md", b"# Shapes")
    return file.getvalue()


def squares() -> bytes:
    draw = np.random.default_rng(2)
    lines = ["label," + ",".join(f"pixel{i}" for i in range(36))]
    lines += [f"{i % 4}," + ",".join(map(str, draw.integers(0, 256, 36))) for i in range(80)]
    return gzip.compress("\n".join(lines).encode())


BOXES = {"Your table": "A table in a text file", "Your images": "Images in a zip file"}


def show_section(visitor: Playground, section: str) -> Playground:
    visitor.page.get_by_role("radio", name=section, exact=True).click()
    visitor.page.get_by_text(BOXES[section]).wait_for()
    visitor.page.wait_for_function("document.querySelectorAll('input[type=file]').length === 1")
    visitor.settle()
    return visitor


def unfold_reading(visitor: Playground) -> None:
    """Open the section on how a table was read; its movement would close a list."""
    visitor.page.get_by_text("How this file was read").click()
    visitor.page.get_by_role("combobox", name="Encoding").wait_for()
    visitor.page.wait_for_function("() => document.getAnimations().every(each => each.playState !== 'running')")


def train(visitor: Playground, button: str = "Train on it") -> dict[str, str]:
    """Press the button; returns the link fields once the first frame of the new data is shown."""
    visitor.press(button)
    visitor.until("facts.frame > 0 && facts.epoch == 0", 30)
    visitor.page.wait_for_function("() => new URL(location).searchParams.has('dataset')")
    visitor.settle()
    return visitor.link


def test_an_uploaded_table_is_configured_and_trained_on(playground):
    visitor = playground.open_page("Data")
    found = {name for name in own_controls(visitor) if not DOWNLOADS.fullmatch(name)}
    assert found == {*SECTIONS, "Train on Handwritten digits"}
    show_section(visitor, "Your table")
    visitor.upload("flowers.csv", flowers())
    visitor.reads("120 rows and 4 columns, separated by semicolons, in utf-8")
    visitor.reads("Not suggested: remark: it has 120 different values")
    visitor.reads("12 gaps: A missing number becomes the median of the training part")
    assert visitor.page.get_by_role("combobox", name="Target column").input_value() == "species"
    found = own_controls(visitor)
    unfold_reading(visitor)
    names = visitor.page.get_by_role("spinbutton", name="Line with the column names")
    names.fill("0")
    names.press("Enter")
    visitor.reads("121 rows and 4 columns")
    names.fill("")
    names.press("Enter")
    visitor.reads("120 rows and 4 columns")
    visitor.choose("Separator", "tab")
    visitor.reads("The file has one column only")
    visitor.choose("Separator", "semicolon")
    visitor.reads("120 rows and 4 columns")
    visitor.choose("Encoding", "cp1252")
    visitor.reads("separated by semicolons, in cp1252")
    found |= own_controls(visitor)
    as_words = visitor.page.get_by_text("length: it has 90 different values")
    visitor.choose("Decimal mark", "point")
    as_words.wait_for()
    visitor.choose("Decimal mark", "comma")
    as_words.wait_for(state="detached")
    visitor.choose("Read as words", "length")
    as_words.wait_for()
    visitor.page.get_by_role("combobox", name="Read as words").press("Backspace")
    visitor.page.keyboard.press("Escape")
    as_words.wait_for(state="detached")
    visitor.choose("Read as numbers", "remark")
    visitor.reads("remark: 120 cells are no number")
    visitor.page.get_by_role("combobox", name="Read as numbers").press("Backspace")
    visitor.page.keyboard.press("Escape")
    visitor.reads("Not suggested: remark: it has 120 different values")
    missing = visitor.page.get_by_role("textbox", name="Missing values are written as")
    missing.fill("green")
    missing.press("Enter")
    visitor.reads("Counted as missing: green.")
    missing.fill("")
    missing.press("Enter")
    visitor.page.get_by_text("Counted as missing").wait_for(state="detached")
    visitor.choose("Target column", "length")
    visitor.reads("12 rows without a target are left out.")
    assert found | own_controls(visitor) == SECTIONS | UPLOAD | TABLE
    visitor.page.get_by_role("radio", name="Numbers", exact=True, checked=True).wait_for()
    visitor.page.get_by_role("radio", name="Classes", exact=True).click()
    visitor.reads("classes; 2 to 50 are allowed, or predict it as numbers.")
    visitor.choose("Target column", "species")
    visitor.reads("12 gaps: A missing number becomes the median")
    visitor.page.get_by_role("combobox", name="Input columns").press("Backspace")
    visitor.reads("120 rows and 1 input from 1 column are used.")
    visitor.choose("Input columns", "colour")
    visitor.reads("120 rows and 3 inputs from 2 columns are used.")
    visitor.page.keyboard.press("Escape")
    visitor.choose("Missing values", GAP_RULES["drop"].label)
    visitor.reads("12 rows with a gap are left out.")
    visitor.choose("Missing values", GAP_RULES["mark"].label)
    visitor.reads("120 rows and 4 inputs from 2 columns are used.")
    link = train(visitor)
    assert link["dataset"] == "table"
    assert visitor.page.get_by_role("combobox", name="Data set").input_value() == "Your table: flowers.csv"
    visitor.play()
    visitor.until("facts.epoch > 30 && facts.testAccuracy > 0.8", 30)
    visitor.pause()
    visitor.page.get_by_text("‹img src=x onerror=alert(1)›").first.wait_for()
    visitor.go("Data")
    visitor.reads("flowers.csv: 120 examples, 4 inputs")
    visitor.page.get_by_role("radio", name="Well-known sets", exact=True).click()  # the table has such a button, too
    visitor.button("Remove flowers.csv").wait_for(state="detached")
    head, *rows = csv.reader(visitor.download("Download as CSV").decode().splitlines())
    assert head[:4] == ["part", "species", "length", "length (missing)"]
    assert ([row[0] for row in rows].count("train"), len(rows)) == (90, 120)
    assert {row[1][0] for row in rows} == {"'", "<", "["}
    visitor.press("Delete flowers.csv")
    visitor.page.get_by_text("flowers.csv: 120 examples").wait_for(state="detached")
    visitor.settle()
    visitor.go("Playground")
    visitor.linked(dataset="table", own=link["own"])  # the network continues


def test_new_rows_of_a_messy_table_are_predicted(playground):
    visitor = show_section(playground.open_page("Data", "speed=fast"), "Your table")
    lines = ["Survey of May", "", "No;length;color;species"]
    lines += [f"{3 * i};{i % 3 + i / 500:.3f};{('red', 'green')[i % 2]};{'abc'[i % 3]}" for i in range(90)]
    visitor.upload("messy.csv", "\n".join(lines).replace(".", ",").encode())
    visitor.reads("1 line above the table")
    visitor.reads("Not suggested: No: it only identifies the rows")
    train(visitor)
    visitor.play()
    visitor.until("facts.testAccuracy > 0.95 && facts.epoch > 300", 60)
    visitor.pause()
    visitor.go("Save")
    visitor.reads("A CSV file with 2 columns: length, color.")
    new = ["color;length;No;shop", "red;0,125;7;x", "violet;1,125;9;y", ";2,125;11;z"]
    visitor.upload("new.csv", "\n".join(new).encode(), box=1)
    visitor.press("Predict")
    visitor.reads("3 rows, predicted by the network after")
    visitor.reads("color: 1 cell is no word of the training data (“violet”) and a gap.")
    visitor.reads("Gaps are filled as in training: color (2:")
    visitor.reads("Ignored: shop.")
    found = visitor.download("Predictions as CSV").decode().splitlines()
    assert found == ["No,species", "7,a", "9,b", "11,c"]


def test_uploaded_pictures_are_shown_and_trained_on(playground):
    visitor = show_section(playground.open_page("Data"), "Your images")
    visitor.upload("shapes.zip", shapes())
    visitor.reads("60 images of 28 by 28 pixels in 2 classes: block (30), line (30).")
    visitor.reads("1 file is left out: not a picture in PNG, JPEG, GIF, BMP, WebP, TIFF or PPM format (about_[these]_")
    assert own_controls(visitor) == SECTIONS | UPLOAD | {"Pixels per side", "Remove shapes.zip"}
    visitor.slide("Pixels per side", "Home", "ArrowRight")
    visitor.reads("60 images of 12 by 12 pixels")
    visitor.page.get_by_alt_text(
        "Samples as the network gets them. One row per class, from the top: block, line."
    ).wait_for()
    link = train(visitor)
    assert (link["dataset"], link["hidden"]) == ("own_images", "64")
    visitor.play()
    visitor.until("facts.epoch > 20 && facts.testAccuracy > 0.9", 30)
    visitor.pause()
    visitor.go("Data")
    show_section(visitor, "Your table")
    visitor.upload("squares.csv.gz", squares())
    visitor.reads("80 images of 6 by 6 pixels in 4 classes: 0 (20), 1 (20), 2 (20), 3 (20).")
    in_use = {"Download as CSV", "Delete shapes.zip"}
    assert own_controls(visitor) - in_use == SECTIONS | UPLOAD | {"These are images", "Remove squares.csv.gz"}
    visitor.page.get_by_text("These are images").click()
    visitor.reads("80 rows and 37 columns")
    visitor.page.get_by_text("These are images").click()
    visitor.reads("80 images of 6 by 6 pixels")
    assert train(visitor)["own"] != link["own"]
    visitor.go("Data")
    visitor.reads(", 2 of 8 data sets")
    assert train(visitor, "Train on shapes.zip again")["own"] == link["own"]


def tell_columns_apart(visitor: Playground) -> None:
    """Two columns whose names look alike have different names in the menus, and the chosen one is taken."""
    rows = "".join(f"{n},{n % 3},{'xy'[n % 2]}\n" for n in range(20))
    visitor.upload("twins.csv", f"a<b,a‹b,kind\n{rows}".encode())
    visitor.choose("Target column", "a‹b (2)")
    visitor.settle()
    assert visitor.page.get_by_role("combobox", name="Target column").input_value() == "a‹b (2)"
    visitor.press("Remove twins.csv")


def refuse_unusable_files(visitor: Playground) -> None:
    """Files that cannot be read get a sentence each and change nothing."""
    show_section(visitor, "Your table")
    visitor.upload("odd.csv", b"a,b\n1,2\n1,2\n1,2,<b>3</b>\n")
    visitor.reads("has 3 cells and the others 2; all rows need the same number.")
    visitor.press("Remove odd.csv")
    visitor.reads("One row per example, one column with the value to predict.")
    tell_columns_apart(visitor)
    visitor.page.get_by_role("radio", name="Your images", exact=True).click()
    visitor.reads("One folder per class, such as cat/1.png")
    visitor.upload("odd.zip", b"PK\x03\x04")
    visitor.reads("The file is not a valid zip file; a zip file of folders is allowed.")
    visitor.linked(hidden="3")
    visitor.press("Remove odd.zip")


def test_unusable_files_are_refused_and_reading_pictures_can_be_restarted(playground):
    file = io.BytesIO()
    pixels = np.zeros((1200, 1200), np.uint8)
    pixels[:50, :50] = np.random.default_rng(0).integers(0, 256, (50, 50))  # in total more than the usual 5 MB
    Image.fromarray(pixels).save(file, "PNG")
    pack = io.BytesIO()
    with zipfile.ZipFile(pack, "w") as archive:
        for i in range(2000):
            archive.writestr(f"{i % 2}/{i}.png", file.getvalue())
    visitor = playground.open_page("Data", "hidden=3")
    refuse_unusable_files(visitor)
    visitor.upload("many.zip", pack.getvalue())
    progress = visitor.page.get_by_text("of 2,000 images have been read.").first
    progress.wait_for()
    visitor.press("Stop reading")
    visitor.reads("Stopped before all images were read.")
    visitor.press("Read the images")
    progress.wait_for()
    visitor.page.get_by_role("radio", name="Well-known sets", exact=True).click()  # while it reads
    assert train(visitor, "Train on Handwritten digits")["dataset"] == "digits"


# Downloads -----------------------------------------------------------------------------------------------------------


def packed(values: np.ndarray) -> bytes:
    return struct.pack(f">4B{values.ndim}I", 0, 0, 8, values.ndim, *values.shape) + values.astype(np.uint8).tobytes()


@contextmanager
def official_mirror() -> Iterator[tuple[str, threading.Event]]:
    """A mirror that sends wrong bytes of the official size, the second half only once the event is set."""
    half = threading.Event()

    def reply(handler: BaseHTTPRequestHandler) -> None:
        size = next(file.size for file in download.FILES["mnist"] if handler.path.endswith(file.name))
        handler.send_response(200)
        handler.send_header("Content-Length", str(size))
        handler.end_headers()
        handler.wfile.write(bytes(size // 2))
        half.wait(60)
        try:
            handler.wfile.write(bytes(size - size // 2))
        except OSError:
            handler.close_connection = True

    with serving(reply) as address:
        try:
            yield address, half
        finally:
            half.set()


def test_mnist_is_downloaded_checked_and_trained_on(start, visit, tmp_path):
    (tmp_path / "uploads").mkdir()
    with official_mirror() as (address, half):
        server = start(
            BACKPROP_UPLOADS=str(tmp_path / "uploads"),
            BACKPROP_MIRRORS=address,
            NO_PROXY="127.0.0.1",
            XDG_CACHE_HOME=str(tmp_path),
            BACKPROP_DATA=str(tmp_path / "d"),
        )
        visitor = visit(server.url).open_page("Data")
        visitor.press("Download MNIST (12 MB)")
        visitor.reads("4.9 of 11.6 MB downloaded.")  # half of the first file
        visitor.press("Stop downloading MNIST")
        visitor.reads("Stopping after the data that is still being sent.")
        half.set()
        visitor.reads("Stopped. Completed files were kept.")
        visitor.press("Download MNIST (12 MB)")
        visitor.reads("is not the published file: its checksum differs. Nothing was saved.")
        visitor.button("Retry downloading MNIST (12 MB)").wait_for()
        draw, folder = np.random.default_rng(0), tmp_path / "d" / "mnist"
        folder.mkdir(parents=True)
        for part, count in (("train", 200), ("t10k", 50)):
            (folder / f"{part}-images-idx3-ubyte").write_bytes(packed(draw.integers(0, 256, (count, 28, 28))))
            (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(packed(np.arange(count) % 10)))
        visitor.go("Data")
        link = train(visitor, "Train on MNIST")
        assert link["dataset"] == "mnist"
        experiment, _ = Experiment.from_query(link)
        trainer = build(experiment, folder).trainer
        trainer.epoch()
        assert float(visitor.step(1)["trainLoss"]) == trainer.evaluate().train_loss
        assert sum(path.is_dir() for path in (tmp_path / "uploads").iterdir()) == 1  # beside its lock
        visitor.page.goto(f"{server.url}healthz")
        server.stop()
    assert list((tmp_path / "uploads").iterdir()) == []  # uploads are deleted with the server
