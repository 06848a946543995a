"""Which class a picture belongs to: the folder in which the pictures first differ, below whatever all share."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

PARTS = {"train", "training", "valid", "validation", "val", "dev", "test", "testing", "eval", "evaluation", "holdout",
         "pred", "predict", "prediction"}  # fmt: skip
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
Folders = tuple[str, ...]  # from the top of the archive down to the picture


@dataclass(frozen=True)
class Classes:
    """The class of each picture, None for a picture in no class, and the folders that are parts of one set."""

    labels: list[str | None]
    parts: tuple[str, ...] = ()

    @property
    def counts(self) -> Counter[str]:
        return Counter(label for label in self.labels if label is not None)


def is_part(name: str) -> bool:
    """Whether a folder is named like a part of a set: train, seg_test, ValidationImages."""
    return any(word.lower() in PARTS for word in WORD.findall(name))


def folder_classes(folders: list[Folders]) -> Classes:
    """The classes of pictures, given the folders of each.

    Parts such as train and test are counted together where folders of classes lie in them. A class of a single picture
    cannot be split into parts: its picture is in no class if two other classes remain.
    """
    found = _classes(folders)
    single = {label for label, count in found.counts.items() if count == 1}
    if not single:
        return found
    rest = folder_classes([() if label in single else f for f, label in zip(folders, found.labels, strict=True)])
    return rest if len(rest.counts) > 1 else found


def _classes(folders: list[Folders]) -> Classes:
    below = folders
    while len(names := {f[0] for f in below if f}) == 1:
        below = [f[1:] for f in below]
    if not names:  # all pictures are in one folder
        deepest = max(map(len, folders), default=0)
        return Classes([f[-1] if f and len(f) == deepest else None for f in folders])
    parts = {name for name in names if is_part(name)}
    others_are_flat = all(len(f) == 1 for f in below if f and f[0] not in parts)
    if len(parts) > 1 and others_are_flat:
        joined = _classes([f[1:] if f and f[0] in parts else () for f in below])
        if len(joined.counts) > 1:
            return Classes(joined.labels, tuple(sorted(parts | set(joined.parts))))
    return Classes([f[0] if f else None for f in below])
