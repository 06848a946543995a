"""python -m lab pictures: how an archive of pictures is read."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from lab.__main__ import main


@pytest.fixture
def archive(tmp_path):
    """A zip file with twelve pictures, one of them plain, and a text."""
    path = tmp_path / "shapes.zip"
    with zipfile.ZipFile(path, "w") as file:
        for i in range(12):
            content = io.BytesIO()
            Image.fromarray(np.full((9, 9), 70, np.uint8) if i == 5 else np.eye(9, dtype=np.uint8) * 200).save(
                content, "PNG"
            )
            file.writestr(f"{('Bäume', 'Vögel')[i % 2]}/{i}.png", content.getvalue())
        file.writestr("readme.md", b"# Shapes")
    return path


def test_an_archive_is_described_in_json(archive, capsys):
    assert main(["pictures", str(archive), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["pictures", "classes", "left_out", "notes", "plain"]
    assert (found["pictures"], found["classes"], found["plain"]) == (12, {"Bäume": 6, "Vögel": 6}, 1)
    ((name, why),) = (entry.values() for entry in found["left_out"])
    assert name == "readme.md"
    assert why.startswith("not a picture")
    assert len(found["notes"]) == 2


def test_an_archive_is_described_in_sentences(archive, capsys):
    assert main(["pictures", str(archive)]) == 0
    first, *notes = capsys.readouterr().out.splitlines()
    assert first == "12 pictures in 2 classes: Bäume (6), Vögel (6)."
    assert [note.split(":")[0] for note in notes] == ["1 file is left out", "1 of the 12 pictures are plain squares"]


@pytest.mark.parametrize("content", [b"", b"PK\3\4", None], ids=["empty", "broken", "missing"])
def test_an_unreadable_archive_gets_one_sentence(content, tmp_path):
    path = tmp_path / "a.zip"
    if content is not None:
        path.write_bytes(content)
    done = subprocess.run([sys.executable, "-m", "lab", "pictures", path, "--json"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith(str(path))
    assert sentence.endswith(".")
