"""The Compare page: many runs of the visitor's experiment, described by one group at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NamedTuple

import streamlit as st

from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.group import AT_ONCE_S, VARY, Group
from ui.compare import one_change, one_setting, pair, parts, repeat, tiles, two_settings
from ui.compare.keep import keep_button
from ui.compare.outcomes import Outcomes, outcomes_of
from ui.kit.escape import escape_markdown
from ui.kit.validation_proposal import about_the_part
from ui.session import state
from ui.session.comparison import EPOCHS

REFRESH_S, WORK_S = 0.35, 0.25  # time between two refreshes, and how much of it is spent asking
FOLLOWED_S, FIRST_S = 1.0, 0.05  # the same where the browser fetches the answer


class View(NamedTuple):
    """choose: controls of what varies, returns the fields of the group; draw: the answer; pair: the numbers of two runs
    that are shown side by side, if any; follow: where the runs train at the same time, offers the answer to the browser
    while it changes; returns whether the browser fetches it."""

    label: str
    sentence: str
    choose: Callable[[Experiment], dict[str, Any]]
    draw: Callable[[Outcomes], None]
    pair: Callable[[Group], tuple[int, int] | None] = lambda group: None
    follow: Callable[[Outcomes], bool] | None = None


VIEWS = {  # name in the link -> view
    "repeat": View(
        "Repeat", "How much is luck? The same experiment many times, each time with other random numbers.",
        repeat.choose, repeat.draw),
    "setting": View(
        "One setting", "Which value is best? The result for each value of one setting, everything else as it is.",
        one_setting.choose, one_setting.draw),
    "tiles": View(
        "Two settings", "Which pair is best? The result for each pair of values of two settings.",
        two_settings.choose, two_settings.draw, two_settings.pair, tiles.follow),
    "change": View(
        "One change",
        "Does it help? The same runs with and without one change, from epoch 0 on or from where your run is now.",
        one_change.choose, one_change.draw, one_change.pair),
}  # fmt: skip


def choose_view() -> None:
    help = "One experiment many times, one setting with all its values, two settings, or pairs of runs with one change."
    act = lambda now, name: now.other_view(name)  # noqa: E731
    options = parts.chooses("compare_view", parts.chosen().view, act)
    show = lambda name: VIEWS[name].label  # noqa: E731
    st.segmented_control("Question", list(VIEWS), required=True, format_func=show, help=help, **options)


def compare() -> None:
    """Controls on the left, the answer on the right."""
    now, e = parts.chosen(), base()
    view, begins = VIEWS[now.view], state.take_press("compare")
    st.markdown(view.sentence)
    left, right = st.columns([1, 3], gap="medium")
    with left:
        varied = view.choose(e)
        help = "How many times, each time with other random numbers. The first run is that of your experiment."
        label = {"repeat": "Runs", "tiles": "Runs of each pair"}.get(now.view, "Runs of each")
        if now.vary == "folds":
            label, help = (
                "Folds",
                "Into how many parts the training part is divided; each is the validation part of one run.",
            )
        options = parts.sets(f"compare_runs_{now.view}" + "_folds" * (now.vary == "folds"), "runs")
        seeds: Any = st.select_slider(label, now.numbers, help=help, **options)
        help = "Weights: the initial weights alone. Everything: the data and the order of batches as well."
        if "folds" in now.varies:
            help += " Folds: the validation part, so that each example of the training part is once in it."
        options = parts.chooses("compare_vary", now.vary, lambda now, vary: now.varied(vary), now.varies)
        options |= {"format_func": VARY.__getitem__, "required": True, "help": help}
        vary = st.segmented_control("They differ in", now.varies, **options)
        help = "How long each run trains."
        epochs: Any = st.select_slider("Epochs", EPOCHS, help=help, **parts.sets("compare_epochs", "epochs"))
        about_the_part(e.change(validation_share=1 / now.runs) if now.vary == "folds" else e)
        if e != state.experiment():
            st.page_link("../pages/playground.py", label="Train what you took on the Playground")
    with right:
        try:
            group = Group(e, seeds=seeds, vary=str(vary), epochs=epochs, **varied)
        except ExperimentError as problem:
            st.warning(escape_markdown(str(problem)))
            return
        found = outcomes_of(group)
        if begins:
            found.begin()
        _answer(view, found)
        if numbers := view.pair(group):
            close = partial(parts.choose, now._replace(pair="")) if now.pair else None
            pair.show(group, numbers, close)


def _answer(view: View, found: Outcomes) -> None:
    if not found.finished and not found.status and not found.begun and found.group.seconds > AT_ONCE_S:
        label = f"Train {found.total} runs (about {found.group.seconds:,.0f} s)"
        help = "You can stop at any time."
        st.button(label, key="compare_begin", type="primary", help=help, on_click=state.press, args=("compare",))
    elif not found.ended:
        st.fragment(partial(_working, view, found), run_every=FOLLOWED_S if _follow(view) else REFRESH_S)()
    else:
        with st.container():  # as a fragment is in one: the browser keeps what is being pressed or dragged meanwhile
            with _header():
                if found.problem:
                    st.warning(escape_markdown(found.problem))
                if found.stopped:
                    help, press = "Trains the remaining runs.", {"on_click": state.press, "args": ("compare",)}
                    st.button("Go on", key="compare_go_on", help=help, **press)
                if found.status:
                    keep_button(found)
            if found.has_some:
                _draw(view, found)


def _header() -> AbstractContextManager[Any]:
    """Above the answer, while it is worked on and afterwards: what is below must not move under a press."""
    return st.container(horizontal=True, vertical_alignment="center")


def _working(view: View, found: Outcomes) -> None:
    """Train for a moment and show what is there; the page stays usable in between."""
    follow = _follow(view)
    try:
        if not (follow and follow(found)):
            found.work(FIRST_S if follow else WORK_S, so_far=view.follow is not None)
    except (ExperimentError, RuntimeError) as problem:
        st.warning(escape_markdown(str(problem)))
        return
    if found.ended:
        st.rerun()
    with _header():
        st.progress(found.progress, f"{len(found.status)} of {found.total} runs")
        st.button("Stop", key="compare_stop", on_click=found.stop, help="Keeps what is there.")
    if found.has_some or follow:
        _draw(view, found)


def _follow(view: View) -> Callable[[Outcomes], bool] | None:
    return view.follow if state.runs().live else None


def _draw(view: View, found: Outcomes) -> None:
    with found.lock:  # the browser may be fetching more
        view.draw(found)


def base() -> Experiment:
    """The compared experiment: the visitor's, or the one before a value or a run was taken from the comparison, or that
    of a forked run."""
    if fork := parts.fork():
        return fork.final_experiment
    taken, before = state.notes().get("compare_taken", (None, None))
    return before if before is not None and taken == state.experiment() else state.experiment()
