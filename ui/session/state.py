"""The state of one visitor: an experiment, its run, and a view. The only module that stores it in session_state.

The experiment is the state. Widgets are drawn from it and write a changed one back; the address bar follows it. Opening
and losing a run is the business of ui/session/visitor.py.

All of it is one record. Streamlit may stop a script run at any access to session_state: with one access at its
beginning, a change happens wholly or not at all. Callbacks are not stopped (see ui/streamlit_compat).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from lab.experiment import link as link_form
from lab.experiment import own_data
from lab.experiment.errors import SentenceError
from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.fields import DEFAULTS, FIELDS
from lab.experiment.presets import PRESETS
from lab.experiment.rules import as_text
from lab.protocol.errors import Full, Gone, Unreachable
from lab.protocol.messages import COMMANDS, Answer, Change, Command, Load, Reset, SetSpeed
from lab.protocol.speed import SPEEDS
from lab.server.log import log
from lab.store.address import StoreError
from lab.store.kept_run import KeptRun, owner_of
from lab.store.shared import exists, shared
from lab.training import model_file
from ui.session import keeping, missing_data, visitor, waiting
from ui.session.lockable_parts import PART_OF, PARTS, is_locked, lesson_holds, locked_among
from ui.session.view import to_query, view_from, view_text
from ui.session.visitor import Visitor, alive, arrived, have_a_run
from ui.session.visitor import runs as runs

LOCKED_FIELDS = "Set by the author of this link, and locked:"
BY_CHANCE = ("seed", "weight_seed", "device")
MOST_NAMED = 3  # locked fields, in a sentence
NOT_SET = object()
MOST_EVENTS = 100  # of the live view that one script run carries out


def _me() -> Visitor:
    """The record. After a restart of the server, the first access may come from the press of a button."""
    me = st.session_state.get("visitor")  # once: a page asks some two hundred times, and each access costs
    if me is None:
        me = st.session_state.visitor = arrived()
    return me


def begin(*, can_lack_data: bool = False) -> None:
    """Once a session: read the link. Then, on every script run: make sure that there is a run.

    Where the uploaded data of the link is gone there is none: the page ends with a message, unless it can lack data.
    """
    me = _me()
    me.redraw = False
    try:
        have_a_run(me)
    except Full as full:
        waiting.show(full.before, st.rerun)
    except Unreachable as problem:
        st.error(f"{problem} Your settings are in the address bar: reload the page in a moment.")
        st.stop()
    own_data.UPLOADS.seen(me.owner, me.experiment.own)
    if me.run and me.run.status in keeping.ENDED:
        _keep_by_rule(me, keeping.AT_END)
    if me.missing:
        choose = None if is_locked(me.view, "dataset") else lambda dataset: change(dataset=dataset)
        missing_data.show(me.missing, choose, here=can_lack_data)
        if not can_lack_data:
            write_link()
            st.stop()


def look_again() -> None:
    """For a fragment: update the status of the run; redraw the whole page where more than the fragment changed."""
    me = _me()
    if me.redraw:
        me.redraw = False
        st.rerun()
    if not me.token or not alive(me):
        st.rerun()


# Reading -------------------------------------------------------------------------------------------------------------


def experiment() -> Experiment:
    return _me().experiment


def view() -> dict[str, Any]:
    return _me().view


def token() -> str:
    return _me().token


def owner() -> str:
    """The visitor's name on lab.experiment.own_data.UPLOADS, where uploads are kept."""
    return _me().owner


def preset() -> str:
    """The name of the preset that the experiment began as, or nothing."""
    return _me().preset


def changed_since_preset() -> list[str]:
    """The fields that differ from that preset, except those that change what it shows only by chance."""
    return _changed_since_preset(_me())


def _changed_since_preset(me: Visitor) -> list[str]:
    start = PRESETS[me.preset].experiment if me.preset else me.experiment
    return [name for name in start.changed_fields(me.experiment) if name not in BY_CHANCE]


def is_lesson() -> bool:
    """Whether the author of the link has prepared the page for students."""
    return lesson_holds(_me().view)


def left_task() -> bool:
    """Whether the experiment is another than that of the link of the lesson's author."""
    return _left_task(_me())


