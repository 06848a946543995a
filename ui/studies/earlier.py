"""The studies that a visitor has begun before: each is opened, gone on with, or deleted."""

from __future__ import annotations

import json
import time

import streamlit as st

from data.names import unique
from lab.experiment.experiment import Experiment
from lab.experiment.fields import FIELDS
from lab.store.kept_study import KeptStudy
from lab.store.shared import exists
from lab.store.shared import shared as shared_store
from lab.studies import jobs
from lab.studies.jobs import Job
from lab.studies.study import Study
from ui.kit.escape import escape_markdown
from ui.kit.explained import explained
from ui.kit.page_parts import table
from ui.kit.widgets import keyed, obeying
from ui.session import state, study_setup
from ui.studies.answer import LABELS


def kept() -> list[KeptStudy]:
    """Those of the visitor, the latest first; none without a store. Raises StoreError."""
    return shared_store().studies(state.keeper()) if exists() else []


def same(study: Study, studies: list[KeptStudy]) -> bool:
    """Whether a study is among those that are kept."""
    values = json.loads(json.dumps(study.to_values()))  # as a database has them
    return any(other.study == values for other in studies)


def controls(studies: list[KeptStudy], job: Job | None) -> None:
    """What is known of them, and what can be done with one."""
    if studies:
        with st.expander(f"Earlier studies: {len(studies)}"):
            active = job.search.name if job and job.is_active else ""
            rows = [[_when(other), *map(escape_markdown, _cells(other, active))] for other in studies]
            table(("Begun (UTC)", "Data set", "Settings", "State", "Trials", "Best"), rows)
            with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
                _choice(studies)
    if deleted := state.notes().get("study_deleted"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown("1 deleted.", width="content")
            st.button("Undo", key="study_undo", on_click=_restore, args=(deleted,), help="Restores the study.")


def _choice(studies: list[KeptStudy]) -> None:
    names, chosen = {other.name: other for other in studies}, _chosen(studies)
    told_apart = unique([f"{_when(other)}, {', '.join(_cells(other, '')[:2])}" for other in names.values()])
    labels = dict(zip(names, told_apart, strict=True))
    options = keyed("study_chosen", chosen.name, lambda name: state.notes().update(study_chosen=name))
    with st.container(width=420):
        help = "Which one to open or delete."
        st.selectbox("Earlier study", list(names), format_func=labels.__getitem__, help=help, **options)
    help = "Shows what it has found, with its settings. *Go on* trains what is left of it."
    options = obeying(help, **_experiment_fields(chosen))
    st.button("Open the study", key="study_open", on_click=_open, **options)
    help = "Deletes this study; its trials stay on the page Runs. You can undo it."
    st.button("Delete", key="study_delete", on_click=_delete, help=help)


def _chosen(studies: list[KeptStudy]) -> KeptStudy:
    names = {other.name: other for other in studies}
    return names.get(state.notes().get("study_chosen", ""), studies[0])


def _experiment_fields(kept: KeptStudy) -> dict[str, object]:
    """What opening it changes; empty if its data is gone."""
    try:
        return state.experiment().changed_fields(Experiment.model_validate(kept.study["experiment"]))
    except ValueError:
        return {}


@explained
def _open() -> None:
    if not (studies := kept()):
        return
    study = Study.with_notes_from_json(json.dumps(_chosen(studies).study))[0]
    if state.experiment().changed_fields(study.experiment):
        state.load(study.experiment)
    state.change_view("study", study_setup.setup_of(study).text)


@explained
def _delete() -> None:
    name = _chosen(studies).name if (studies := kept()) else ""
    if jobs.shared().delete(state.keeper(), name, shared_store()):
        state.notes()["study_deleted"] = name


@explained
def _restore(name: str) -> None:
    shared_store().restore_study(state.keeper(), name)
    state.notes()["study_deleted"] = ""


def _when(kept: KeptStudy) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(kept.created))


def _cells(kept: KeptStudy, active: str) -> tuple[str, ...]:
    """Data set, settings, state, trials and the best value. active: the name of the one that is under way."""
    fields = ", ".join(FIELDS[name].label for name in kept.study["space"])
    now = "running" if kept.name == active else "complete" if kept.is_complete else "stopped"
    best = "" if kept.value is None else f"{LABELS[kept.study['objective']]} {kept.value:.4g}"
    return kept.study["experiment"]["dataset"], fields, now, f"{kept.finished} of {kept.study['trials']}", best
