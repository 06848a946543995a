"""The server in numbers, as Prometheus reads them: one table, and nothing about a single visitor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from lab.server.pool import WorkerPool
from ui.server.traffic import Traffic

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Sample(NamedTuple):
    name: str
    kind: str  # gauge | counter
    help: str
    value: float
    labels: str = ""


def samples(runs: WorkerPool, health: Mapping[str, Any], traffic: Traffic) -> list[Sample]:
    """health: what WorkerPool.health says."""
    trainers, workers = health["trainers"], health["workers"]
    here = sum(record.away_since is None for record in runs.runs.records())
    hangs = sum(worker.hangs for worker in runs.workers)
    failures = runs.store.failures if runs.store else 0
    return [
        Sample("sessions", "gauge", "Visitors whose page is connected.", here),
        Sample("sockets", "gauge", "Live pages that asked for a frame in the last two seconds.", traffic.present),
        Sample("trainers", "gauge", "Runs, by what they do.", trainers["running"], '{state="running"}'),
        Sample("trainers", "gauge", "Runs, by what they do.", trainers["paused"], '{state="paused"}'),
        Sample("runs_limit", "gauge", "Most runs at once.", runs.limits.runs),
        Sample("queue", "gauge", "Visitors who wait in line.", len(runs.queue)),
        Sample("memory_expected_mb", "gauge", "What all runs are expected to take.", runs.occupied),
        Sample("frames_total", "counter", "Frames asked for since the start.", runs.frames),
        Sample("frame_seconds", "gauge", "How long the last frames took, on average.", traffic.latency),
        Sample("workers_alive", "gauge", "Worker processes that answer.", workers["alive"]),
        Sample("worker_restarts_total", "counter", "Workers that ended and were started again.", workers["restarts"]),
        Sample("worker_hangs_total", "counter", "Of these, ended because they hung.", hangs),
        Sample("runs_given_up_total", "counter", "Runs that ended their process too often.", runs.runs.given_up),
        Sample("sockets_refused_total", "counter", "Sockets beyond those that a run may have.", traffic.turned_away),
        Sample("save_failures_total", "counter", "Checkpoints that could not be written or read.", failures),
    ]  # fmt: skip


def text(table: list[Sample]) -> str:
    lines, told = [], set()
    for name, kind, help, value, labels in table:
        if name not in told:
            lines += [f"# HELP playground_{name} {help}", f"# TYPE playground_{name} {kind}"]
            told.add(name)
        lines.append(f"playground_{name}{labels} {value:.10g}")
    return "\n".join(lines) + "\n"
