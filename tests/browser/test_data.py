"""The page Data in a browser: files are uploaded and trained on; a mirror on loopback plays the internet."""

from __future__ import annotations

import csv
import gzip
import io
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
from tests.browser.playground import Playground
from tests.loopback import serving

pytestmark = pytest.mark.browser


def flowers(rows: int = 120) -> bytes:
    """A number with gaps, words, a remark for each row; semicolons, decimal commas and names that mean mischief."""
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
    return file.getvalue()


def squares() -> bytes:
    draw = np.random.default_rng(2)
    lines = ["label," + ",".join(f"pixel{i}" for i in range(36))]
    lines += [f"{i % 4}," + ",".join(map(str, draw.integers(0, 256, 36))) for i in range(80)]
    return gzip.compress("\n".join(lines).encode())


BOXES = {"Your table": "A table in a text file", "Your images": "Images in a zip file"}


def open_data(visitor: Playground, section: str = "") -> Playground:
    return turn_to(visitor.come("Data"), section)


def go_to_data(visitor: Playground, section: str = "") -> Playground:
    visitor.go("Data")
    visitor.page.get_by_role("heading", name="Data", exact=True).wait_for()
    visitor.settle()
    return turn_to(visitor, section)


def turn_to(visitor: Playground, section: str) -> Playground:
    if section:
        visitor.page.get_by_role("radio", name=section, exact=True).click()
        visitor.page.get_by_text(BOXES[section]).wait_for()
        visitor.page.wait_for_function("document.querySelectorAll('input[type=file]').length === 1")
        visitor.settle()
    return visitor


def upload(visitor: Playground, name: str, content: bytes) -> None:
    visitor.page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )


def says(visitor: Playground, text: str) -> None:
    """Wait until the page holds this text, and nothing that is about to go."""
    visitor.page.get_by_text(text).first.wait_for()
    visitor.settle()


def train(visitor: Playground, button: str = "Train on it") -> dict[str, str]:
    """Press it; the fields of the link when the first frame of the new data is there."""
    visitor.press(button)
    visitor.until("facts.frame > 0 && facts.epoch == 0", 30)
    visitor.page.wait_for_function("() => new URL(location).searchParams.has('dataset')")
    visitor.settle()
    return visitor.link


def test_an_own_table_is_understood_changed_trained_on_downloaded_and_forgotten(playground, tmp_path):
    visitor = open_data(playground, "Your table")
    upload(visitor, "flowers.csv", flowers())
    says(visitor, "120 rows and 4 columns, separated by semicolons, in utf-8")
    says(visitor, "Not suggested: remark: it has 120 different words")
    says(visitor, "12 gaps: A missing number becomes the median of the training part")
    assert visitor.page.get_by_role("combobox", name="Target column").input_value() == "species"
    visitor.tick("The first row contains column names")
    says(visitor, "121 rows and 4 columns")
    visitor.tick("The first row contains column names")
    says(visitor, "120 rows and 4 columns")
    visitor.choose("Target column", "length")
    says(visitor, "12 rows without a target are left out.")
    visitor.page.get_by_role("radio", name="Numbers", exact=True, checked=True).wait_for()
    visitor.page.get_by_role("radio", name="Classes", exact=True).click()
    says(visitor, "classes; 2 to 50 are allowed, or predict it as numbers.")
    visitor.choose("Target column", "species")
    says(visitor, "12 gaps: A missing number becomes the median")
    visitor.page.get_by_role("combobox", name="Input columns").press("Backspace")
    says(visitor, "120 rows and 1 inputs from 1 column are used.")
    visitor.choose("Input columns", "colour")
    says(visitor, "120 rows and 3 inputs from 2 columns are used.")
    visitor.page.keyboard.press("Escape")
    visitor.choose("Missing values", GAP_RULES["drop"].label)
    says(visitor, "12 rows with a gap are left out.")
    visitor.choose("Missing values", GAP_RULES["mark"].label)
    says(visitor, "120 rows and 4 inputs from 2 columns are used.")
    link = train(visitor)
    assert link["dataset"] == "table"
    assert visitor.page.get_by_role("combobox", name="Data set").input_value() == "Your table: flowers.csv"
    visitor.play()
    visitor.until("facts.epoch > 30 && facts.testAccuracy > 0.8", 30)
    visitor.pause()
    visitor.page.get_by_text("‹img src=x onerror=alert(1)›").first.wait_for()
    go_to_data(visitor)
    says(visitor, "flowers.csv: 120 examples, 4 inputs")
    with visitor.page.expect_download() as arriving:
        visitor.press("Download as CSV")
    arriving.value.save_as(tmp_path / "data.csv")
    head, *rows = csv.reader((tmp_path / "data.csv").read_text(encoding="utf-8").splitlines())
    assert head[:4] == ["part", "species", "length", "length (missing)"]
    assert ([row[0] for row in rows].count("train"), len(rows)) == (90, 120)
    assert {row[1][0] for row in rows} == {"'", "‹", "["}
    visitor.press("Delete flowers.csv")
    visitor.page.get_by_text("flowers.csv: 120 examples").wait_for(state="detached")
    visitor.settle()
    visitor.go("Playground")
    visitor.until("facts.frame > 0")
    visitor.linked(dataset=None, own=None)


