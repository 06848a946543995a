"""What one visitor has: an experiment, a run of it, and a view. The only module that knows where in session_state.

The experiment is the state. Widgets are drawn from it and write a changed one back; the address bar follows it. How the
run itself comes and goes stands in ui/session/visitor.py.

All of it is one record. Streamlit may break off a script run at any access to session_state: with one access at its
beginning, a change happens wholly or not at all. Callbacks it does not break off (see ui/streamlit_compat).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from lab.experiment import own_data
from lab.experiment.errors import SentenceError
from lab.experiment.experiment import Experiment
from lab.protocol.errors import Full, Gone, Unreachable
from lab.protocol.messages import COMMANDS, Answer, Change, Command, Load, SetSpeed
from lab.training import model_file
from ui.session import waiting
from ui.session.view import to_query
from ui.session.visitor import Visitor, alive, arrived, have_a_run
from ui.session.visitor import runs as runs

MOST_EVENTS = 100  # of the live view that one script run carries out


def _me() -> Visitor:
    """Where a page comes back to a server that was restarted, the first thing it does may be a press of a button."""
    if "visitor" not in st.session_state:
        st.session_state.visitor = arrived()
    return st.session_state.visitor


def begin() -> None:
    """Once a session: read the link. Then, on every script run: make sure that there is a run."""
    me = _me()
    me.redraw = False
    try:
        have_a_run(me)
    except Full as full:
        waiting.room(full.before, st.rerun)
    except Unreachable as problem:
        st.error(f"{problem} Your settings are in the address bar: reload the page in a moment.")
        st.stop()
    own_data.SHELF.seen(me.owner, me.token)


def look_again() -> None:
    """For a part of the page that is drawn alone: what happened since, and whether the rest must be drawn too."""
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
    """The visitor's name on lab.experiment.own_data.SHELF, where uploads are kept."""
    return _me().owner


def preset() -> str:
    """The name of the preset that the experiment began as, or nothing."""
    return _me().preset


def address() -> str:
    """Where the page stands, without settings."""
    return (st.context.url or "").partition("?")[0]


def status() -> dict[str, Any]:
    """status, notice and epoch of the run, as they were when this script run began."""
    run = _me().run
    return {"status": run.status, "notice": run.notice, "epoch": run.epoch} if run else {}


def refused() -> list[str]:
    """Sentences about what was not accepted, from the link or from the last change."""
    return _me().refused


def handled() -> int:
    """The number of the last event of the live view that was carried out."""
    return _me().handled


def training() -> bool:
    """Whether the run trains now, asked again."""
    try:
        return runs().state(token()).status == "running"
    except (Gone, Unreachable):
        return False


def kept(name: str, otherwise: Any = None) -> Any:
    """What a part of the page keeps for this visitor beside the experiment."""
    return _me().kept.get(name, otherwise)


def keep(name: str, value: Any) -> None:
    _me().kept[name] = value


def notes() -> dict[str, Any]:
    """What a page remembers between its script runs, such as a landscape that it has asked for."""
    return _me().kept.setdefault("notes", {})


def ask(question: str, /, arrays: Mapping[str, Any] | None = None, **facts: Any) -> Answer:
    """The run's answer (header, arrays) to a query of lab/queries/table.py. Asking keeps the run alive."""
    return runs().ask(token(), question, facts, arrays)


# Changing ------------------------------------------------------------------------------------------------------------


def change(**fields: Any) -> None:
    """Change fields of the experiment. The live ones reach the running network; any other builds anew."""
    _change(_me(), fields)


def _change(me: Visitor, fields: Mapping[str, Any]) -> None:
    before = me.refused
    try:
        changed = me.experiment.change(**fields)
        runs().do(me.token, Change(changed))
    except Gone:
        me.experiment, me.refused, me.token = changed, [], ""
    except SentenceError as problem:
        me.refused = problem.sentences
    else:
        me.experiment, me.refused = changed, []
    me.redraw = me.refused != before


def load(other: Experiment, preset: str = "") -> None:
    """Another experiment as a whole, from its first epoch; `preset` is its name if it has one."""
    me = _me()
    _change(me, {name: getattr(other, name) for name in Experiment.model_fields})
    if me.experiment == other:
        me.preset = preset
        command("reset")


def load_model(content: bytes, *, weights_only: bool) -> bool:
    """Take a model file into the run; whether that went well. Otherwise a sentence says why, and all is as before."""
    me = _me()
    me.redraw = True
    try:
        model = model_file.from_bytes(content)
        here = model.experiment.change(device=me.experiment.device)  # where it is computed is no part of a model
        model.facts["experiment"] = here.to_json()
        runs().do(me.token, Load(model.facts, None if weights_only else here), model.arrays)
    except Gone:
        me.refused, me.token = ["Your run was gone and is opened again: load the file once more."], ""
    except SentenceError as problem:
        me.refused = problem.sentences
    else:
        me.experiment, me.refused = me.experiment if weights_only else here, []
        return True
    return False


def draw_the_rest() -> None:
    """A part of the page that is drawn alone has changed what others show."""
    _me().redraw = True


def hold(name: str, value: Any) -> str:
    """The key for the widget of a value. It is a new key where something else than the widget has changed the value.

    With every press a browser also sends what its widgets hold, and it may not know of the change yet: under the old
    key that is nobody's value any more, and cannot undo the change.
    """
    me = _me()
    held, times = me.held.get(name, (value, 0))
    me.held[name] = value, times + (held != value)
    key = _key(me, name)
    st.session_state[key] = value
    return key


def from_widget(name: str, key: str, act: Callable[[Any], None]) -> None:
    """The on_change of a widget that holds a value: act on what it says now."""
    me = _me()
    if key == _key(me, name):
        value = st.session_state[key]
        me.held[name] = value, me.held[name][1]
        act(value)


def _key(me: Visitor, name: str) -> str:
    times = me.held[name][1]
    return f"{name}-{times}" if times else name


def change_view(field: str, value: Any) -> None:
    me = _me()
    me.view = {**me.view, field: value}
    if field == "speed":
        send(SetSpeed(value))


def command(name: str) -> None:
    """play, pause, step, step_batch or reset."""
    send(COMMANDS[name]())


def send(command: Command) -> None:
    """A command for the run. A run that is gone is opened again by the script run that follows."""
    me = _me()
    try:
        runs().do(me.token, command)
    except Gone:
        pass  # the script run that follows finds out and opens another
    except SentenceError as problem:
        me.refused, me.redraw = problem.sentences, True


def carry_out(events: Any, act: Callable[[dict[str, Any]], None]) -> None:
    """Let `act` carry out, in order, those events of the live view that no earlier script run has carried out.

    The live view sends an event again with those that follow it until it knows that it has arrived: Streamlit keeps
    only the last one of those that come before a script run begins.
    """
    me, events = _me(), events if isinstance(events, list) else []
    numbered = [event for event in events if isinstance(event, dict) and type(event.get("serial")) is int]
    for event in [event for event in numbered if event["serial"] > me.handled][:MOST_EVENTS]:
        act(event)
        me.handled = max(me.handled, event["serial"])
        me.redraw = True  # where Streamlit draws only a part of the page for it


def link(view: Mapping[str, Any] | None = None) -> dict[str, str]:
    """What the address bar holds: what of the experiment and of the view (of another, if given) is not as usual."""
    return {**experiment().to_query(), **to_query({**_me().view, **(view or {})})}


def write_link() -> None:
    """The address bar is the save button. Streamlit itself keeps embed and embed_options in it."""
    query = link()
    if st.query_params.to_dict() != query:
        st.query_params.from_dict(query)
