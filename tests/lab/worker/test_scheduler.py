"""Many runs in one place: everyone gets a turn, and what goes wrong with one of them stays with it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.experiment.experiment import Experiment
from lab.protocol.frames import unpack
from lab.worker.scheduler import HOST_VERBS, NO_MEMORY, RUN_VERBS, SAVED_EVERY, Gone, Host

SMALL = Experiment(samples=40, hidden=(4,))


@pytest.fixture
def host():
    return Host()


def do(host, verb, run="a", **more):
    return host.handle({"do": verb, "run": run, **more}, {})


def begin(host, *names, speed="max", experiment=SMALL):
    for name in names:
        do(host, "open", name, experiment=experiment.to_json(), speed=speed)
        do(host, "play", name)


def test_the_verbs_do_what_they_say(host):
    do(host, "open", experiment=SMALL.to_json(), speed="epoch")
    assert do(host, "status") == ({"status": "idle", "notice": "", "epoch": 0}, {})
    do(host, "step")
    assert do(host, "status")[0]["epoch"] == 1
    do(host, "play")
    assert do(host, "status")[0]["status"] == "running"
    do(host, "pause")
    do(host, "pace", speed="fast")
    assert host.runs["a"].speed.name == "fast"
    do(host, "change", experiment=SMALL.change(learning_rate=1).to_json())
    assert host.runs["a"].experiment.learning_rate == 1
    _, arrays = do(host, "frame", request={})
    assert unpack(arrays["frame"].tobytes())[0]["epoch"] == 1
    do(host, "reset")
    assert do(host, "status")[0]["epoch"] == 0
    do(host, "close")
    assert host.runs == {}


@pytest.mark.parametrize("verb", [*sorted(RUN_VERBS), "close"])
def test_an_unknown_run_is_gone(verb, host):
    command = {"do": verb, "run": "nobody", "request": {}, "speed": "max", "experiment": "{}"}
    with pytest.raises(Gone):
        host.handle(command, {})
    assert host.answer(command, {}) == ({"error": "gone"}, {})


ATTRIBUTES = [name.removeprefix("_") for name in dir(Host()) if name.removeprefix("_") not in {*HOST_VERBS, *RUN_VERBS}]


@pytest.mark.parametrize("verb", [*ATTRIBUTES, "", "fly", "__init__", "_open", "OPEN", None, 3, ["open"], {"open": 1}])
def test_an_unknown_verb_is_refused_with_the_known_ones_and_reaches_nothing(verb, host):
    begin(host, "a")
    before = dict(vars(host))
    with pytest.raises(ValueError, match="is no command; allowed: open, resume, close, count, play, "):
        host.handle({"do": verb, "run": "a"}, {})
    header, _ = host.answer({"do": verb, "run": "a"}, {})
    assert header["error"] == "refused"
    assert vars(host) == before


json_values = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)


parts = st.sampled_from(["do", "run", "speed", "experiment", "request"]) | st.text(max_size=3)


@given(st.dictionaries(parts, json_values), st.sampled_from([*HOST_VERBS, *RUN_VERBS]) | st.none())
def test_any_command_has_an_answer(command, verb):
    host = Host()
    header, arrays = host.answer({**command, **({"do": verb} if verb else {})}, {})
    assert json.dumps(header)
    assert isinstance(arrays, dict)


def test_everyone_gets_a_turn_in_each_round(host):
    names = [f"run {number}" for number in range(30)]
    begin(host, *names)
    for _ in range(4):
        assert host.work(1e-6)
    steps = [host.runs[name].trainer.steps for name in names]
    assert steps == [4] * 30


def test_commands_between_two_slices_count_at_once(host):
    begin(host, "a", "b", "c")
    asked = []

    def between():
        asked.append(len(host.runs))
        if len(asked) == 1:
            do(host, "pause", "b")
            do(host, "close", "c")

    a, b, c = (host.runs[name].trainer for name in "abc")
    assert host.work(1e-6, between)
    assert [trainer.steps for trainer in (a, b, c)] == [1, 0, 0]
    assert asked == [3, 2, 2]


def test_there_is_nothing_to_do_when_nobody_runs(host):
    assert not host.work()
    begin(host, "a")
    do(host, "pause")
    assert not host.work()


def test_a_failing_command_hurts_nobody_else(host):
    begin(host, "a", "b")
    for header in (
        host.answer({"do": "change", "run": "a", "experiment": '{"seed": -1}'}, {})[0],
        host.answer({"do": "open", "run": "c", "experiment": SMALL.to_json(), "speed": "warp"}, {})[0],
        host.answer({"do": "change", "run": "a", "experiment": SMALL.change(device="cuda:7").to_json()}, {})[0],
    ):
        assert header["error"] == "refused"
        assert "allowed" in header["sentence"] or "cannot be used here" in header["sentence"]
    assert host.answer({"do": "pace", "run": "a"}, {})[0]["error"] == "failed"
    assert list(host.runs) == ["a", "b"]
    host.work(1e-6)
    assert all(run.trainer.steps == 1 for run in host.runs.values())


def test_a_fault_while_training_ends_that_run_only(host, monkeypatch, capsys):
    begin(host, "a", "b")

    def fault(seconds):
        raise ArithmeticError

    monkeypatch.setattr(host.runs["a"], "advance", fault)
    for _ in range(3):
        host.work(1e-6)
    assert do(host, "status")[0] | {"epoch": 0} == {
        "status": "stopped", "notice": "Training failed (ArithmeticError).", "epoch": 0,
    }  # fmt: skip
    assert host.runs["b"].trainer.steps == 3
    assert capsys.readouterr().err.count("Traceback") == 1


def test_memory_that_runs_out_ends_one_run_with_a_sentence_that_says_what_to_do(host, monkeypatch):
    begin(host, "a", "b")

    def fault(*_):
        raise MemoryError

    monkeypatch.setattr(host.runs["a"], "advance", fault)
    host.work(1e-6)
    assert do(host, "status")[0] | {"epoch": 0} == {"status": "stopped", "notice": NO_MEMORY, "epoch": 0}
    assert host.runs["b"].trainer.steps == 1
    monkeypatch.setattr(host.runs["b"], "change", fault)
    command = {"do": "change", "run": "b", "experiment": SMALL.to_json()}
    assert host.answer(command, {})[0] == {"error": "refused", "sentence": NO_MEMORY}
    monkeypatch.setattr(host.runs["a"], "checkpoint", fault)
    host.checkpoints(0)  # one that cannot be taken hurts nobody either


def test_what_was_done_by_hand_while_paused_is_in_the_next_checkpoint(host):
    begin(host, "a", speed="epoch")
    do(host, "step")
    host.checkpoints(0)
    do(host, "edit", **{"layer": 0, "from": 0, "to": 0, "value": 7.0})
    ((_, (facts, arrays)),) = host.checkpoints(100)
    assert facts["status"] == "paused"
    assert 7.0 in arrays["parameters"]


def test_whose_turn_it_is_can_be_seen_from_outside():
    seen = []
    host = Host(seen.append)
    begin(host, "a", "b")
    del seen[:]
    host.work(1e-6)
    assert seen == ["a", "b"]


def test_a_fault_is_an_answer_and_a_line_in_the_log(host, monkeypatch, capsys):
    begin(host, "a")
    monkeypatch.setattr(host.runs["a"], "step", lambda: {}["lost"])
    assert host.answer({"do": "step", "run": "a"}, {})[0] == {
        "error": "failed", "sentence": "The command failed (KeyError).",
    }  # fmt: skip
    assert "KeyError: 'lost'" in capsys.readouterr().err


def test_checkpoints_are_due_only_after_progress(host):
    begin(host, "a", "b", speed="epoch")
    assert [name for name, _ in host.checkpoints(0)] == ["a", "b"]
    assert host.checkpoints(100) == []
    do(host, "step", "a")
    assert host.checkpoints(SAVED_EVERY / 2) == []  # too soon
    ((name, (facts, arrays)),) = host.checkpoints(200)
    assert (name, facts["epoch"], facts["status"]) == ("a", 1, "paused")
    np.testing.assert_array_equal(arrays["parameters"], host.runs["a"].trainer.network.parameters)
    assert host.checkpoints(300) == []
    do(host, "close", "a")
    begin(host, "a")
    assert [name for name, _ in host.checkpoints(300)] == ["a"]


def test_a_diverged_run_leaves_its_last_good_checkpoint_alone(host):
    experiment = SMALL.change(dataset="plane", hidden=(8, 8), activations="relu", learning_rate=10.0)
    begin(host, "a", experiment=experiment)
    while host.runs["a"].status == "running":
        host.work(1e-3)
    assert host.runs["a"].status == "diverged"
    assert host.checkpoints(1e9) == []


def test_a_run_is_resumed_from_its_checkpoint(host):
    begin(host, "a")
    host.work(0.01)
    do(host, "pause")
    ((_, (facts, arrays)),) = host.checkpoints(0)
    other = Host()
    command = {"do": "resume", "run": "a", "experiment": SMALL.to_json(), "speed": facts["speed"],
               "status": facts["status"], "notice": "It goes on."}  # fmt: skip
    other.handle(command, arrays)
    assert do(other, "status")[0]["notice"] == "It goes on."
    for each in (host, other):
        do(each, "step")
    one, two = host.runs["a"].trainer, other.runs["a"].trainer
    np.testing.assert_array_equal(one.network.parameters, two.network.parameters)
    assert one.steps == two.steps > 0


def test_a_run_can_be_brought_back_stopped(host):
    begin(host, "a")
    host.work(0.01)
    ((_, (facts, arrays)),) = host.checkpoints(0)
    command = {"do": "resume", "run": "a", "experiment": SMALL.to_json(), "speed": facts["speed"],
               "status": "stopped", "notice": "It was stopped.", "stop": True}  # fmt: skip
    host.handle(command, arrays)
    assert do(host, "status")[0] == {"status": "stopped", "notice": "It was stopped.", "epoch": facts["epoch"]}
    do(host, "play")
    assert do(host, "status")[0]["status"] == "running"


def test_counting_tells_running_from_waiting(host):
    assert do(host, "count", "")[0] == {"running": 0, "paused": 0}
    begin(host, "a", "b", "c", speed="epoch")
    do(host, "pause", "b")
    host.runs["c"].seen -= 1000  # nobody looks at it
    assert do(host, "count", "")[0] == {"running": 1, "paused": 2}