def test_own_pictures_and_pictures_in_a_table_are_shown_and_trained_on(playground):
    visitor = open_data(playground, "Your images")
    upload(visitor, "shapes.zip", shapes())
    says(visitor, "60 images of 28 by 28 pixels in 2 classes: block (30), line (30).")
    visitor.slide("Pixels per side", "Home", "ArrowRight")
    says(visitor, "60 images of 12 by 12 pixels")
    visitor.page.get_by_alt_text(
        "Samples as the network gets them. One row per class, from the top: block, line."
    ).wait_for()
    link = train(visitor)
    assert (link["dataset"], link["hidden"]) == ("own_images", "64")
    visitor.play()
    visitor.until("facts.epoch > 20 && facts.testAccuracy > 0.9", 30)
    visitor.pause()
    go_to_data(visitor, "Your table")
    upload(visitor, "squares.csv.gz", squares())
    says(visitor, "80 images of 6 by 6 pixels in 4 classes: 0 (20), 1 (20), 2 (20), 3 (20).")
    visitor.page.get_by_role("switch", name="These are images").or_(
        visitor.page.get_by_role("checkbox", name="These are images")
    ).locator("xpath=ancestor::label").click()
    says(visitor, "80 rows and 37 columns")
    visitor.page.get_by_text("These are images").click()
    says(visitor, "80 images of 6 by 6 pixels")
    assert train(visitor)["own"] != link["own"]
    go_to_data(visitor)
    says(visitor, ", 2 of 8 data sets")
    assert train(visitor, "Train on shapes.zip again")["own"] == link["own"]


def test_reading_many_pictures_can_be_stopped_and_begun_again(playground):
    file = io.BytesIO()
    pixels = np.zeros((1200, 1200), np.uint8)
    pixels[:50, :50] = np.random.default_rng(0).integers(0, 256, (50, 50))  # together more than the usual 5 MB
    Image.fromarray(pixels).save(file, "PNG")
    pack = io.BytesIO()
    with zipfile.ZipFile(pack, "w") as archive:
        for i in range(2000):
            archive.writestr(f"{i % 2}/{i}.png", file.getvalue())
    visitor = open_data(playground, "Your images")
    upload(visitor, "many.zip", pack.getvalue())
    progress = visitor.page.get_by_text("of 2,000 images have been read.").first
    progress.wait_for()
    visitor.press("Stop reading")
    says(visitor, "Stopped before all images were read.")
    visitor.press("Read the images")
    progress.wait_for()
    visitor.page.get_by_role("link", name="Playground", exact=True).click()  # in the middle of it
    visitor.until("facts.frame > 0")


def test_a_file_that_cannot_be_used_gets_its_sentence_and_nothing_is_lost(playground):
    visitor = turn_to(playground.come("Data", "hidden=3"), "Your table")
    upload(visitor, "odd.csv", b"a,b\n1,2,<b>3</b>\n")
    says(visitor, "Line 2 has 3 cells and the first line 2; all lines need the same number.")
    visitor.page.get_by_role("radio", name="Your images", exact=True).click()
    says(visitor, "One folder per class, such as cat/1.png")
    upload(visitor, "odd.zip", b"PK\x03\x04")
    says(visitor, "The file is not a valid zip file; a zip file of folders is allowed.")
    visitor.go("Playground")
    visitor.until("facts.frame > 0")
    visitor.linked(hidden="3")


def test_a_link_to_data_of_another_session_opens_with_the_rest_and_says_what_to_do(playground):
    playground.open(f"dataset=table&own={'a' * 32}&hidden=5")
    says(
        playground,
        "this data was uploaded in another session and is no longer available: upload the file again on the page Data",
    )
    playground.linked(dataset=None, own=None, hidden="5")


# Downloads -----------------------------------------------------------------------------------------------------------


def packed(values: np.ndarray) -> bytes:
    return struct.pack(f">4B{values.ndim}I", 0, 0, 8, values.ndim, *values.shape) + values.astype(np.uint8).tobytes()


@contextmanager
def official_mirror() -> Iterator[tuple[str, threading.Event]]:
    """Sends bytes of the official size that are not the official ones, the second half only when it is told to."""
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


def test_mnist_is_fetched_on_request_with_progress_refused_when_it_is_not_the_official_one_and_found_when_there(
    start, visit, tmp_path
):
    (tmp_path / "uploads").mkdir()
    with official_mirror() as (address, half):
        server = start(
            BACKPROP_UPLOADS=str(tmp_path / "uploads"),
            BACKPROP_MIRRORS=address,
            NO_PROXY="127.0.0.1",
            XDG_CACHE_HOME=str(tmp_path),
            BACKPROP_DATA=str(tmp_path / "d"),
        )
        visitor = open_data(visit(server.url))
        visitor.press("Download MNIST (12 MB)")
        says(visitor, "4.9 of 11.6 MB downloaded.")  # half of the first file
        visitor.press("Stop downloading MNIST")
        says(visitor, "Stopping after the data that is still being sent.")
        half.set()
        says(visitor, "Stopped. Completed files were kept.")
        visitor.press("Download MNIST (12 MB)")
        says(visitor, "is not the published file: its checksum differs. Nothing was saved.")
        visitor.button("Retry downloading MNIST (12 MB)").wait_for()
        draw, folder = np.random.default_rng(0), tmp_path / "d" / "mnist"
        folder.mkdir(parents=True)
        for part, count in (("train", 200), ("t10k", 50)):
            (folder / f"{part}-images-idx3-ubyte").write_bytes(packed(draw.integers(0, 256, (count, 28, 28))))
            (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(packed(np.arange(count) % 10)))
        go_to_data(visitor)
        link = train(visitor, "Train on MNIST")
        assert link["dataset"] == "mnist"
        experiment, _ = Experiment.from_query(link)
        trainer = build(experiment, folder).trainer
        trainer.epoch()
        assert float(visitor.step(1)["trainLoss"]) == trainer.evaluate().train_loss
        assert len(list((tmp_path / "uploads").iterdir())) == 1
        visitor.page.goto(f"{server.url}healthz")
        server.stop()
    assert list((tmp_path / "uploads").iterdir()) == []  # whatever was uploaded ends with the server
