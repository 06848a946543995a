"""The command line of the class benchmark, and a short run with two students on the real server."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl

import pytest

from bench import classroom
from bench.__main__ import arguments, main
from bench.student import read_header
from lab.experiment.experiment import Experiment
from lab.protocol.frames import pack


def test_the_command_line_takes_several_classes():
    assert arguments(["class"])["students"] == [30]
    assert arguments(["class"])["workloads"] == ["toys"]
    options = arguments(["class", "--students", "1,10", "--seconds", "5", "--pages", "2", "--workload", "digits"])
    assert options == {
        "what": "class", "json": False, "students": [1, 10], "seconds": 5.0, "pages": 2, "workloads": ["digits"],
    }  # fmt: skip


@pytest.mark.parametrize("text", ["0", "-1", "ten", "1,,2", "", "1001"])
def test_an_invalid_number_of_students_is_refused(text, capsys):
    with pytest.raises(SystemExit):
        arguments(["class", "--students", text])
    assert "students must be whole numbers from 1 to 1000" in capsys.readouterr().err


@pytest.mark.parametrize("query", [query for queries in classroom.WORKLOADS.values() for query in queries])
def test_every_student_has_a_valid_experiment(query):
    assert Experiment.from_query(dict(parse_qsl(query)))[1] == []


def test_a_frame_header_is_read_without_its_arrays():
    assert read_header(pack({"step": 7}))["step"] == 7


def test_two_students_use_the_real_server(monkeypatch, capsys):
    monkeypatch.setattr(classroom, "WARM_UP_S", 0.5)
    monkeypatch.setitem(classroom.WORKLOADS, "toys", ["dataset=xor&hidden=4"])
    monkeypatch.setattr("bench.student.SLIDER_INTERVAL_S", 1.0)
    with ThreadPoolExecutor(1) as apart:  # this thread may already have a browser's event loop
        assert apart.submit(main, ["class", "--students", "2", "--seconds", "3", "--json"]).result() == 0
    text = capsys.readouterr().out
    (row,) = json.loads(text[text.index('{"rows"') :].splitlines()[0])["rows"]
    assert row["students"] == 2
    assert row["mistakes"] == 0
    assert min(row["fps_least"], row["slider_p95_ms"], row["headless_ratio"], row["rss_mb"]) > 0
