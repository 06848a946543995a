"""Benchmark of the live page: painted frames, training speed, and the time from a slider to its effect.

With another checkout: how long first visits and reloads take on both pages, in turn.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from bench.serving import CHROMIUM_FLAGS, ROOT, Server, chromium_path

SEVEN = "features=x1,x2,x1^2,x2^2,x1*x2,sin_x1,sin_x2"
WORKLOADS = {
    "default": "",
    "4-2": f"{SEVEN}&hidden=4,2&dataset=spiral",
    "8-8": f"{SEVEN}&hidden=8,8&dataset=spiral",
    "6x8": f"{SEVEN}&hidden=8,8,8,8,8,8&dataset=spiral",
    "digits": "dataset=digits&hidden=64,32",
}
MEASURED_S = 8.0  # of streaming
DRAGGED_S = 3.0  # of a slider at the speed Instant
VISITS = 30  # to each checkout, after two that do not count
TILES_S = 5.0  # from the first picture of all tiles on, or until all runs have ended
MOVES = 14  # of the mouse from one end of the slider to the other: each shows another value
HEADLESS = """
import sys, time
from lab.__main__ import read
from lab.training.build import build
trainer = build(read(sys.argv[1] or "{}")).trainer
trainer.run_for(0.3)
steps, begin = trainer.steps, time.perf_counter()
trainer.run_for(2.0)
print((trainer.steps - steps) / (time.perf_counter() - begin))
"""
WATCH = """
window.longTasks = 0;
new PerformanceObserver(list => { for (const task of list.getEntries()) longTasks += task.duration; })
  .observe({ entryTypes: ['longtask'] });
