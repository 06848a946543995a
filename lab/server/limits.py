"""What one server gives to all visitors and to one: a table with a reason for each limit.

The environment overrides a limit: PLAYGROUND_RUNS=40. A value that is not allowed stops the start with a sentence,
because a server without the limit that its owner asked for is worse than none.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import SimpleNamespace
from typing import NamedTuple

START_LIMIT_S = 30.0  # that the start of a worker process may take


class Limit(NamedTuple):
    """`name` in the code, PLAYGROUND_ and the name in capitals in the environment."""

    name: str
    usual: float
    least: float
    most: float
    reason: str


def _half_of_the_machine() -> float:
    """Megabytes; 2000 where the system does not tell."""
    try:
        return max(512.0, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2e6)
    except (AttributeError, OSError, ValueError):
        return 2000.0


LIMITS = (
    Limit("workers", os.cpu_count() or 1, 1, 256, "A training process a core: the server itself mostly sleeps."),
    Limit("runs", 120, 1, 10_000, "Three classes at once; with more, each gets too little, so people wait in line."),
    Limit("runs_a_visitor", 10, 1, 1e4, "Tabs of one browser; one more saves and closes the run not seen for longest."),
    Limit("line", 500, 0, 100_000, "Who waits costs a script run every two seconds; more are asked to come later."),
    Limit("memory_mb", _half_of_the_machine(), 100, 1e7, "All trainers; the rest is for pages and the system."),
    Limit("run_mb", 600, 10, 1e6, "One visitor's data, network and curves: nobody takes what a class shares."),
    Limit("parameters", 2e6, 10, 2e6, "A step of a larger network takes longer than a frame may wait."),
    Limit("piece_s", 3, 0.01, 1e4, "A step or an evaluation: its visitor waits for it, and its core is busy."),
    Limit("unwatched_minutes", 120, 1, 1e5, "A tab hidden for two lessons gives its place back; its network is saved."),
    Limit("away_seconds", 150, 1, 1e5, "A closed tab's run: Streamlit itself forgets a session after 120."),
    Limit("frames_a_second", 330, 10, 1e5, "Of all together: thirty visitors at eleven; the rest is for training."),
    Limit("crowd_frames_a_second", 1000, 10, 1e5, "Of more visitors: up to a hundred at ten, two hundred at five."),
    Limit("sockets_a_run", 4, 1, 100, "A duplicated tab and a projector share a run; more is abuse."),
    Limit("session_uploads_mb", 170, 1, 1e5, "The largest file twice, as one may replace another."),
    Limit("uploads_mb", 850, 1, 1e6, "Those of all sessions while they wait to be read; ten of the largest files."),
    Limit("studies", 2, 1, 100, "Trained at a time: each has processes of its own; more wait for their turn."),
    Limit("study_workers", max(1, (os.cpu_count() or 1) // 2), 1, 256, "Of a study: half of the cores, when idle."),
    Limit("study_trials", 200, 1, 10_000, "Of a study begun on the page; the command line takes more."),
    Limit("study_minutes", 60, 0.01, 1e5, "A study that takes longer stops; a press goes on with it."),
    Limit("deaths", 3, 1, 100, "So often in a row a run may end its process; more is no accident."),
    Limit("forgiven_minutes", 1, 0.01, 1e4, "Older crashes do not count: a run that causes them does so at once."),
    Limit("hang_seconds", 30, 0.1, 3600, "A worker shows life every few milliseconds; the longest step takes seconds."),
    Limit("saved_mb", 200, 0, 1e6, "The folder of saved runs, oldest first to go; 0 saves nothing."),
    Limit("kept_runs", 2000, 1, 1e6, "Of one visitor: some 40 MB. Then the oldest without a star make room."),
    Limit("kept_mb", 2000, 0, 1e7, "The database of kept runs, oldest without a star first to go; 0 keeps nothing."),
    Limit("kept_days", 180, 0.01, 1e5, "Half a school year; whoever wants to have a run longer exports it."),
    Limit("kept_studies", 50, 1, 1e4, "Of one visitor; then the one not changed for longest makes room."),
    Limit("saved_hours", 24, 0.01, 1e4, "A class goes on tomorrow; after that the link is the memory."),
)  # fmt: skip


def limits(environment: Mapping[str, str] = os.environ) -> SimpleNamespace:
    """The table with what the environment says: a namespace of numbers. Raises ValueError with one sentence."""
    return SimpleNamespace(**{limit.name: _read(limit, environment) for limit in LIMITS})


def _read(limit: Limit, environment: Mapping[str, str]) -> float:
    name = f"PLAYGROUND_{limit.name.upper()}"
    text = environment.get(name, "")
    try:
        value = float(text) if text else limit.usual
    except ValueError:
        value = float("nan")
    if not limit.least <= value <= limit.most:
        allowed = f"a number from {limit.least:,.10g} to {limit.most:,.10g}"
        raise ValueError(f"{name}: {text[:40]!r} is not allowed; allowed: {allowed}.")
    return value
