"""The lesson with faults: its command line, what it counts as lost, and a short one on the real server."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl

import pytest

from bench import chaos
from bench.__main__ import arguments
from bench.chaos import CLASS, WORKLOADS, Visitor
from bench.student import read_header
from lab.experiment.experiment import Experiment
from lab.protocol.frames import pack
from lab.protocol.messages import Arrays, GetFrame
from lab.training.run import Run

URL = "http://127.0.0.1:1/"  # nothing is sent there


def test_the_command_line_takes_minutes_and_a_seed(capsys):
    options = arguments(["chaos", "--minutes", "0.5", "--seed", "7", "--workload", "play,heavy"])
    assert options == {"what": "chaos", "json": False, "minutes": 0.5, "seed": 7, "workloads": ["play", "heavy"]}
    assert set(arguments(["chaos"])["workloads"]) == set(CLASS)
    with pytest.raises(SystemExit):
        arguments(["chaos", "--minutes", "0"])
    assert "minutes must be more than 0" in capsys.readouterr().err


@pytest.mark.parametrize("kind", WORKLOADS.values(), ids=WORKLOADS)
def test_each_visitor_has_a_valid_experiment(kind):
    assert Experiment.from_query(dict(parse_qsl(f"{kind.query}&seed=1")))[1] == []


def run_of(query: str) -> Run:
    return Run(Experiment.from_query(dict(parse_qsl(query)))[0])


def see(visitor: Visitor, frame: bytes) -> None:
    visitor._see(frame, read_header(frame), time.monotonic(), 0.1)


def restarted(run: Run, arrays: Arrays | None = None) -> bytes:
    """A frame of the run in another process, which has its checkpoint or begins again."""
    again = Run(run.experiment)
    again.resume(run.state, arrays or {}, "")
    return again.frame()


@pytest.fixture
def visitor() -> Visitor:
    return Visitor(URL, WORKLOADS["step"], number=3, seed=1)


def test_another_visitors_run_is_noticed(visitor, capsys):
    see(visitor, run_of(visitor.query).frame())
    assert visitor.counts["wrong_runs"] == 0
    see(visitor, run_of(visitor.query.replace("seed=4", "seed=5")).frame())
    assert visitor.counts["wrong_runs"] == 1
    see(visitor, run_of(visitor.query.replace("hidden=4,2", "hidden=4,3")).frame())
    assert visitor.counts["wrong_runs"] == 2
    assert "wrong_runs: visitor 3, dataset=xor" in capsys.readouterr().err


def test_a_run_that_went_back_is_not_lost_but_measured(visitor):
    run = run_of(visitor.query)
    run.step_batch()
    saved, seconds = run.checkpoint(), run.trainer.seconds
    run.step_batch()
    see(visitor, run.frame())
    see(visitor, restarted(run, saved))
    assert visitor.counts["lost_runs"] == 0
    assert visitor.went_back_s == run.trainer.seconds - seconds > 0


def test_a_run_at_its_beginning_is_lost_unless_young_or_asked_for(visitor, monkeypatch):
    run = run_of(visitor.query)
    run.step_batch()
    see(visitor, run.frame())
    see(visitor, restarted(run))
    assert visitor.counts["lost_runs"] == 0  # not saved yet
    monkeypatch.setattr(chaos, "SAVED_S", -1)
    see(visitor, run.frame())
    with visitor.beginning():
        see(visitor, restarted(run))
    see(visitor, restarted(run))
    assert visitor.counts["lost_runs"] == 0
    see(visitor, run.frame())
    see(visitor, restarted(run))
    assert visitor.counts["lost_runs"] == 1


def test_a_run_that_the_server_stops_is_noticed_once(visitor, capsys):
    run = run_of(visitor.query)
    see(visitor, run.frame())
    run.fail("It ended its process.")
    for _ in range(2):
        see(visitor, run.frame())
    assert visitor.counts["stopped_runs"] == 1
    assert "It ended its process." in capsys.readouterr().err


def test_only_an_answer_of_the_run_ends_the_wait(visitor):
    visitor.last_frame -= 5
    see(visitor, pack({"status": "lost", "unchanged": True, "frame": -1}))
    assert (visitor.longest_wait_s, visitor.counts["frames"]) == (0, 0)
    run = run_of(visitor.query)
    shown = read_header(run.frame())
    see(visitor, run.frame(GetFrame(build=shown["build"], frame=shown["frame"])))
    assert visitor.longest_wait_s > 5
    assert visitor.counts["frames"] == 1


def test_nobody_loses_anything_while_workers_die(monkeypatch):
    monkeypatch.setattr(chaos, "STUCK_S", chaos.PATIENCE_S)  # what the server promises on any machine
    monkeypatch.setattr(chaos, "BETWEEN_ACTS_S", (0.5, 1.5))
    with ThreadPoolExecutor(1) as apart:  # this thread may already have a browser's event loop
        light = [name for name in WORKLOADS if name not in ("digits", "heavy")]
        job = apart.submit(chaos.measure, light, minutes=1 / 8, visitors=len(light), every_s=3)
        (row,) = job.result()
    assert min(row[name] for name in ("kills", "reloads", "drops", "uploads")) > 0
    assert {f"{name}_{when}" for name in ("memory_mb", "threads", "descriptors") for when in ("start", "end")} <= set(
        row
    )
    assert {row[name] for name in ("lost_runs", "wrong_runs", "stopped_runs", "stuck", "tracebacks")} == {0}, row
