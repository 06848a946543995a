"""Pictures from a zip file and from a table become small gray squares with their labels."""

from __future__ import annotations

import gzip
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from data import load
from data.files.picture_files import SIDES, read_pictures
from data.files.picture_tables import label_column
from data.files.picture_tables import read_pictures as read_table_of_pictures
from data.files.user_data import PreparedData, UserDataError
from data.sources import idx, kaggle


def picture(pixels: np.ndarray, kind: str = "PNG", mode: str | None = None, **options) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(file, kind, **options)
    return file.getvalue()


def cross(height: int = 40, width: int = 40) -> np.ndarray:
    """A bright cross on black, with a thicker horizontal bar."""
    pixels = np.zeros((height, width), dtype=np.uint8)
    pixels[height // 4 : height // 2] = 200
    pixels[:, width // 2 : width // 2 + width // 8] = 200
    return pixels


def zipped(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def read(files: dict[str, bytes], side: int = 20) -> PreparedData:
    *progress, prepared = read_pictures(zipped(files), "my.zip", side)
    assert isinstance(prepared, PreparedData)
    assert progress[0] == (0, len(prepared.y))
    assert progress[-1] == (len(prepared.y), len(prepared.y))
    return prepared


def several(content: bytes, ending: str = "png") -> dict[str, bytes]:
    return {f"top/{kind}/{i}.{ending}": content for kind in ("b", "a") for i in range(6)}


def test_folders_are_classes_in_alphabetical_order():
    p = read({f"{'ab'[i % 2]}/{i}.png": picture(np.full((9, 9), 100 + i, np.uint8)) for i in range(12)}, 8)
    assert (p.dataset, p.class_names, p.image_shape, p.x.dtype) == ("own_images", ("a", "b"), (8, 8), np.uint8)
    for values, label in zip(p.x, p.y, strict=True):
        assert (values == values[0]).all()
        assert (values[0] - 100) % 2 == label


def test_numeric_folder_names_are_sorted_numerically():
    p = read({f"{i % 3 * 5}/{i}.png": picture(np.zeros((9, 9), np.uint8)) for i in range(12)})
    assert p.class_names == ("0", "5", "10")


@pytest.mark.parametrize("side", SIDES)
def test_a_picture_is_averaged_into_each_size(side):
    square = read(several(picture(cross(192, 192))), side).x[0].reshape(side, side).astype(float)
    expected = np.asarray(Image.fromarray(cross(192, 192)).resize((side, side), Image.Resampling.BOX), float)
    np.testing.assert_allclose(square, expected, atol=1)
    assert square[side * 3 // 8, 0] == 200
    assert square[0, 0] == 0


KINDS = {
    "color": picture(cross(), mode="RGB"),
    "palette": picture(cross(), mode="P"),
    "black and white": picture(np.uint8(255) * (cross() > 0), mode="1"),
    "16 bits": picture(cross().astype(np.uint16) * 256),
    "gray with alpha": picture(cross(), mode="LA"),
    "jpeg": picture(cross(), "JPEG", quality=95),
    "jpeg in color": picture(cross(), "JPEG", "RGB", quality=95),
    "jpeg for print": picture(cross(), "JPEG", "CMYK", quality=95),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_becomes_gray(kind):
    square = read(several(KINDS[kind], "jpg" if "jpeg" in kind else "png")).x[0].reshape(20, 20)
    bright = 255 if kind == "black and white" else 200
    assert square[7, 1] == pytest.approx(bright, abs=12)
    assert square[1, 1] == pytest.approx(0, abs=12)
    assert square[1, 11] == pytest.approx(bright, abs=12)


def test_what_is_transparent_is_white_paper():
    pixels = np.zeros((20, 20, 4), dtype=np.uint8)
    pixels[:10, :, 3] = 255
    square = read(several(picture(pixels))).x[0].reshape(20, 20)
    assert (square[2, 2], square[17, 2]) == (0, 255)


def test_a_rectangular_picture_is_padded_with_its_edge_color():
    pixels = np.full((10, 40), 90, dtype=np.uint8)
    pixels[4:6, 10:30] = 250
    square = read(several(picture(pixels))).x[0].reshape(20, 20)
    assert square[0, 0] == square[19, 19] == 90
    assert square[9:11].max() > 200


def test_the_camera_orientation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise
    upright = read(several(picture(cross(), "JPEG", exif=exif, quality=95), "jpg")).x[0].reshape(20, 20)
    expected = np.rot90(np.asarray(Image.fromarray(cross()).resize((20, 20), Image.Resampling.BOX)), -1)
    np.testing.assert_allclose(upright.astype(float), expected, atol=25)


def test_system_files_in_archives_are_ignored():
    extra = {"__MACOSX/a/._1.png": b"junk", "a/.DS_Store": b"junk", "a/Thumbs.db": b"junk", "a/": b""}
    assert len(read({**several(picture(cross())), **extra}).y) == 12


def test_an_unsupported_size_is_refused():
    with pytest.raises(UserDataError, match="Squares of 4000 pixels are not supported"):
        list(read_pictures(zipped(several(picture(cross()))), "my.zip", 4000))


# In tables -----------------------------------------------------------------------------------------------------------

PIXELS = np.random.default_rng(4).integers(0, 256, (60, 36))


def rows(head: str = "", label_last: bool = False, separator: str = ",") -> bytes:
    lines = [head] if head else []
    for i, pixels in enumerate(PIXELS.tolist()):
        cells = [*pixels, i % 3] if label_last else [i % 3, *pixels]
        lines.append(separator.join(map(str, cells)))
    return "\n".join(lines).encode()


NAMES = ",".join(f"pixel{i}" for i in range(36))


@pytest.mark.parametrize(
    "content",
    [
        rows(),
        rows(f"label,{NAMES}"),
        rows(f"{NAMES},target", label_last=True),
        gzip.compress(rows()),
        rows(separator=";"),
    ],
    ids=["bare", "Kaggle's", "label last", "gzip", "semicolons"],
)
def test_a_table_of_pictures_is_recognised(content):
    p = read_table_of_pictures(content, "x.csv")
    assert p is not None
    assert (p.dataset, p.image_shape, p.class_names) == ("own_images", (6, 6), ("0", "1", "2"))
    np.testing.assert_array_equal(p.x, PIXELS)
    np.testing.assert_array_equal(p.y, np.arange(60) % 3)


@pytest.mark.parametrize(
    "line",
    ["1,2", ",".join("1" * 17), ",".join("1" * 36), ",".join(["1", *["256"] * 36]), ",".join(["1", *["0.5"] * 36])],
)
def test_other_tables_are_not_taken_for_pictures(line):
    assert label_column([""] * (line.count(",") + 1), [line.split(",")] * 3) is None
    assert read_table_of_pictures(f"{line}\n{line}\n".encode(), "x.csv") is None


# Kaggle's digits -----------------------------------------------------------------------------------------------------


def train_csv(label: object = 7) -> str:
    draw = np.random.default_rng(5)
    lines = ["label," + ",".join(f"pixel{i}" for i in range(784))]
    lines += [f"{i % 10}," + ",".join(map(str, draw.integers(0, 256, 784))) for i in range(40)]
    return "\n".join([*lines, f"{label}," + ",".join("0" * 784)]) + "\n"


@pytest.mark.parametrize("folder", ["", "mnist", "kaggle_mnist"])
def test_the_kaggle_training_file_is_parsed_once_and_cached(folder, tmp_path, cache_folder):
    assert kaggle.find(tmp_path) is None
    place = tmp_path / folder
    place.mkdir(exist_ok=True)
    (place / "train.csv").write_text(train_csv(), encoding="utf-8")
    assert kaggle.find(tmp_path) == place
    raw = kaggle.make(tmp_path)
    assert (raw.x.shape, raw.x.dtype, raw.y[-1], raw.test_rows) == ((41, 784), np.uint8, 7, 0)
    assert not raw.x.flags.writeable
    assert kaggle.make(tmp_path) is raw
    (kept,) = cache_folder.glob("kaggle-*.npz")
    kaggle._read.cache_clear()
    np.testing.assert_array_equal(kaggle.make(tmp_path).x, raw.x)
    kept.write_bytes(b"damaged")
    kaggle._read.cache_clear()
    np.testing.assert_array_equal(kaggle.make(tmp_path).x, raw.x)
    d = load("kaggle_mnist", rng=np.random.default_rng(1), train_share=0.5, data_dir=tmp_path)
    assert len(d.x_train) + len(d.x_test) == 41


def test_the_training_file_of_another_competition_is_ignored(tmp_path, cache_folder):
    (tmp_path / "train.csv").write_text("PassengerId,Survived\n1,0\n", encoding="utf-8")
    assert kaggle.find(tmp_path) is None
    with pytest.raises(ValueError, match=r"train\.csv of Kaggle's Digit Recognizer was not found"):
        kaggle.make(tmp_path)


@pytest.mark.parametrize("text", [train_csv("x"), train_csv(10), train_csv()[:-3] + "256\n", train_csv() + "1,2,3\n"])
def test_a_damaged_training_file_is_refused(text, tmp_path, cache_folder):
    (tmp_path / "train.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        kaggle.make(tmp_path)
    assert not idx.cache_folder().exists()
