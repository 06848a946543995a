"""The devices of this machine, and a small measured comparison of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from engine.backend import Device
from lab.devices.benchmark import EPOCH, Busy, Comparison, limits
from lab.devices.search import devices
from ui.figures.epoch_times import epoch_times
from ui.kit.charts import charts, theme
from ui.kit.escape import plain
from ui.session import state

TICK = 0.5  # seconds between two looks at the measurement
COLUMNS = {
    "device": "Device",
    "width": "Units",
    "batch": "Batch",
    "epoch_s": "Seconds an epoch",
    "step_us": "Microseconds a step",
    "rate": "Multiply-adds a nanosecond",
    "limit": "What takes the time",
}


def device_list() -> None:
    """Every device with its state, and what would mend one that cannot be used."""
    st.markdown("\n".join(f"- **{plain(device.label)}**: {_state(device)}" for device in devices()))


def _state(device: Device) -> str:
    memory = f" {device.memory / 2**30:.0f} GB of memory." if device.memory else ""
    if device.usable:
        return f"can be used.{memory}"
    fix = f" To mend it: {plain(device.fix)}" if device.fix else ""
    return f"cannot be used. {plain(device.reason)}{memory}{fix}"


@st.fragment
def measured() -> None:
    """Measure, stop, and what came out so far. Nobody else has to wait: it runs in a process of its own."""
    job: Comparison | None = state.notes().get("comparison")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if job and job.running:
            help = "Ends it; what has been measured stays."
            st.button("Stop measuring", key="measure_stop", on_click=job.stop, help=help)
        else:
            help = "Trains 784-units-10 for some ten seconds in a process of its own; your network is not touched."
            st.button("Measure", key="measure", type="primary", on_click=_begin, help=help)
    if refused := state.notes().get("comparison_busy"):
        st.warning(refused)
    if job and job.running:
        st.fragment(_working, run_every=TICK)(job)
    elif job:
        _found(job)
    else:
        st.info("Press **Measure**. It takes some ten seconds.")


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
    _found(job)


def _found(job: Comparison) -> None:
    rows = list(job.rows)
    if job.problem:
        st.warning(job.problem)
    if not rows:
        return
    st.markdown(" ".join(sentences(rows, job.difference)))
    charts("device_times", {"Seconds that an epoch takes, over batch size and width": epoch_times(rows, theme())})
    if not job.running:
        _table(rows)


def _table(rows: Sequence[dict[str, Any]]) -> None:
    """Every cell, with what takes its time: judged beside the others, so only when all of them are there."""
    names = {device.name: device.label for device in devices()}
    lines = [
        {**row, "device": names.get(row["device"], row["device"]), "limit": limit}
        for row, limit in zip(rows, limits(rows), strict=True)
    ]
    formats = {"epoch_s": "%.3f", "step_us": "%.0f", "rate": "%.1f"}
    columns = {COLUMNS[name]: st.column_config.NumberColumn(format=format) for name, format in formats.items()}
    table = pd.DataFrame([{title: line[name] for name, title in COLUMNS.items()} for line in lines])
    st.dataframe(table, hide_index=True, key="device_table", column_config=columns)


def sentences(rows: Sequence[dict[str, Any]], difference: float | None) -> list[str]:
    """The result in words: the range on the processor, where a card wins, and how far the two differ."""
    mine = sorted((row for row in rows if row["device"] == "cpu"), key=lambda row: row["epoch_s"])
    said = []
    if mine:
        ends = [f"{row['epoch_s']:.2g} s ({row['width']} units, batch {row['batch']})" for row in (mine[0], mine[-1])]
        said.append(f"On the CPU an epoch of {EPOCH:,} pictures takes from {ends[0]} to {ends[1]}.")
    cells = {(row["width"], row["batch"]): row["epoch_s"] for row in mine}
    gains = [
        (cells[cell] / row["epoch_s"], cell)
        for row in rows
        if row["device"] != "cpu" and (cell := (row["width"], row["batch"])) in cells
    ]
    won = [cell for gain, cell in gains if gain > 1]
    if won:
        (width, batch), (most, at) = min(won, key=lambda cell: cell[0] * cell[1]), max(gains)
        said.append(f"The GPU wins from {width} units with batch {batch} on; at {at[0]} units with batch {at[1]} it is "
                    f"{most:.1f} times as fast.")  # fmt: skip
    elif gains:
        said.append("The GPU has not won anywhere so far: starting its work costs more than doing it.")
    if difference is not None:
        said.append(f"After each of 50 steps the losses of both differ by at most {difference:.1g} of their size.")
    return said
