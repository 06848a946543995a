"""The page Studies: a search for better settings, which goes on while the visitor is elsewhere."""

from __future__ import annotations

from functools import partial

import streamlit as st

from lab.experiment.errors import SentenceError
from lab.experiment.experiment import Experiment
from lab.store.kept_study import KeptStudy
from lab.store.shared import shared as shared_store
from lab.studies import jobs
from lab.studies.jobs import Job
from lab.studies.study import Study
from ui.kit.escape import escape_markdown
from ui.kit.explained import explain, explained
from ui.session import state
from ui.studies import answer, earlier, setup

REFRESH_S = 1.0


def page() -> None:
    """Controls on the left, what is found on the right."""
    e, studies = state.experiment(), explained(earlier.kept)() or []
    st.markdown("Which settings are best? Many trials of your experiment, each with other values of some settings.")
    left, right = st.columns([1, 3], gap="medium")
    with left:
        start = st.container()  # in sight on every screen
        chosen = setup.controls(e, jobs.shared().limits.study_trials)
        study = _study(chosen, e)
        if state.take_press("study") and study:
            _begin(study)
            studies = explained(earlier.kept)() or []
        job = _job(study, studies)
        is_same = job is not None and study is not None and job.search.study == study
        label = "Start another study" if job and not is_same else "Start"
        is_off = study is None or (is_same and job is not None and job.status != "failed")
        help = "Trains in the background, also while you are on other pages."
        options = {"disabled": is_off, "help": help, "on_click": state.press, "args": ("study",)}
        start.button(label, key="study_start", type="primary", **options)
        st.caption("Trials are judged by the validation part. The test part is looked at once, for the best of them.")
    with right:
        explain()
        if job:
            _follow(job)
        else:
            st.info("No study yet. **Start** trains the first trials within seconds.")
        earlier.controls(studies, jobs.shared().of(state.keeper()))


def _job(study: Study | None, studies: list[KeptStudy]) -> Job | None:
    """The study of the link, if the visitor has begun it; else the latest one."""
    if study and earlier.same(study, studies):
        return jobs.shared().opened(state.keeper(), study, shared_store())
    return jobs.shared().of(state.keeper())


def _study(chosen: setup.Setup, e: Experiment) -> Study | None:
    """The study that is chosen; None, and a sentence, if it is none."""
    try:
        return chosen.study(e)
    except SentenceError as problem:
        st.warning(escape_markdown(str(problem)))
        return None


@explained
def _begin(study: Study) -> None:
    jobs.shared().begin(state.keeper(), study, shared_store())


def _follow(job: Job) -> None:
    if job.is_active:
        st.fragment(partial(_working, job), run_every=REFRESH_S)()
        return
    with st.container():  # as a fragment is in one: what is below stays the same for the browser, also under a press
        if job.status == "failed":
            st.error(escape_markdown(job.problem))
        if job.status != "complete":
            help = "Trains the remaining trials."
            st.button("Go on", key="study_go_on", on_click=_begin, args=(job.search.study,), help=help)
        answer.draw(job.search)


def _working(job: Job) -> None:
    """A fragment: the page stays usable between its refreshes."""
    if not job.is_active:
        st.rerun()
    done, budget = job.search.finished, job.search.study.budget
    text = f"{done} of {budget} trials" if job.status == "running" else "Waiting for the studies of other visitors"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, done / budget), text)
        st.button(
            "Stop", key="study_stop", on_click=job.stop, help="Keeps the trials that are done; you can go on later."
        )
    answer.draw(job.search)
