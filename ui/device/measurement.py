"""The page Device: the devices of this machine, and a measured comparison of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from engine.backend import Device
from lab.devices.benchmark import EPOCH_SAMPLES, Busy, Comparison, limits
from lab.devices.search import devices, steps_on_cpu_so_far
from ui.figures.epoch_times import epoch_times
from ui.kit.charts import charts, theme
from ui.kit.escape import escape_markdown
from ui.session import state

REFRESH_S = 0.5  # between two refreshes during a measurement
COLUMNS = {
    "device": "Device",
    "width": "Neurons",
    "batch": "Batch",
    "epoch_s": "Seconds per epoch",
    "step_us": "Microseconds per step",
    "rate": "Multiply-adds per nanosecond",
    "limit": "Limited by",
}


def device_list() -> None:
    """Every device, whether it is available, and how to fix one that is not."""
    st.markdown("\n".join(f"- **{escape_markdown(device.label)}**: {_state(device)}" for device in devices()))
    st.markdown(f"On the CPU: {escape_markdown(steps_on_cpu_so_far())}")


def _state(device: Device) -> str:
    memory = f" {device.memory / 2**30:.0f} GB of memory." if device.memory else ""
    if device.usable:
        return f"available.{memory}"
    fix = f" To fix this: {escape_markdown(device.fix)}" if device.fix else ""
    return f"not available. {escape_markdown(device.reason)}{memory}{fix}"


@st.fragment
def measurement() -> None:
    """Start and stop the measurement, and show its results so far. It runs in a process of its own."""
    job: Comparison | None = state.notes().get("comparison")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if job and job.running:
            help = "Stops the measurement and keeps its results so far."
            st.button("Stop measuring", key="measure_stop", on_click=job.stop, help=help)
        else:
            help = "Trains test networks for about ten seconds in a separate process. Your network does not change."
            st.button("Measure", key="measure", type="primary", on_click=_begin, help=help)
    if refused := state.notes().get("comparison_busy"):
        st.warning(refused)
    if job and job.running:
        st.fragment(_working, run_every=REFRESH_S)(job)
    elif job:
        _results(job)
    else:
        st.info("Press **Measure**. This takes about ten seconds.")


def _begin() -> None:
    notes = state.notes()
    try:
        notes["comparison"] = Comparison([device.name for device in devices() if device.usable])
        notes.pop("comparison_busy", None)
    except Busy as reason:
        notes["comparison_busy"] = str(reason)


def _working(job: Comparison) -> None:
    if not job.running:
        st.rerun()
    st.progress(len(job.rows) / job.total, text=f"{len(job.rows)} of {job.total} measured")
    _results(job)


def _results(job: Comparison) -> None:
    rows = list(job.rows)
    if job.problem:
        st.warning(job.problem)
    if not rows:
        return
    st.markdown(" ".join(summary(rows, job.difference)))
    charts("device_times", {"Seconds per epoch over batch size, for each width": epoch_times(rows, theme())})
    if not job.running:
        _table(rows)


def _table(rows: Sequence[dict[str, Any]]) -> None:
    """Every cell with what limits it. Limits are found by comparison, so all cells must be measured."""
    labels = {device.name: device.label for device in devices()}
    lines = [
        {**row, "device": labels.get(row["device"], row["device"]), "limit": limit}
        for row, limit in zip(rows, limits(rows), strict=True)
    ]
    formats = {"epoch_s": "%.3f", "step_us": "%.0f", "rate": "%.1f"}
    columns = {COLUMNS[name]: st.column_config.NumberColumn(format=format) for name, format in formats.items()}
    table = pd.DataFrame([{title: line[name] for name, title in COLUMNS.items()} for line in lines])
    st.dataframe(table, hide_index=True, key="device_table", column_config=columns)


def summary(rows: Sequence[dict[str, Any]], difference: float | None) -> list[str]:
    """The results as sentences: the range on the CPU, where a GPU wins, and how much the losses differ."""
    cpu = sorted((row for row in rows if row["device"] == "cpu"), key=lambda row: row["epoch_s"])
    lines = []
    if cpu:
        ends = [f"{row['epoch_s']:.2g} s ({row['width']} neurons, batch {row['batch']})" for row in (cpu[0], cpu[-1])]
        lines.append(f"On the CPU an epoch of {EPOCH_SAMPLES:,} images takes from {ends[0]} to {ends[1]}.")
    cells = {(row["width"], row["batch"]): row["epoch_s"] for row in cpu}
    gains = [
        (cells[cell] / row["epoch_s"], cell)
        for row in rows
        if row["device"] != "cpu" and (cell := (row["width"], row["batch"])) in cells
    ]
    won = [cell for gain, cell in gains if gain > 1]
    if won:
        (width, batch), (most, at) = min(won, key=lambda cell: cell[0] * cell[1]), max(gains)
        place = f"{at[0]} neurons with batch {at[1]}"
        lines.append(
            f"The GPU is faster from {width} neurons with batch {batch}; at {place} it is {most:.1f} times as fast."
        )
    elif gains:
        lines.append(
            "The GPU is not faster in any case so far: launching its operations takes longer than computing them."
        )
    if difference is not None:
        lines.append(f"In each of 50 steps the two losses have a relative difference of at most {difference:.1g}.")
    return lines
