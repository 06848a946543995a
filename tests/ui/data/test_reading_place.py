"""Two visitors read files at once; a third one waits for a place and is told so."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from streamlit.runtime.scriptrunner import RerunData, RerunException

from ui.data import reading_place as places
from ui.data.reading_place import PLACES, reading_place


def test_who_finds_no_place_waits_and_is_told_so(monkeypatch):
    said: list[str] = []

    @contextmanager
    def spinner(sentence):
        said.append(sentence)
        PLACES.release()  # one of the others is done
        yield

    monkeypatch.setattr(places.st, "spinner", spinner)
    with reading_place():
        assert PLACES.acquire(blocking=False)
        with reading_place():
            assert not PLACES.acquire(blocking=False)
    assert said == ["Others are reading files; yours is next."]


def test_a_script_run_that_is_broken_off_gives_its_place_back():
    for _ in range(3):
        with pytest.raises(RerunException), reading_place():
            raise RerunException(RerunData())
    with reading_place(), reading_place():
        pass
