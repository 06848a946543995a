"""A lesson: what its link locks holds on every page, and there is a way back to the task."""

from __future__ import annotations

from functools import partial
from urllib.parse import parse_qsl, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from data.sources import hand_drawn
from lab.experiment.experiment import Experiment
from lab.experiment.link import expanded, packed, shortened
from lab.experiment.presets import PRESETS
from lab.training import model_file
from lab.training.build import build
from lab.training.model_file import Model
from tests.ui.opened import ROOT, open_page, ran, texts
from tests.ui.test_pages import link
from ui.header import link_address
from ui.kit.widgets import LOCKED
from ui.session import lockable_parts, state
from ui.session.view import VIEW
from ui.session.visitor import Visitor

XOR = Experiment(dataset="xor", hidden=(2,), learning_rate=0.3)
POINTS = hand_drawn.pack([[0.0, 0.0, 0], [1.0, 0.0, 0], [0.0, 1.0, 1], [1.0, 1.0, 1]])
BUT_RATE = ",".join(lockable_parts.all_but("rate"))
open_playground = partial(open_page, "playground")


def lesson(name: str, lock: str = BUT_RATE, **fields: str) -> AppTest:
    return open_page(name, **XOR.to_query(), lock=lock, **fields)


def experiment(page: AppTest) -> Experiment:
    return page.session_state.visitor.experiment


def buttons(page: AppTest, prefix: str) -> list:
    return [button for button in page.button if button.key and button.key.startswith(prefix)]


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("images", "set_up_"), ("data", "train_"), ("playground", "regenerate"), ("playground", "new_weights"),
     ("playground", "draw"), ("playground", "more"), ("playground", "fewer")],
)  # fmt: skip
def test_a_button_that_would_change_a_locked_setting_is_off_with_a_reason(name, prefix):
    found = buttons(lesson(name), prefix)
    assert found
    for button in found:
        assert button.disabled
        assert "Set by the author of this link" in button.help


def test_a_button_that_would_change_a_hidden_setting_is_not_drawn():
    page = open_page("playground", controls="everything", hide="seed")
    assert not buttons(page, "regenerate")
    assert not buttons(page, "new_weights")


@pytest.mark.parametrize(
    "act",
    [
        lambda: state.change(dataset="spiral"),
        lambda: state.change(learning_rate=0.1, seed=4),
        lambda: state.change(weight_seed=4),
        lambda: state.load(PRESETS["spiral"].experiment, "spiral"),
        lambda: state.load_model(saved_model(), weights_only=False),
        lambda: state.load_model(saved_model(), weights_only=True),
        lambda: state.change_view("projector", True) or state.change(batch_size=4),
    ],
)
def test_nothing_locked_changes_whoever_asks(act, monkeypatch):
    me, sent = Visitor(XOR, dict(VIEW, lock=lockable_parts.all_but("rate")), []), []
    monkeypatch.setattr(state, "_me", lambda: me)
    monkeypatch.setattr(state, "runs", lambda: type("Runs", (), {"do": lambda *command: sent.append(command)})())
    act()
    assert (me.experiment, sent) == (XOR, [])
    assert me.refused[0].startswith("Set by the author of this link, and locked: ")
    state.change(learning_rate=0.1)
    assert me.experiment == XOR.change(learning_rate=0.1)


def saved_model() -> bytes:
    e = Experiment(dataset="gauss", samples=20, hidden=(2,))
    return model_file.to_bytes(Model(*model_file.capture(e, *build(e))))


def test_a_locked_transport_takes_no_command(monkeypatch):
    me, sent = Visitor(XOR, dict(VIEW, lock=("transport",)), []), []
    monkeypatch.setattr(state, "_me", lambda: me)
    monkeypatch.setattr(state, "send", sent.append)
    state.command("play")
    assert sent == []


def test_a_lesson_says_who_locked_it_and_leads_back_from_every_page():
    page = lesson("playground", title="Find *the* rate", task="Reach <b>0.1</b>")
    assert "**Find \\*the\\* rate** Reach \\<b\\>0\\.1" in texts(page)
    assert f"{LOCKED} What has a lock cannot be changed." in texts(page)
    assert page.select_slider(key="field_learning_rate").help.startswith("How large a step is.")
    assert page.number_input(key="field_seed").help.startswith(LOCKED)
    assert not buttons(page, "back_to_task")
    ran(page.select_slider(key="field_learning_rate").set_value(1.0).run())
    for name in ("functions", "images", "help", "playground"):
        ran(page.switch_page(str(ROOT / f"pages/{name}.py")).run())
        assert "Reach" in texts(page)
        assert len(buttons(page, "back_to_task")) == 1
    ran(page.button(key="back_to_task").click().run())
    assert experiment(page) == XOR
    assert not buttons(page, "back_to_task")


def test_the_task_outlives_a_reload_of_changed_settings():
    page = lesson("playground", hide="share")
    task = link(page)
    ran(page.select_slider(key="field_learning_rate").set_value(1.0).run())
    changed = link(page)
    assert changed == {"x": packed(XOR.to_query()), "learning_rate": "1", "lock": BUT_RATE, "hide": "share"}
    again = open_page("playground", **changed)
    assert (experiment(again), link(again)) == (XOR.change(learning_rate=1.0), changed)
    ran(again.button(key="back_to_task").click().run())
    assert (experiment(again), link(again)) == (XOR, task)


