"""Clusters of several sizes are compared by the trials of a study."""

from __future__ import annotations

from bench import studies
from bench.__main__ import arguments


def test_lost_doubled_and_different_trials_are_counted(monkeypatch):
    trials = [{"number": number} for number in range(64)]
    found = iter([(60.0, trials), (40.0, trials), (30.0, trials[:-1]), (45.0, [trials[0], *trials])])
    monkeypatch.setattr(studies, "conducted", lambda study, workers, kills: next(found))
    rows = studies.measure(arguments(["studies"])["workloads"])
    assert [row["efficiency"] for row in rows] == [1, 0.75, 0.5, 60 / 90]
    assert [(row["same_rows"], row["lost"], row["doubled"]) for row in rows] == [
        (True, 0, 0), (True, 0, 0), (False, 1, 0), (False, 0, 1),
    ]  # fmt: skip
    assert [(row["workers"], row["killed"]) for row in rows] == [(1, 0), (2, 0), (4, 0), (2, 1)]
