"""What a study has found so far: sentences, charts, and the best trial to take into the Playground."""

from __future__ import annotations

from typing import Any

import streamlit as st

from data.counted import tied
from lab.experiment.experiment import Experiment
from lab.experiment.fields import FIELDS
from lab.studies.search import Search
from ui.figures.run_charts import Axis, parallel
from ui.figures.study_progress import Point, importance, progress
from ui.kit.charts import chart, theme
from ui.kit.escape import escape_markdown
from ui.kit.inline_picture import map_url
from ui.kit.widgets import obeying
from ui.session import state
from ui.studies.setup import text_of

LABELS = {"validation_loss": "validation loss", "validation_accuracy": "validation accuracy", "validation_r2": "R²"}
MAP_PX = 160


def draw(search: Search) -> None:
    """Everything that is known."""
    rows, best, study = search.rows(), search.best(), search.study
    st.markdown(sentence(search, rows, best))
    if best:
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            _best_map(search)
            _take(best, search)
    label = LABELS[study.objective]
    points = [Point(r["number"], r["state"], r["value"] if r["state"] != "failed" else None, *_spread(search, r))
              for r in rows]  # fmt: skip
    if points:
        figure = progress(
            points, max(study.budget, len(rows)), label=label, minimize=study.direction == "minimize", theme=theme()
        )
        chart(figure, "study_progress", f"Trials in order, with the best {label} so far and the range of its runs")
    if len(rows) > 1:
        chart(parallel(_axes(search, rows), theme=theme()), "study_parallel",
              "Parallel coordinates, a line for each trial; drag along an axis to see only some")  # fmt: skip
    if shares := [(FIELDS[name].label, share) for name, share in search.importance().items()]:
        name, share = shares[0]
        st.markdown(f"**{escape_markdown(name)}** explains {share:.0%} of the differences between the best trials and "
                    "the others.")  # fmt: skip
        figure = importance(shares, theme=theme())
        chart(figure, "study_importance", "Importance of the settings, as a share of the differences between trials")
    with st.expander("All trials"):
        st.dataframe([_shown(row, study.experiment, list(study.space)) for row in rows], hide_index=True)


def sentence(search: Search, rows: list[dict[str, Any]], best: dict[str, Any] | None) -> str:
    """The result in words."""
    study = search.study
    counts = {state: sum(row["state"] == state for row in rows) for state in ("done", "pruned", "failed")}
    text = f"{len(rows)} of {max(study.budget, len(rows))} trials: " + ", ".join(
        f"{count} {name}" for name, count in counts.items()
    )
    if best is None:
        return f"{text}. No trial has a value yet."
    row = next(row for row in rows if row["number"] == best["number"])
    texts = {FIELDS[name].label: text_of(name, row[name], study.experiment) for name in study.space}
    values = ", ".join(f"{escape_markdown(label)} **{escape_markdown(text)}**" for label, text in texts.items())
    runs = f"the median of {study.seeds} runs" if study.seeds > 1 else "one run"
    text += f". The best one, number {best['number']}, has a {LABELS[study.objective]} of **{best['value']:.4g}** "
    done = [row["value"] for row in rows if row["state"] == "done"]
    text += f"({runs}), with {values}{tied(done, best['value'], 'trial')}."
    if "test_loss" in best:
        score = "test_accuracy" if "test_accuracy" in best else "test_r2"
        label = "accuracy" if score == "test_accuracy" else "R²"
        text += f" Tested once, at the end: test loss **{best['test_loss']:.4g}**, {label} **{best[score]:.4g}**."
    else:
        text += " The test part is looked at once, when all trials are done."
    return text


def _spread(search: Search, row: dict[str, Any]) -> tuple[float, float]:
    return (0.0, 0.0) if row["state"] == "failed" else search.spread(row["number"])


def _axes(search: Search, rows: list[dict[str, Any]]) -> list[Axis]:
    e = search.study.experiment

    def values(name: str) -> list[Any]:
        found = [row[name] for row in rows]
        is_number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in found)
        return found if is_number else [text_of(name, value, e) for value in found]

    axes = [Axis(FIELDS[name].label, values(name)) for name in search.study.space]
    results = [row["value"] if row["state"] != "failed" else None for row in rows]
    return [*axes, Axis(LABELS[search.study.objective], results)]


def _best_map(search: Search) -> None:
    if picture := search.best_map():
        url = map_url(picture.levels, picture.kind, theme())
        st.html(f'<img src="{url}" width="{MAP_PX}" height="{MAP_PX}" alt="What the best network has learned">',
                width="content")  # fmt: skip


def _take(best: dict[str, Any], search: Search) -> None:
    """The button that takes the best run into the Playground."""
    e = Experiment.model_validate(best["experiment"])
    changed = state.experiment().changed_fields(e)
    help = "Sets all settings of this run, its initial weights too: Play trains exactly what the study has found."
    options = obeying(help, **changed)
    options["disabled"] |= not changed
    with st.container(width="content"):
        label = "Take the best trial" if changed else "Take the best trial (yours)"
        st.button(label, key="study_take", on_click=state.load, args=(e,), type="primary", **options)
        if not changed:
            st.page_link("../pages/playground.py", label="Train it on the Playground")


def _shown(row: dict[str, Any], e: Experiment, fields: list[str]) -> dict[str, Any]:
    values = {FIELDS[name].label: text_of(name, row[name], e) for name in fields}
    return {"trial": row["number"], "state": row["state"], **values, "value": row["value"],
            "seconds": row["seconds"], "why it ended": row["why"]}  # fmt: skip
