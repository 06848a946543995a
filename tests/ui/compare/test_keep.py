"""Kept members of a comparison: each is trained again on the Playground with the same bits."""

from __future__ import annotations

import pytest

from lab.queries.table import ask
from lab.training.run import SAME_BITS, Run
from tests.lab.store.kept import ANN
from tests.lab.training.test_group_run import GROUPS, HARD
from tests.lab.training.test_repeat import finish
from ui.compare.keep import kept_runs
from ui.compare.outcomes import Outcomes
from ui.session.keeping import repetition

KEPT = {name: GROUPS[name] for name in ("rates", "layers", "folds", "stop rules")}  # a rate of 10 diverges


@pytest.mark.parametrize("group", KEPT.values(), ids=KEPT)
def test_a_kept_member_is_repeated_with_the_same_bits(group, monkeypatch):
    run, found = Run(HARD), Outcomes(group)

    def answer(question, **options):
        run.advance(0.01)
        return ask(run, question, options, {})

    monkeypatch.setattr("ui.session.state.ask", answer)
    found.work(60.0)
    kept = kept_runs(found, ANN)
    assert len(kept) == len(group.members)
    assert len({each.own_source for each in kept}) == len(kept)
    for each in kept:
        other = Run(HARD)
        command = repetition(each)
        assert command
        other.execute(command)
        finish(other)
        assert SAME_BITS in other.notice, each.status