def _left_task(me: Visitor) -> bool:
    return me.task is not None and me.task != me.experiment


def lock_reason(**fields: Any) -> str:
    """Why a change of the experiment to these values is refused in this lesson; empty where it is not."""
    me = _me()
    if not (me.view["lock"] or me.view["hide"]):
        return ""
    try:
        return _lock_reason(me, me.experiment.change(**fields))
    except ExperimentError:
        return ""  # refused for another reason


def _lock_reason(me: Visitor, changed: Experiment) -> str:
    locked = locked_among(me.view, me.experiment.changed_fields(changed))
    labels = ", ".join(FIELDS[name].label for name in locked[:MOST_NAMED]) + (", ..." if locked[MOST_NAMED:] else "")
    return f"{LOCKED_FIELDS} {labels}." if locked else ""


def address() -> str:
    """The address of the page, without settings."""
    return (st.context.url or "").partition("?")[0]


def status() -> dict[str, Any]:
    """status, notice and epoch of the run at the beginning of this script run."""
    run = _me().run
    return {"status": run.status, "notice": run.notice, "epoch": run.epoch} if run else {}


def moment() -> tuple[Any, ...]:
    """Another one after a step, a change or a reset of the run."""
    return _moment(_me())


def _moment(me: Visitor) -> tuple[Any, ...]:
    run = me.run
    return (me.token, run.origin, run.epoch, run.status, run.experiment) if run else ()


def refused() -> list[str]:
    """Sentences about what was refused, from the link or from the last change."""
    return _me().refused


def handled() -> int:
    """The number of the last event of the live view that was carried out."""
    return _me().handled


def training() -> bool:
    """Whether the run is training at this moment."""
    try:
        return runs().state(token()).status == "running"
    except (Gone, Unreachable):
        return False


def notes() -> dict[str, Any]:
    """What parts of the page remember for this visitor beside the experiment, each under a name of its own."""
    return _me().notes


def press(name: str) -> None:
    """The on_click of a button for work that a script run begins when it has drawn the choices made with the press."""
    notes()[f"pressed {name}"] = True


def take_press(name: str) -> bool:
    """Whether the button has been pressed; the answer is given once."""
    return bool(notes().pop(f"pressed {name}", False))


def remember(name: str, value: Any) -> None:
    """Remember something about the current network, until another experiment builds another one."""
    me = _me()
    me.notes[name] = (value, me.experiment)


def recall(name: str) -> Any:
    """What was remembered about the current network; None if that was another one."""
    me = _me()
    value, experiment = me.notes.get(name, (None, me.experiment))
    return value if experiment.allows_live_change(me.experiment) else None


def ask(question: str, /, arrays: Mapping[str, Any] | None = None, **facts: Any) -> Answer:
    """The run's answer (header, arrays) to a query of lab/queries/table.py. Asking keeps the run alive."""
    return runs().ask(token(), question, facts, arrays)


# Changing ------------------------------------------------------------------------------------------------------------


def change(**fields: Any) -> None:
    """Change fields of the experiment. Live ones reach the running network; any other rebuilds it."""
    _change(_me(), fields)


def _change(me: Visitor, fields: Mapping[str, Any]) -> None:
    """The one place that changes the experiment, and that asks whether the author of the link has locked it."""
    before = _told(me)
    try:
        if me.missing:
            if is_locked(me.view, "dataset") and fields.get("own") != me.missing["own"]:
                raise SentenceError(f"{LOCKED_FIELDS} {FIELDS['dataset'].label}.")
            visitor.find_data(me, fields)
            me.redraw = True
            return
        changed = me.experiment.change(**fields)
        if reason := _lock_reason(me, changed):
            raise SentenceError(reason)
        if not me.experiment.allows_live_change(changed):
            _keep_by_rule(me, keeping.REPLACED)
        runs().do(me.token, Change(changed))
    except Gone:
        me.experiment, me.refused, me.token = changed, [], ""  # pyrefly: ignore
    except SentenceError as problem:
        me.refused = problem.sentences
    else:
        me.experiment, me.refused = changed, []
    if me.preset and me.experiment.dataset != PRESETS[me.preset].experiment.dataset:
        me.preset = ""
    me.redraw = _told(me) != before