(function look() {
  const live = document.querySelector('[data-testid=live]');
  if (live?.dataset.frame > 0) window.firstPaint = performance.now();
  else requestAnimationFrame(look);
})();
"""
REMOUNTS = """
() => {
  const live = document.querySelector('[data-testid=live]');
  window.remounts = 0;
  const chart = 'canvas, table, .js-plotly-plot';
  const charts = node => node.nodeType === 1 && (node.matches(chart) || node.querySelector(chart));
  new MutationObserver(list => {
    for (const change of list) for (const node of change.removedNodes) if (charts(node)) remounts++;
  }).observe(live.parentElement.parentElement, { childList: true, subtree: true });
}
"""
SLIDER = """
() => new Promise(resolve => {
  const live = document.querySelector('[data-testid=live]'), before = live.dataset.learningRate;
  let pressed;
  addEventListener('keydown', () => { pressed = performance.now(); }, { capture: true, once: true });
  new MutationObserver((_, observer) => {
    if (live.dataset.learningRate === before) return;
    observer.disconnect();
    resolve(performance.now() - pressed); // the data attributes change in the same animation frame that paints them
  }).observe(live, { attributes: true, attributeFilter: ['data-learning-rate'] });
})
"""
CURVE_POINTS = "document.querySelector('[data-chart=loss] .js-plotly-plot')?.data?.[0]?.x?.length"
FIRST_STEP = f"""
() => new Promise(resolve => {{
  const before = {CURVE_POINTS};
  let pressed;
  addEventListener('pointerdown', () => {{ pressed = performance.now(); }}, {{ capture: true, once: true }});
  (function look() {{
    if ({CURVE_POINTS} !== before) resolve(performance.now() - pressed);
    else requestAnimationFrame(look);
  }})();
}})
"""
PAINTS = """
() => {
  window.paints = 0;
  new MutationObserver(() => { paints++; })
    .observe(document.querySelector('[data-testid=live]'), { attributes: true, attributeFilter: ['data-frame'] });
}
"""
TILES = "compare=tiles:1:weights:400:learning_rate:batch_size"  # 64 runs
PICTURES = """
() => {
  window.pictures = [];
  const isTrained = ({ target }) => target.matches('[role=radio]') && !target.ariaLabel.includes('not trained');
  new MutationObserver(changes => changes.some(isTrained) && pictures.push(performance.now())) // all change together
    .observe(document.body, { attributes: true, attributeFilter: ['aria-label'], subtree: true });
}
"""
NUMBERS = """
() => {
  const live = document.querySelector('[data-testid=live]').dataset;
  return { frame: +live.frame, epoch: +live.epoch, now: performance.now(), longTasks, remounts: window.remounts };
}
"""


def measure(workloads: list[str], before: str | None = None) -> list[dict[str, Any]]:
    """One row per workload.

    before: folder of another checkout; then only the time until the first picture is measured, on its page and ours.
    """
    if before:
        return _compare_visits(workloads, Path(before))
    server = Server()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(CHROMIUM_FLAGS))
            _warm_up(_visit(browser, server.url, ""))
            return [_row(browser, server.url, name) for name in workloads]
    finally:
        server.stop()


def _compare_visits(workloads: list[str], before: Path) -> list[dict[str, Any]]:
    with ExitStack() as stack:
        urls = []
        for root in (before, ROOT):
            server = Server(root=root)
            stack.callback(server.stop)
            urls.append(server.url)
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(CHROMIUM_FLAGS))
        return [_visits(browser, urls, name) for name in workloads]


def _visits(browser: Browser, urls: list[str], workload: str) -> dict[str, Any]:
    """The figures of both pages, and the median of the ratio ours / before, of first visits and of reloads."""
    pairs = []
    for number in range(VISITS + 2):
        turn = [0, 1] if number % 2 else [1, 0]
        times = {side: _visit_twice(browser, urls[side], WORKLOADS[workload]) for side in turn}
        pairs.append((times[0], times[1]))
    row: dict[str, Any] = {"workload": workload}
    for place, name in enumerate(("first_visit", "first_paint")):
        before, ours = zip(*[(old[place], new[place]) for old, new in pairs[2:]], strict=True)
        row[f"{name}_before_ms"], row[f"{name}_ms"] = statistics.median(before), statistics.median(ours)
        row[f"{name}_ratio"] = statistics.median(new / old for old, new in zip(before, ours, strict=True))
    return row


def _visit_twice(browser: Browser, url: str, query: str) -> tuple[float, float]:
    """Milliseconds until the first picture, of a new visitor and after a reload."""
    page = _visit(browser, url, query)
    first = _first_paint(page)
    page.goto(f"{url}?{query}")
    again = _first_paint(page)
    page.context.close()
    time.sleep(0.3)  # until the server has noticed that the visitor left
    return first, again


def _row(browser: Browser, url: str, workload: str) -> dict[str, Any]:
    query = WORKLOADS[workload]
    paced, _ = _stream(browser, url, query, "epoch")
    before = _headless(query)
    flat_out, steps_per_epoch = _stream(browser, url, query, "max")
    headless = (before + _headless(query)) / 2
    return {
        "workload": workload,
        "first_visit_ms": paced["first_visit_ms"],
        "first_paint_ms": paced["first_paint_ms"],
        "painted_fps": paced["painted_fps"],
        "painted_fps_flat_out": flat_out["painted_fps"],
        "epochs_per_second": flat_out["epochs_per_second"],
        "headless_ratio": flat_out["epochs_per_second"] * steps_per_epoch / headless,
        "slider_ms": paced["slider_ms"],
        "first_step_ms": _first_step(browser, url, query),
        "instant_fps": _instant(browser, url, query),
        "tiles_fps": _tiles(browser, url, query),
        "frame_kb": paced["frame_kb"],
        "remounts": paced["remounts"] + flat_out["remounts"],
        "long_task_ms": paced["long_task_ms"],
        "style_ms": paced["style_ms"],
    }


def _headless(query: str) -> float:
    """Steps per second of the same experiment without a page, in a separate process."""
    done = subprocess.run([sys.executable, "-c", HEADLESS, query], cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout)


def _visit(browser: Browser, url: str, query: str) -> Page:
    """Open the page in a new browser context."""
    page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    page.add_init_script(WATCH)
    page.goto(f"{url}?{query}")
    return page


def _warm_up(page: Page) -> None:
    """Wait until the whole page is ready, so that nothing is still loading during the first measurement."""
    page.wait_for_function("document.querySelectorAll('.js-plotly-plot').length >= 3")
    page.wait_for_function("document.querySelector('[data-test-script-state=notRunning]')")
    page.context.close()


def _first_paint(page: Page) -> float:
    """Milliseconds from navigation to the first painted frame."""
    return page.wait_for_function("window.firstPaint").json_value()


def _stream(browser: Browser, url: str, query: str, speed: str) -> tuple[dict[str, float], float]:
    """Press Play and measure a page; returns its figures and the number of steps per epoch."""
    page = _visit(browser, url, f"{query}&speed={speed}")
    first_visit = _first_paint(page)
    sizes: list[int] = []
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.webSocketFrameReceived", lambda event: sizes.append(_size(event)))
    session.send("Performance.enable")
    page.get_by_role("button", name="Step", exact=True).hover()  # once its help was shown, its styles count
    page.get_by_role("tooltip").wait_for()
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("document.querySelector('[data-testid=live]').dataset.epoch > 5")
    page.wait_for_timeout(1500)
    page.evaluate(REMOUNTS)
    sizes.clear()
    first, style = page.evaluate(NUMBERS), _style_s(session)
    page.wait_for_timeout(MEASURED_S * 1000)
    last, style = page.evaluate(NUMBERS), _style_s(session) - style
    frames = [size for size in sizes if size > 1000]
    seconds = (last["now"] - first["now"]) / 1000
    figures = {
        "first_visit_ms": first_visit,
        "painted_fps": (last["frame"] - first["frame"]) / seconds,
        "epochs_per_second": (last["epoch"] - first["epoch"]) / seconds,
        "remounts": last["remounts"],
        "long_task_ms": (last["longTasks"] - first["longTasks"]) / seconds,
        "style_ms": 1000 * style / seconds,
        "frame_kb": statistics.mean(frames) / 1000 if frames else 0.0,
        "slider_ms": _slider(page),
    }
    page.goto(f"{url}?{query}")
    figures["first_paint_ms"] = _first_paint(page)
    steps = json.loads(
        subprocess.run(
            [sys.executable, "-m", "lab", "run", query or "{}", "--epochs", "1", "--json"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
    )["steps"]
    page.context.close()
    return figures, steps


def _style_s(session: CDPSession) -> float:
    """Seconds for which the page has calculated which styles apply to its elements."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(metric["value"] for metric in metrics if metric["name"] == "RecalcStyleDuration")


