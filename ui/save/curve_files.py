"""The curves of the run, and its tables as files."""

from __future__ import annotations

import streamlit as st

from lab.export import csv_tables
from lab.server.pool import Pool
from ui.figures.learning_curve import curves
from ui.kit.charts import charts, theme
from ui.save.download_button import download
from ui.session import state


def curves_and_tables() -> None:
    """Charts of loss and score, and buttons that download them and the confusion matrix."""
    header, arrays = state.ask("curves")
    epochs, values = arrays["epochs"], arrays["values"]
    validated = len(values) > 4
    parts = "Training, validation and test" if validated else "Training and test"
    shown = curves(epochs, values, score=header["score"], theme=theme())
    charts("curves", {f"{parts} {name}, over the epochs": f.update_layout(height=240) for name, f in shown.items()})
    losses = {"train": 0, "validation": 4, "test": 1} if validated else {"train": 0, "test": 1}
    last = ", ".join(f"{part} {values[row, -1]:.4f}" for part, row in losses.items() if len(epochs))
    lines = f"Thin: training data; {'dashed: validation data; ' if validated else ''}thick: test data."
    unit = ""
    if state.experiment().source.kind == "regression":
        unit = " The loss counts the target in standard deviations of the training part."
    now = f"Loss after epoch {epochs[-1] if len(epochs) else 0:,}: {last or 'not computed yet'}."
    st.caption(f"{lines} {now}{unit}")
    with st.container(horizontal=True):
        help = f"Epoch, and {parts.lower()} loss and score, one row per point of the curves."
        download("Curves as CSV", "curves_csv", _curves_csv, "curves.csv", "text/csv", help)
        help = "Both charts in one interactive file that works offline."
        download("Curves as HTML", "curves_html", _curves_html, "curves.html", "text/html", help)
        if state.experiment().source.kind == "classification":
            help = "Counts on the test data: one row per actual class, one column per predicted class."
            download("Confusion matrix as CSV", "confusion_csv", _confusion_csv, "confusion.csv", "text/csv", help)
    st.caption("The arrow next to a chart or image, on every page, saves it as PNG, SVG or HTML.")


def _curves_csv(pool: Pool, token: str) -> str:
    header, arrays = pool.ask(token, "curves")
    return csv_tables.curves(arrays["epochs"], arrays["values"], header["score"])


def _curves_html(pool: Pool, token: str) -> str:
    header, arrays = pool.ask(token, "curves")
    figures = curves(arrays["epochs"], arrays["values"], score=header["score"]).values()
    parts = [figure.to_html(full_html=False, include_plotlyjs=not number) for number, figure in enumerate(figures)]
    return f"<!doctype html><meta charset='utf-8'><title>Curves</title>{''.join(parts)}"


def _confusion_csv(pool: Pool, token: str) -> str:
    header, arrays = pool.ask(token, "confusion")
    return csv_tables.confusion(arrays["counts"], header["classes"])
