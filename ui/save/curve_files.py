"""The curves of the run, and its tables as files."""

from __future__ import annotations

import streamlit as st

from lab.export import csv_tables
from lab.server.pool import Pool
from ui.figures.learning_curve import curve
from ui.kit.charts import charts, theme
from ui.save.download_button import download
from ui.session import state


def curves_and_tables() -> None:
    """Charts of loss and score, and buttons that download them and the confusion matrix."""
    header, arrays = state.ask("curves")
    epochs, values = arrays["epochs"], arrays["values"]
    figures = {}
    for name, rows in (("loss", (0, 1)), (header["score"], (2, 3))):
        figure = curve(epochs, *values[list(rows)], label=name, theme=theme()).update_layout(height=240)
        figures[f"Training and test {name}, over the epochs"] = figure
    charts("curves", figures)
    last = f"train {values[0, -1]:.4f}, test {values[1, -1]:.4f}" if len(epochs) else "not computed yet"
    unit = ""
    if state.experiment().source.kind == "regression":
        unit = " The loss counts the target in standard deviations of the training part."
    st.caption(
        f"Thin: training data; thick: test data. Loss after epoch {epochs[-1] if len(epochs) else 0:,}: {last}.{unit}"
    )
    with st.container(horizontal=True):
        help = "Epoch, and training and test loss and score, one row per point of the curves."
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
    pairs = (("loss", (0, 1)), (header["score"], (2, 3)))
    figures = [curve(arrays["epochs"], *arrays["values"][list(rows)], label=name) for name, rows in pairs]
    parts = [figure.to_html(full_html=False, include_plotlyjs=not number) for number, figure in enumerate(figures)]
    return f"<!doctype html><meta charset='utf-8'><title>Curves</title>{''.join(parts)}"


def _confusion_csv(pool: Pool, token: str) -> str:
    header, arrays = pool.ask(token, "confusion")
    return csv_tables.confusion(arrays["counts"], header["classes"])
