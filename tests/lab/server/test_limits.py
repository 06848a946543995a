"""One table of limits: what the environment may say, and the line before a full house."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.server.limits import LIMITS, limits
from lab.server.waiting_queue import ASK_WITHIN_S, WaitingQueue


def test_every_limit_has_a_reason_and_a_usual_value_that_is_allowed():
    usual = limits({})
    for limit in LIMITS:
        assert limit.reason.endswith((".", "saves nothing."))
        assert limit.least <= getattr(usual, limit.name) <= limit.most


def test_the_environment_overrides_a_line_and_nothing_else():
    assert vars(limits({"PLAYGROUND_RUNS": "7"})) == {**vars(limits({})), "runs": 7}


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "1e9", "many", "7;8", "\x00", "٣٣٣٣٣٣", " "])
def test_a_limit_that_is_not_allowed_is_refused_with_a_sentence(value):
    with pytest.raises(ValueError, match=r"^PLAYGROUND_RUNS: .* is not allowed; allowed: a number from 1 to 10,000\.$"):
        limits({"PLAYGROUND_RUNS": value})


def test_first_come_first_served():
    line = WaitingQueue(10)
    assert [line.ask(name, 0, 0) for name in "abc"] == [0, 1, 2]
    assert line.ask("b", 1, 1) == 1  # one place is free: it is a's
    assert line.ask("new", 1, 1) == 3
    assert line.ask("a", 1, 2) is None
    assert [line.ask(name, 0, 2) for name in ("b", "c", "new")] == [0, 1, 2]
    assert line.ask("b", 3, 3) is None
    assert line.ask("new", 2, 3) is None


def test_who_stops_asking_has_left_the_line():
    line = WaitingQueue(10)
    line.ask("a", 0, 0)
    line.ask("b", 0, ASK_WITHIN_S)
    assert line.ask("b", 0, ASK_WITHIN_S + 1) == 0
    line.leave("b")
    assert len(line) == 0


def test_a_full_line_sends_away_but_keeps_those_in_it():
    line = WaitingQueue(2)
    assert [line.ask(name, 0, 0) for name in "abcb"] == [0, 1, -1, 1]
    assert len(line) == 2


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 2)), max_size=40))
def test_nobody_overtakes(asked):
    line, arrived = WaitingQueue(100), []
    for name, free in asked:
        before = line.ask(name, free, 0)
        if name not in arrived:
            arrived.append(name)
        if before is None:
            assert arrived.index(name) < free
            arrived.remove(name)
        else:
            assert before == arrived.index(name)
