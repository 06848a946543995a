"""The progress bar of a file that takes long to read."""

from __future__ import annotations

from types import SimpleNamespace

from ui.data import uploaded_file


def test_a_bar_is_shown_after_a_second_only(monkeypatch):
    shown, now = [], [0.0]
    place = SimpleNamespace(progress=lambda share, label: shown.append(share), empty=lambda: shown.append(None))
    monkeypatch.setattr(uploaded_file.st, "empty", lambda: place)
    monkeypatch.setattr(uploaded_file.time, "monotonic", lambda: now[0])
    with uploaded_file.late_bar("Reading") as progress:
        for now[0], share in ((0.5, 0.1), (1.5, 0.4), (2.0, 0.9)):
            progress(share)
    assert shown == [0.4, 0.9, None]
