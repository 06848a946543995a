"""The page Runs with 10,000 kept runs, and thirty writers beside a training process.

page: from a press in the navigation to the table, in Chromium; overlay: from a choice of 50 runs to their curves.
writers: what thirty threads in three processes write, each a run a second, and the speed of training beside them,
relative to the same process without writers: turns alternate, and each pair is compared.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.run_examples import VISITOR, example
from bench.serving import CHROMIUM_FLAGS, ROOT, Server, chromium_path
from lab.store.kept_run import owner_of
from lab.store.store import Bounds, Store
from ui.runs import comparison, table
from ui.runs.runs import FEW
from ui.session.waiting import COOKIE

WORKLOADS = ("data", "page", "writers")
KEPT, OVERLAID = 10_000, 50
ROUNDS, MINUTES = 7, 2.0
WRITERS, PROCESSES = 30, 3


def measure(
    workloads: Sequence[str] = WORKLOADS, rounds: int = ROUNDS, minutes: float = MINUTES, kept: int = KEPT
) -> list[dict[str, Any]]:
    """One row per measurement: milliseconds, or the ratio of training with writers to training without them."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="playground-bench-") as folder:
        address = f"sqlite:///{Path(folder) / 'runs.sqlite3'}"
        store = Store(address, Bounds(runs=10 * kept))
        if {"data", "page"} & {*workloads}:
            for start in range(0, kept, 500):
                store.keep(*(example(number) for number in range(start, min(kept, start + 500))))
        if "data" in workloads:
            rows += _data(store, rounds, kept)
        if "page" in workloads:
            rows += _page(address, rounds, kept)
        if "writers" in workloads:
            rows += _writers(address, store, minutes)
        store.close()
    return rows


def _row(name: str, kept: int, values: Sequence[float]) -> dict[str, Any]:
    q1, median, q3 = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [*values] * 3
    return {"workload": name, "kept": kept, "median": median, "q1": q1, "q3": q3, "worst": max(values)}


def _milliseconds(act: Any, rounds: int) -> list[float]:
    act()
    found = []
    for _ in range(rounds):
        begin = time.perf_counter()
        act()
        found.append(1000 * (time.perf_counter() - begin))
    return found


def _data(store: Store, rounds: int, kept: int) -> list[dict[str, Any]]:
    """What the server does, without Streamlit and the browser."""
    owner = owner_of(VISITOR)

    def first() -> None:
        found = store.find(owner, limit=FEW).runs
        small = store.thumbnails(run.id for run in found)
        columns = table.columns_of(found, everything=False)
        assert [[table.cell(run, column["name"]) for column in columns] for run in found]
        assert [table.picture(each, "light") for each in small.values()]

    def overlay() -> None:
        runs = store.load(run.id for run in store.find(owner, limit=OVERLAID).runs)
        assert comparison.curves_figure(runs, "learning_rate", "light").to_json()

    def sorted_page() -> None:
        assert store.find(owner, text="learning_rate>0.002", sort="learning_rate", limit=FEW).runs

    return [_row("server: table, ms", kept, _milliseconds(first, rounds)),
            _row("server: search and sort, ms", kept, _milliseconds(sorted_page, rounds)),
            _row("server: overlay, ms", kept, _milliseconds(overlay, rounds))]  # fmt: skip


# From the next press on, by the page's own clock: what a tool needs for a press does not count.
WATCH = """
() => document.addEventListener('click', press => {
  window.drawn = {};
  const look = () => {
    const passed = performance.now() - press.timeStamp;
    if (document.querySelector('.runs-table tbody tr')) drawn.table ??= passed;
    if (document.querySelector('.charts[data-name="runs_curves"] .js-plotly-plot .scatterlayer')) drawn.curves = passed;
    else requestAnimationFrame(look);
  };
  look();
}, { capture: true, once: true })
"""


def _page(address: str, rounds: int, kept: int) -> list[dict[str, Any]]:
    """In a real browser, which has visited the page before."""
    from playwright.sync_api import sync_playwright

    path = chromium_path()
    if path is None:
        return []
    tables, overlays = [], []
    server = Server(PLAYGROUND_DATABASE=address, PLAYGROUND_KEPT_RUNS=str(10 * kept))
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=[*CHROMIUM_FLAGS])
            context = browser.new_context(viewport={"width": 1366, "height": 900})
            context.add_cookies([{"name": COOKIE, "value": VISITOR, "url": server.url}])
            page = context.new_page()
            for _ in range(rounds + 1):  # the first one fills the caches
                page.goto(f"{server.url}help")
                page.get_by_role("heading", name="Help", exact=True).first.wait_for()
                page.get_by_role("navigation").get_by_role("button", name="Runs").click()
                page.evaluate(WATCH)
                page.get_by_role("menuitem", name="Runs", exact=True).click()
                drawn = page.wait_for_function("window.drawn?.curves && drawn").json_value()
                tables.append(drawn["table"])
                overlays.append(drawn["curves"])  # of the first fifty
            browser.close()
    finally:
        server.stop()
    return [_row("browser: table, ms", kept, tables[1:]), _row("browser: overlay, ms", kept, overlays[1:])]