def _size(event: dict[str, Any]) -> int:
    """Size of a received message in bytes; binary ones are base64."""
    response = event["response"]
    return len(response["payloadData"]) * 3 // 4 if response["opcode"] == 2 else 0


def _slider(page: Page) -> float:
    """Median milliseconds from a key press on the learning-rate slider to the first painted frame with the new rate."""
    slider = page.get_by_role("slider", name="Learning rate")
    times = []
    for key in ("ArrowLeft", "ArrowRight") * 4:
        page.evaluate(f"void (window.sliderTime = ({SLIDER})())")
        slider.focus()
        page.keyboard.press(key)
        times.append(page.evaluate("window.sliderTime"))
        page.wait_for_timeout(300)
    return statistics.median(times)


def _first_step(browser: Browser, url: str, query: str) -> float:
    """Milliseconds from the first press of Step on a page that has just been opened to its point of the loss curve."""
    page = _visit(browser, url, query)
    page.wait_for_function(f"{CURVE_POINTS} > 0")
    page.evaluate(f"void (window.firstStep = ({FIRST_STEP})())")
    page.get_by_role("button", name="Step", exact=True).click()
    taken = page.evaluate("window.firstStep")
    page.context.close()
    return taken


def _instant(browser: Browser, url: str, query: str) -> float:
    """Painted frames per second while the learning rate is dragged at the speed Instant, each of a finished run."""
    page = _visit(browser, url, f"{query}&speed=instant")
    _first_paint(page)
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("document.querySelector('[data-testid=live]').dataset.epoch > 5")
    slider = page.get_by_role("slider", name="Learning rate")
    slider.scroll_into_view_if_needed()
    thumb, track = slider.bounding_box(), page.get_by_test_id("stSlider").filter(has=slider).bounding_box()
    assert thumb, "the slider is on the page"
    assert track
    y = thumb["y"] + thumb["height"] / 2
    page.mouse.move(thumb["x"] + thumb["width"] / 2, y)
    page.mouse.down()
    page.evaluate(PAINTS)
    begin, move = time.monotonic(), 0
    while (seconds := time.monotonic() - begin) < DRAGGED_S:
        move += 1
        page.mouse.move(track["x"] + move % 2 * track["width"], y, steps=MOVES)  # as fast as the page takes them
    painted = page.evaluate("paints")
    page.mouse.up()
    page.context.close()
    return painted / seconds


def _tiles(browser: Browser, url: str, query: str) -> float:
    """Pictures per second of all tiles of the page Compare while they train."""
    page = _visit(browser, f"{url}compare", f"{query}&{TILES}")
    begin = page.get_by_role("button", name="Train ")
    page.get_by_role("radiogroup", name="Pairs of values").or_(begin).wait_for()
    page.evaluate(PICTURES)
    if begin.is_visible():
        begin.click()
    page.wait_for_function("pictures.length > 1")
    page.wait_for_timeout(TILES_S * 1000)
    pictures = page.evaluate("pictures")
    page.context.close()
    return 1000 * (len(pictures) - 1) / (pictures[-1] - pictures[0])