def _told(me: Visitor) -> tuple[Any, ...]:
    """What parts of the page say about the experiment that are drawn by a whole script run alone."""
    return me.refused, me.preset, _changed_since_preset(me), _left_task(me)


def load(other: Experiment, preset: str = "", notes: list[str] | None = None) -> None:
    """Replace the experiment and start at epoch 0. preset: its name, if it is one; notes: sentences about it."""
    me = _me()
    _change(me, {name: getattr(other, name) for name in Experiment.model_fields})
    if me.experiment == other:
        me.preset = preset or visitor.preset_of(other)
        me.refused = notes or []
        if not SPEEDS[me.view["speed"]].finishes:
            send(Reset())


def back_to_task() -> None:
    """Restore the experiment of a lesson's link."""
    if task := _me().task:
        load(task)


def forget_preset() -> None:
    _me().preset = ""


def load_model(content: bytes, *, weights_only: bool) -> bool:
    """Load a model file into the run; whether that succeeded. If not, a sentence says why and nothing changes."""
    me = _me()
    me.redraw = True
    try:
        model = model_file.from_bytes(content)
        here = model.experiment.change(device=me.experiment.device)  # the device is not part of a model
        reason = "" if weights_only else _lock_reason(me, here)
        if is_locked(me.view, "weights") or reason:
            raise SentenceError(reason or f"{LOCKED_FIELDS} {PARTS['weights'].label}.")
        runs().do(me.token, Load(model.metadata, None if weights_only else here), model.arrays)
    except Gone:
        me.refused, me.token = ["Your run was lost and has been reopened: load the file again."], ""
    except SentenceError as problem:
        me.refused = problem.sentences
    else:
        me.experiment, me.refused = me.experiment if weights_only else here, []
        return True
    return False


def draw_the_rest() -> None:
    """A fragment has changed something that the rest of the page shows."""
    _me().redraw = True


def widget_key(name: str, value: Any, *, repeats: bool = True) -> str:
    """The key for the widget of a value. It is a new key where the value was changed by anything but the widget.

    With every press a browser also sends the values of its widgets, and it may not know of the change yet: under the
    old key such a value is ignored and cannot undo the change.

    repeats: whether the browser is told the value again on every script run. Where it is not, a press during a run
    cannot be overwritten; but a widget in a popover needs it, because the browser draws it only when that is opened.
    """
    me = _me()
    last, version = me.widget_versions.get(name, (value, 0))
    me.widget_versions[name] = value, version + (last != value)
    key = _versioned(me, name)
    if repeats or st.session_state.get(key, NOT_SET) != value:
        st.session_state[key] = value
    return key


def on_widget_change(name: str, key: str, act: Callable[[Any], None]) -> None:
    """The on_change of a widget with a key of `widget_key`: act on its new value.

    Streamlit also calls it for an old value, of a widget that it had forgotten while another part of a page was drawn.
    """
    me = _me()
    last, version = me.widget_versions.get(name, (NOT_SET, 0))
    value = st.session_state[key]
    if key == _versioned(me, name) and value != last:
        me.widget_versions[name] = value, version
        act(value)


def _versioned(me: Visitor, name: str) -> str:
    version = me.widget_versions[name][1]
    return f"{name}-{version}" if version else name


def change_view(field: str, value: Any) -> None:
    """Another value of the view; one that a link could not hold changes nothing."""
    me, refused = _me(), []
    if is_locked(me.view, field):
        me.refused, me.redraw = [f"{LOCKED_FIELDS} {PARTS[PART_OF[field]].label}."], True
        return
    view = view_from({**to_query(me.view), field: view_text(field, value)}, refused)
    if refused:
        me.refused, me.redraw = refused, True
        return
    me.view = view
    if field == "speed":
        send(SetSpeed(value))


def command(name: str) -> None:
    """play, pause, step, step_batch or reset."""
    if is_locked(_me().view, name):
        return
    send(COMMANDS[name]())


def send(command: Command) -> None:
    """Send a command to the run. A run that is gone is reopened by the next script run."""
    me = _me()
    if isinstance(command, Reset):
        _keep_by_rule(me, keeping.REPLACED)
    try:
        runs().do(me.token, command)
    except Gone:
        pass  # the next script run finds out and opens another
    except SentenceError as problem:
        me.refused, me.redraw = problem.sentences, True