@pytest.mark.parametrize(
    ("task", "now"),
    [
        (Experiment(), Experiment(dataset="xor")),
        (XOR, Experiment()),
        (XOR, XOR.change(patience=5)),  # a link without a validation share would get one
        (Experiment(dataset=hand_drawn.NAME, points=POINTS), XOR),
    ],
)
def test_any_change_of_a_task_is_read_as_it_was_written(task, now, monkeypatch):
    me = Visitor(now, dict(VIEW, title="Task"), [], task=task)
    with monkeypatch.context() as patch:
        patch.setattr(state, "_me", lambda: me)
        query = state.link()
        assert state.link({"title": "Mine"}) == {**now.to_query(), "title": "Mine"}  # another lesson
    page = open_playground(**query)
    assert (experiment(page), page.session_state.visitor.task) == (now, task)
    assert (page.session_state.visitor.refused, link(page)) == ([], query)


def test_a_damaged_task_is_that_of_the_rest_of_the_link():
    page = open_playground(x="1broken", dataset="xor", title="Task")
    assert page.session_state.visitor.task == experiment(page) == Experiment(dataset="xor")
    assert page.session_state.visitor.refused[0].startswith("This short link is damaged")


def test_a_lesson_offers_no_links_that_leave_it():
    assert "](./" in texts(open_page("help"))
    assert "](./" not in texts(lesson("help"))
    assert "](./" not in texts(lesson("functions"))


def test_presets_that_would_change_what_is_locked_are_left_out():
    page = open_playground(lock="seed,loss,data")
    menu = page.menu_button(key="presets")
    assert PRESETS["linear"].label in menu.options
    assert PRESETS["spiral"].label not in menu.options
    ran(menu.click("linear").run())
    assert experiment(page) == PRESETS["linear"].experiment


def test_a_changed_preset_says_what_was_changed_and_comes_back():
    preset = PRESETS["l2"]
    page = open_playground(**preset.experiment.to_query())
    assert preset.sentence in texts(page)
    ran(page.number_input(key="field_weight_seed").set_value(5).run())
    assert preset.sentence in texts(page)  # other weights show the same
    ran(page.select_slider(key="field_l2").set_value(0.0).run())
    ran(page.select_slider(key="field_l1").set_value(0.001).run())
    assert preset.sentence not in texts(page)
    assert f"Started from **{preset.label}**; changed: L1 rate, L2 rate." in texts(page)
    ran(page.button(key="restore_preset").click().run())
    assert experiment(page) == preset.experiment
    assert preset.sentence in texts(page)
    ran(page.button(key="dismiss_preset").click().run())
    assert preset.label not in texts(page)


# Links ---------------------------------------------------------------------------------------------------------------


def test_a_short_link_opens_the_same_page():
    query = PRESETS["spiral"].experiment.to_query() | {"lock": "data,seed", "title": "Unroll it"}
    page = open_playground(**shortened(query))
    assert link(page) == query
    assert page.session_state.visitor.refused == []


def test_a_damaged_short_link_opens_with_a_sentence():
    page = open_playground(x="1broken", dataset="xor")
    assert link(page) == {"dataset": "xor"}
    (sentence,) = page.session_state.visitor.refused
    assert sentence.startswith("This short link is damaged")


def open_share() -> AppTest:
    """The content of the dialog without the dialog, which a test of a script cannot keep open."""

    def script() -> None:
        from ui.header import share
        from ui.session import state

        state.begin()
        share.contents()

    page = AppTest.from_function(script, default_timeout=30)
    page.query_params["seed"] = "3"
    return ran(page.run())


def shared(page: AppTest) -> dict[str, str]:
    return expanded(dict(parse_qsl(urlsplit(page.code[0].value).query)))


def test_one_press_locks_everything_but_one_part():
    page = open_share()
    ran(page.selectbox(key="lock_except").select("rate").run())
    assert shared(page) == {"seed": "3", "lock": BUT_RATE}
    ran(page.text_input(key="share_title").set_value("Find the rate").run())
    ran(page.text_area(key="share_task").set_value("Try five\nrates.").run())
    ran(page.button(key="share_hide_all").click().run())
    ran(page.button(key="share_lock_none").click().run())
    ran(page.button(key="share_hide_none").click().run())
    assert shared(page) == {"seed": "3", "title": "Find the rate", "task": "Try five rates."}


@pytest.mark.parametrize(
    ("bound", "own", "expected"),
    [
        ("", ["192.168.1.5"], ["http://192.168.1.5:8501/a?b"]),
        ("0.0.0.0", ["10.0.0.2", "192.168.1.5"], ["http://10.0.0.2:8501/a?b", "http://192.168.1.5:8501/a?b"]),
        ("", [], []),
        ("127.0.0.1", ["192.168.1.5"], []),
        ("192.168.7.7", ["192.168.1.5"], ["http://192.168.7.7:8501/a?b"]),
    ],
)
def test_a_link_gets_an_address_that_others_can_open(bound, own, expected, monkeypatch):
    monkeypatch.setattr(link_address, "own_addresses", lambda: own)
    assert link_address.others("http://localhost:8501/a?b", bound) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("class.localhost", True),
     ("192.168.1.5", False), ("example.org", False), ("", False)],
)  # fmt: skip
def test_a_loopback_host_is_known(host, expected):
    assert link_address.is_loopback(host) is expected


def test_own_addresses_are_no_loopback_addresses():
    assert not [address for address in link_address.own_addresses() if link_address.is_loopback(address)]
