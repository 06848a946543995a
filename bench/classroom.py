"""Benchmark of a class: students on one server, with different experiments, training and moving sliders."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
import time
import urllib.request
from typing import Any

import psutil

from bench.serving import CHROMIUM_FLAGS, ROOT, Server, chromium_path
from bench.student import Student, Tally

WORKLOADS = {
    "toys": [
        "dataset=circle&hidden=8,8", "dataset=xor&hidden=4,2", "dataset=gauss&hidden=8", "dataset=spiral&hidden=8,8,8",
        "dataset=moons&hidden=6,6&activations=relu", "dataset=plane&hidden=4", "dataset=circle&optimizer=adam&seed=2",
        "dataset=spiral&noise=0.2&hidden=16,8&seed=3", "dataset=xor&noise=0.3&l2=0.001", "dataset=iris&hidden=8",
    ],
    "digits": ["dataset=digits&hidden=64,32&batch_size=32", "dataset=digits&hidden=32&optimizer=adam"],
    "mnist": ["dataset=mnist&hidden=128&batch_size=64&activations=relu&learning_rate=0.1"],
}  # fmt: skip
WARM_UP_S = 6.0  # of training before the measurement
ARRIVAL_INTERVAL_S = 0.15  # between two students who open the page
HEADLESS = """
import json, sys, time
from lab.__main__ import read
from lab.training.build import build
rates = []
for query in json.loads(sys.argv[1]):
    trainer = build(read(query)).trainer
    trainer.run_for(0.2)
    steps, begin = trainer.steps, time.perf_counter()
    trainer.run_for(0.6)
    rates.append((trainer.steps - steps) / (time.perf_counter() - begin))
print(sum(rates) / len(rates))
"""


def measure(
    workloads: list[str], students: list[int], seconds: float = 20.0, pages: int = 0, group: int = 0
) -> list[dict[str, Any]]:
    """One row per workload and number of students, each on a new server. pages: number of additional real browsers.

    group: runs that each student's page trains beside the visible one after each move of the slider.
    """
    rows = []
    for workload in workloads:
        queries = WORKLOADS[workload]
        for number in students:
            before = _headless(queries)
            row = _class(queries, number, seconds, pages, group)
            headless = (before + _headless(queries)) / 2
            steps, workers = row.pop("steps_per_second"), row["workers"]
            row["beside_one_process"], row["headless_ratio"] = steps / headless, steps / (headless * workers)
            rows.append({"workload": workload, **row})
    return rows


def _headless(queries: list[str]) -> float:
    """Mean steps per second of the experiments in one process without a page."""
    words = [sys.executable, "-c", HEADLESS, json.dumps(queries)]
    return float(subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def _class(queries: list[str], number: int, seconds: float, pages: int, group: int) -> dict[str, Any]:
    server = Server(PLAYGROUND_RUNS=str(max(120, number + pages + 10)))
    try:
        process = psutil.Process(server.process.pid)
        fps: list[float] = []
        browsers = [threading.Thread(target=_browse, args=(server.url, seconds + WARM_UP_S, fps)) for _ in range(pages)]
        for browser in browsers:
            browser.start()
        row = asyncio.run(_lesson(server, process, queries, number, seconds, group))
        for browser in browsers:
            browser.join()
        return {**row, **({"page_fps": min(fps, default=0.0)} if pages else {})}
    finally:
        server.stop()


async def _lesson(
    server: Server, process: psutil.Process, queries: list[str], number: int, seconds: float, group: int
) -> dict[str, Any]:
    students = [Student(server.url, f"{queries[n % len(queries)]}&speed=max", n, group) for n in range(number)]
    tasks = []
    for student in students:
        tasks.append(asyncio.create_task(student.attend()))
        await asyncio.sleep(ARRIVAL_INTERVAL_S)
    await asyncio.wait([asyncio.create_task(_opened(student)) for student in students])
    await asyncio.sleep(WARM_UP_S)
    tallies = [student.tally for student in students]
    for tally in tallies:
        tally.counts = True
    begin, first, steps = time.monotonic(), _usage(process), [tally.steps for tally in tallies]
    await asyncio.sleep(seconds)
    wall, last = time.monotonic() - begin, _usage(process)
    done = sum(tally.steps - before for tally, before in zip(tallies, steps, strict=True))
    for student in students:
        student.done.set()
    await asyncio.wait(tasks, timeout=10)
    with urllib.request.urlopen(f"{server.url}healthz", timeout=60) as answer:
        health = json.load(answer)
    row = _row(tallies, wall, first, last, done, health)
    return row | ({"members_per_second": sum(tally.members for tally in tallies) / wall} if group else {})


async def _opened(student: Student) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(student.ready.wait(), 120)


def _row(
    tallies: list[Tally], wall: float, first: dict, last: dict, steps: int, health: dict[str, Any]
) -> dict[str, Any]:
    frames = sorted(seconds for tally in tallies for seconds in tally.frames)
    slides = sorted(seconds for tally in tallies for seconds in tally.slides)
    mistakes = [mistake for tally in tallies for mistake in tally.mistakes]
    for mistake in sorted(set(mistakes)):
        print(f"{mistakes.count(mistake)} x {mistake}", file=sys.stderr)
    return {
        "students": len(tallies),
        "fps": len(frames) / wall / len(tallies),
        "fps_least": min(len(tally.frames) for tally in tallies) / wall,
        "frame_p50_ms": _percentile(frames, 0.5),
        "frame_p95_ms": _percentile(frames, 0.95),
        "slider_p50_ms": _percentile(slides, 0.5),
        "slider_p95_ms": _percentile(slides, 0.95),
        "open_p95_ms": _percentile(sorted(tally.opened for tally in tallies), 0.95),
        "server_cores": (last["server"] - first["server"]) / wall,
        "worker_cores": (last["workers"] - first["workers"]) / wall,
        "pupils_cores": (last["pupils"] - first["pupils"]) / wall,
        "workers": last["count"],
        "rss_mb_start": first["rss"],
        "rss_mb": last["rss"],
        "restarts": health["workers"]["restarts"],
        "mistakes": len(mistakes),
        "steps_per_second": steps / wall,
    }


def _percentile(ordered: list[float], share: float) -> float | None:
    """A percentile in milliseconds; None for an empty list."""
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def _usage(process: psutil.Process) -> dict[str, float]:
    """CPU seconds so far and memory (MB) of the server and its workers."""
    workers = [child for child in process.children() if "lab.worker" in child.cmdline()]
    return {
        "server": sum(process.cpu_times()[:2]),
        "workers": sum(sum(worker.cpu_times()[:2]) for worker in workers),
        "pupils": time.process_time(),
        "rss": sum(each.memory_info().rss for each in (process, *workers)) / 1e6,
        "count": len(workers),
    }


def _browse(url: str, seconds: float, rates: list[float]) -> None:
    """A real browser next to the simulated students; appends its painted frames per second."""
    from playwright.sync_api import sync_playwright

    painted = "+document.querySelector('[data-testid=live]').dataset.frame"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(CHROMIUM_FLAGS))
        page = browser.new_page()
        page.goto(url)
        page.wait_for_function("document.querySelector('[data-testid=live]')?.dataset.frame > 0", timeout=120_000)
        page.get_by_role("button", name="Play", exact=True).click()
        page.wait_for_timeout(1000)
        before, begin = page.evaluate(painted), time.monotonic()
        page.wait_for_timeout(seconds * 1000)
        rates.append((page.evaluate(painted) - before) / (time.monotonic() - begin))
        browser.close()
