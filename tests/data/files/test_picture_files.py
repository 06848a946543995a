"""Pictures from a zip file and from a table become small gray squares with their labels."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from data import load
from data.files.picture_files import SIDES, LeftOut, Pictures, read_pictures
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


def pictures(files: dict[str, bytes], side: int = 20) -> Pictures:
    *progress, found = read_pictures(zipped(files), "my.zip", side)
    assert isinstance(found, Pictures)
    (_, total), *_ = steps = [step for step in progress if isinstance(step, tuple)]
    assert len(steps) == len(progress)
    assert (steps[0], steps[-1]) == ((0, total), (total, total))
    assert total >= len(found.prepared.y) == sum(found.class_counts.values())
    return found


def read(files: dict[str, bytes], side: int = 20) -> PreparedData:
    found = pictures(files, side)
    assert found.left_out == ()
    return found.prepared


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


def lightness() -> bytes:
    lab = np.full((40, 40, 3), 128, dtype=np.uint8)
    lab[:, :, 0] = cross()
    file = io.BytesIO()
    Image.frombytes("LAB", (40, 40), lab.tobytes()).save(file, "TIFF")
    return file.getvalue()


def two_colors() -> bytes:
    """Colors at the end of a palette, so that their numbers say nothing about their lightness."""
    image = Image.fromarray((cross() == 0).astype(np.uint8) + 200, "P")
    image.putpalette(bytes(3 * 200) + bytes([200] * 3) + bytes(3))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def deep_color(bits: int) -> bytes:
    """A PNG with 16 bits per color, of which the lower ones are used."""
    values = (cross().astype(np.uint16) << 8) >> (16 - bits)
    rows = np.repeat(values[:, :, None], 3, axis=2).astype(">u2")

    def part(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    header = struct.pack(">IIBBBBB", 40, 40, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", body) + part(b"IEND", b"")


KINDS = {
    "color": picture(cross(), mode="RGB"),
    "palette": picture(cross(), mode="P"),
    "black and white": picture(np.uint8(255) * (cross() > 0), mode="1"),
    "16 bits": picture(cross().astype(np.uint16) * 256),
    "12 bits in 16": picture(cross().astype(np.uint16) * 16),
    "12 bits in 16, not from zero": picture(cross().astype(np.uint16) + 3000),
    "16 bits in TIFF": picture(cross().astype(np.uint16) * 256, "TIFF"),
    "big-endian 16 bits in TIFF": picture(cross().astype(">u2") * 256, "TIFF"),
    "32 bits in TIFF": picture(cross().astype(np.int32) * 70_000, "TIFF"),
    "negative numbers in TIFF": picture(cross().astype(np.int32) - 1000, "TIFF"),
    "fractions in TIFF": picture(cross().astype(np.float32) / 1000, "TIFF"),
    "TIFF": picture(cross(), "TIFF", compression="tiff_lzw"),
    "black and white TIFF": picture(np.uint8(255) * (cross() > 0), "TIFF", "1", compression="group4"),
    "TIFF for print": picture(cross(), "TIFF", "CMYK"),
    "TIFF by lightness": lightness(),
    "gif": picture(cross(), "GIF"),
    "bmp": picture(cross(), "BMP", "RGB"),
    "black and white bmp": picture(np.uint8(255) * (cross() > 0), "BMP", "1"),
    "webp": picture(cross(), "WEBP", lossless=True),
    "webp with alpha": picture(cross(), "WEBP", "RGBA", lossless=True),
    "pgm": picture(cross(), "PPM"),
    "color with alpha": picture(cross(), mode="RGBA"),
    "two colors of a palette": two_colors(),
    "16 bits per color": deep_color(16),
    "12 bits per color": deep_color(12),
    "gray with alpha": picture(cross(), mode="LA"),
    "jpeg": picture(cross(), "JPEG", quality=95),
    "jpeg in color": picture(cross(), "JPEG", "RGB", quality=95),
    "jpeg for print": picture(cross(), "JPEG", "CMYK", quality=95),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_becomes_gray(kind):
    square = read(several(KINDS[kind], "jpg" if "jpeg" in kind else "png")).x[0].reshape(20, 20)
    is_stretched = any(word in kind for word in ("black and white", "bits", "numbers", "fractions"))
    bright = 255 if is_stretched else 200
    assert square[7, 1] == pytest.approx(bright, abs=12)
    assert square[1, 1] == pytest.approx(0, abs=12)
    assert square[1, 11] == pytest.approx(bright, abs=12)


def drawn(ink: int, mode: str = "RGBA") -> bytes:
    """The upper half is ink, the lower half transparent."""
    pixels = np.full((20, 20, 4), ink, dtype=np.uint8)
    pixels[:, :, 3] = 0
    pixels[:10, :, 3] = 255
    return picture(pixels, mode=mode)


def transparent_palette(ink: int) -> bytes:
    image = Image.fromarray(np.repeat(np.array([0, 1], np.uint8), 200).reshape(20, 20), "P")
    image.putpalette(bytes([ink] * 6))
    file = io.BytesIO()
    image.save(file, "PNG", transparency=1)
    return file.getvalue()


def transparent_gray(ink: int) -> bytes:
    image = Image.fromarray(np.repeat(np.array([ink, 77], np.uint8), 200).reshape(20, 20))
    file = io.BytesIO()
    image.save(file, "PNG", transparency=77)
    return file.getvalue()


@pytest.mark.parametrize("ink", [0, 60, 200, 255])
@pytest.mark.parametrize("maker", [drawn, lambda ink: drawn(ink, "LA"), transparent_palette, transparent_gray],
                         ids=["RGBA", "LA", "palette", "gray"])  # fmt: skip
def test_transparent_ground_gets_the_opposite_of_the_ink(maker, ink):
    found = pictures(several(maker(ink)))
    square = found.prepared.x[0].reshape(20, 20)
    paper = 255 if ink < 128 else 0
    assert (square[2, 2], square[17, 2]) == (ink, paper)
    assert found.plain == 0
    assert f"on {'white' if paper else 'black'}, the opposite of their ink" in found.notes[0]


def test_all_pictures_of_a_set_get_one_paper():
    found = read({f"{'ab'[i % 2]}/{i}.png": drawn(110 if i == 0 else 150) for i in range(12)})
    assert set(found.x[:, -1]) == {0}


def test_ink_like_the_paper_of_the_set_gets_the_other_paper():
    found = pictures({f"{'ab'[i % 2]}/{i}.png": drawn(0 if i == 0 else 250) for i in range(12)})
    assert found.plain == 0
    assert sorted(found.prepared.x[:, -1]) == [0] * 11 + [255]


def test_deep_pictures_keep_their_brightness_within_the_set():
    found = read({f"{'ab'[i % 2]}/{i}.png": picture(np.full((9, 9), 1000 + 100 * i, np.uint16)) for i in range(12)}, 8)
    np.testing.assert_array_equal(np.sort(found.x[:, 0]), np.round(np.arange(12) * 255 / 11))


def test_a_set_of_plain_squares_is_called_that():
    blank = pictures(several(picture(np.full((9, 9), 100, np.uint8))))
    assert blank.plain == 12
    assert any("All 12 pictures are plain squares" in note for note in blank.notes)
    one = pictures({**several(picture(cross())), "top/a/9.png": picture(np.full((9, 9), 100, np.uint8))})
    assert one.plain == 1
    assert any("1 of the 13 pictures are plain" in note for note in one.notes)
    assert pictures(several(picture(cross()))).notes == ()


def test_the_first_frame_of_an_animation_is_read():
    frames = [Image.fromarray(pixels) for pixels in (cross(), np.zeros((40, 40), np.uint8))]
    for kind in ("GIF", "WEBP", "TIFF", "PNG"):
        file = io.BytesIO()
        frames[0].save(file, kind, save_all=True, append_images=frames[1:])
        assert read(several(file.getvalue(), kind.lower().replace("tiff", "tif"))).x[0].max() > 180


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
    extra = {"__MACOSX/a/._1.png": b"junk", "a/.DS_Store": b"junk", "a/Thumbs.db": b"junk", "a/": b"", "b\\": b""}
    assert len(read({**several(picture(cross())), **extra}).y) == 12


def test_what_is_left_out_is_counted_and_named():
    extra = {f"top/test/{i}.md": b"" for i in range(5)}
    extra |= {"top/a/cut.png": picture(cross())[:50], "photo.png": picture(cross())}
    found = pictures({**several(picture(cross())), **extra})
    unread = "not a picture in PNG, JPEG, GIF, BMP, WebP, TIFF or PPM format"
    assert found.left_out == (
        LeftOut("photo.png", "in no folder of a class with at least two pictures"),
        LeftOut("top/a/cut.png", "broken"),
        *(LeftOut(f"top/test/{i}.md", unread) for i in range(5)),
    )
    assert found.notes == (
        "7 files are left out: in no folder of a class with at least two pictures (photo.png); broken (top/a/cut.png); "
        f"{unread} (top/test/0.md, top/test/1.md, top/test/2.md and 2 more).",
    )


@pytest.mark.parametrize("form", ["{}/2021-09-13 10:{:02d}:00.png", "set\\{}\\{}.png", "./{}/{}.PNG", "{}/{}.JpEg"])
def test_unusual_names_are_read(form):
    content = picture(cross(), "JPEG" if "JpEg" in form else "PNG")
    assert read({form.format("ab"[i % 2], i): content for i in range(12)}).class_names == ("a", "b")


def test_folders_of_parts_are_counted_together():
    folders = ("train/a", "train/b", "test/a", "test/b")
    found = pictures({f"{folder}/{i}.png": picture(cross()) for folder in folders for i in range(3)})
    assert found.class_counts == {"a": 6, "b": 6}
    assert "The folders test and train are parts of one set; their pictures are counted together." in found.notes


def test_parts_without_folders_of_classes_are_classes():
    found = pictures({f"{part}/{i}.png": picture(cross()) for part in ("train", "test") for i in range(6)})
    assert found.class_counts == {"test": 6, "train": 6}
    assert "The folders test and train are classes, because they hold no folders of classes." in found.notes


@pytest.mark.parametrize(
    ("written", "name", "note"),
    [
        (b"K\x94pf1", "Köpf1", ("The names in the archive are read in the code page cp850.",)),
        ("o\N{COMBINING DIAERESIS}h1".encode(), "öh1", ()),
    ],
    ids=["Windows", "macOS"],
)
def test_names_of_windows_and_macos_are_decoded(written, name, note):
    content = zipped({f"{kind}/{i}.png": picture(cross()) for kind in ("aaaa1", "bbbb2") for i in range(6)})
    *_, found = read_pictures(content.replace(b"aaaa1", written), "my.zip", 8)
    assert isinstance(found, Pictures)
    assert found.class_counts == {"bbbb2": 6, name: 6}
    assert found.notes == note


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
def test_a_table_of_pictures_is_recognized(content):
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


def test_all_pictures_together_have_a_limit_of_pixels(monkeypatch):
    files = {f"{name}/{i}.png": picture(cross()) for name in "ab" for i in range(6)}
    monkeypatch.setattr("data.files.picture_files.MAX_TOTAL_PIXELS", 12 * 40 * 40)
    assert len(read(files).y) == 12
    monkeypatch.setattr("data.files.picture_files.MAX_TOTAL_PIXELS", 12 * 40 * 40 - 1)
    with pytest.raises(UserDataError, match=r"more than 19,199 pixels in all; fewer or smaller are allowed"):
        read(files)
