"""The files that an experiment's data is read from, sent from one machine to another: uploads and pictures."""

from __future__ import annotations

from pathlib import Path

from data.files import user_data
from lab.experiment.experiment import Experiment

PICTURE_FILES = ("train", "t10k")  # beginnings of the names of all files of pictures


def collect(e: Experiment, data_dir: str = "") -> dict[str, bytes]:
    """Name -> content of each file; empty for data that every machine has."""
    if e.own:
        path = user_data.path(e.own)
        return {path.name: path.read_bytes()}
    folder = e.source.find(Path(data_dir) if data_dir else None) if e.source.find else None
    paths = sorted(folder.iterdir()) if folder else []
    return {f"{e.dataset}/{p.name}": p.read_bytes() for p in paths if p.name.startswith(PICTURE_FILES) and p.is_file()}


def place(files: dict[str, bytes]) -> str:
    """Store the files that this process does not have yet; returns their folder, which is deleted with the process."""
    for name, content in files.items():
        user_data.add_copy(name, content)
    return str(user_data.folder())