# Keeping -------------------------------------------------------------------------------------------------------------


def keep() -> bool:
    """Keep the run as it is now; whether that succeeded. If not, a sentence says why."""
    me = _me()
    try:
        keeping.keep(runs(), me.token, me.experiment, me.owner)
    except Gone:
        me.refused, me.redraw = ["Your run was lost and has been reopened."], True
    except SentenceError as problem:
        me.refused, me.redraw = problem.sentences, True
    else:
        return True
    return False


def keeper() -> str:
    """The owner of the visitor's kept runs."""
    return owner_of(_me().owner)


def keep_rule() -> str:
    """When the visitor's runs are kept on their own: of keeping.RULES. Raises StoreError."""
    return _keep_rule(_me())


def _keep_rule(me: Visitor) -> str:
    """Asked once a session."""
    if "keep_rule" not in me.notes:
        me.notes["keep_rule"] = shared().rule(owner_of(me.owner)) if exists() else ""
    return me.notes["keep_rule"]


def set_keep_rule(rule: str) -> None:
    """Raises StoreError."""
    me = _me()
    if rule in keeping.RULES:
        shared().set_rule(owner_of(me.owner), rule)
        me.notes["keep_rule"] = rule


def _keep_by_rule(me: Visitor, rules: tuple[str, ...]) -> None:
    """Keep the run where the visitor's rule is one of these. A run that has not begun is not kept, nor one twice."""
    try:
        if not me.token or _keep_rule(me) not in rules:
            return
        me.run = runs().state(me.token)
        if me.run.status == "idle" or me.notes.get("kept_by_rule") == _moment(me):
            return
        keeping.keep(runs(), me.token, me.experiment, me.owner)
        me.notes["kept_by_rule"] = _moment(me)
    except (Gone, Unreachable):
        pass  # whoever asks next says so
    except StoreError as problem:
        me.notes.setdefault("keep_rule", "")  # nobody waits for it at every press
        log("run not kept", reason=str(problem))


def repeat(run: KeptRun) -> bool:
    """Train a kept run again, to the step where it was kept; whether its experiment was accepted."""
    load(run.experiment, notes=[] if run.replay else [keeping.NOT_REPEATED])
    if _me().experiment != run.experiment:
        return False
    if command := keeping.repetition(run):
        send(command)
    return True


# Events and the link -------------------------------------------------------------------------------------------------


def carry_out(events: Any, act: Callable[[dict[str, Any]], None]) -> None:
    """Call `act` with each new event of the live view, in order.

    The live view sends an event again, together with later ones, until it knows that it has arrived: of several values
    that come before a script run begins, Streamlit keeps only the last.
    """
    me, events = _me(), events if isinstance(events, list) else []
    numbered = [event for event in events if isinstance(event, dict) and type(event.get("serial")) is int]
    for event in [event for event in numbered if event["serial"] > me.handled][:MOST_EVENTS]:
        act(event)
        me.handled = max(me.handled, event["serial"])
        me.redraw = True  # Streamlit may run only a fragment for it


def link(view: Mapping[str, Any] | None = None) -> dict[str, str]:
    """The query of the address bar: all of the experiment and the view (or a changed one) that is not a default.

    Where a lesson's experiment was changed, its task is the short part of the link, with the changes beside it. Who
    changes what students see, prepares another lesson, whose task is the present experiment.
    """
    me = _me()
    seen = {**me.view, **(view or {})}
    return {**(me.missing or _settings(me, keep_task=seen == me.view)), **to_query(seen)}


def _settings(me: Visitor, keep_task: bool) -> dict[str, str]:
    now = me.experiment.to_query()
    if not (keep_task and me.task and _left_task(me)):
        return now
    task = me.task.to_query()
    changed = {name: now.get(name, as_text(DEFAULTS[name])) for name in {**task, **now}}
    beside = {name: value for name, value in changed.items() if value != task.get(name)}
    return {link_form.FIELD: link_form.packed(task), **beside}


def write_link() -> None:
    """Write the settings into the address bar. Streamlit itself keeps embed and embed_options there."""
    query = link()
    if st.query_params.to_dict() != query:
        st.query_params.from_dict(query)