# Writers --------------------------------------------------------------------------------------------------------------

WRITE = """
import sys, threading, time
from bench.run_examples import PAUSE_S, example
from lab.store.store import Bounds, Store
address, first, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
store, problems, counts = Store(address, Bounds(runs=10**6)), [], [0] * threads
print("open", flush=True)
sys.stdin.readline()
ends = time.monotonic() + float(sys.argv[4])
def write(k):
    while time.monotonic() < ends:
        try:
            store.keep(example(first + 10_000 * k + counts[k], owner=f"writer {first} {k}"))
            counts[k] += 1
        except Exception as problem:
            problems.append(str(problem))
        time.sleep(PAUSE_S)
threads = [threading.Thread(target=write, args=(k,)) for k in range(threads)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sum(counts), len(problems), flush=True)
"""
TRAIN = """
import sys, time
from lab.experiment.experiment import Experiment
from lab.training.build import build
trainer = build(Experiment(dataset="spiral", hidden=(8, 8))).trainer
trainer.wait_for_compiler()
trainer.run_for(0.5)
print("ready", flush=True)
for line in sys.stdin:
    before, begin, cpu = trainer.steps, time.perf_counter(), time.process_time()
    trainer.run_for(float(line))
    steps = trainer.steps - before
    print(steps / (time.perf_counter() - begin), steps / (time.process_time() - cpu), flush=True)
"""
TURN_S = 5.0  # of training, between two measured ones


@contextmanager
def _process(code: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", code, *words], cwd=ROOT, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
    try:
        _answer(process)
        yield process
    finally:
        process.kill()
        process.communicate()


def _answer(process: subprocess.Popen[str], question: str = "") -> str:
    assert process.stdin
    assert process.stdout
    if question:
        process.stdin.write(question + "\n")
        process.stdin.flush()
    return process.stdout.readline().strip()


def _writers(address: str, store: Store, minutes: float) -> list[dict[str, Any]]:
    before, pairs = store.count(), max(1, round(minutes * 60 / TURN_S))
    turn, told, problems = min(TURN_S, minutes * 60), 0, 0
    ratios: list[list[float]] = []
    with _process(TRAIN) as training:
        for pair in range(pairs):
            alone = _speeds(training, turn)
            written, failed, beside = _write_beside(training, address, turn, 1_000_000 * (pair + 1))
            told, problems = told + written, problems + failed
            ratios.append([a / b for a, b in zip(beside, alone, strict=True)])
    lost = told - (store.count() - before)
    wall, cpu = zip(*ratios, strict=True)
    more = {"written": told, "lost": lost, "refused": problems}
    return [{**_row("training beside writers / alone", before, wall), **more},
            {**_row("the same, steps per second of the processor", before, cpu), **more}]  # fmt: skip


def _speeds(training: subprocess.Popen[str], seconds: float) -> list[float]:
    """Steps per second, and per second of the processor."""
    return [float(word) for word in _answer(training, str(seconds)).split()]


def _write_beside(
    training: subprocess.Popen[str], address: str, seconds: float, first: int
) -> tuple[int, int, list[float]]:
    """Rows that were written and refused, and steps per second meanwhile."""
    speed: list[list[float]] = []
    with (
        _process(WRITE, address, str(first), str(WRITERS // PROCESSES), str(seconds)) as a,
        _process(WRITE, address, str(first + 300_000), str(WRITERS // PROCESSES), str(seconds)) as b,
        _process(WRITE, address, str(first + 600_000), str(WRITERS // PROCESSES), str(seconds)) as c,
    ):
        thread = threading.Thread(target=lambda: speed.append(_speeds(training, seconds)))
        thread.start()
        for process in (a, b, c):
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
        counts = [[int(word) for word in _answer(process).split()] for process in (a, b, c)]
        thread.join()
    return sum(count for count, _ in counts), sum(failed for _, failed in counts), speed[0]
