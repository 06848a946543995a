"""Uploads belong to a visitor, who finds them again; data that is gone is never replaced in silence."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from data.files import user_data
from lab.experiment.own_data import UPLOADS
from tests.ui.opened import ROOT, link, open_page, ran, taken_for_changes, texts
from ui.session import waiting
from ui.session.visitor import runs

TABLE = "length;colour;species\n" + "".join(f"{i},5;{('red', 'green')[i % 2]};{('lily', 'rose')[i % 3 > 1]}\n"
                                            for i in range(30))  # fmt: skip


@pytest.fixture(autouse=True)
def place(monkeypatch):
    """An empty folder for the uploads of nobody, and no runs of other tests."""
    for token in runs().uses():
        runs().close(token)
    monkeypatch.setattr(UPLOADS, "owners", {})
    monkeypatch.setattr(UPLOADS, "_sets", {})
    with user_data.new_folder() as folder:
        yield folder


@pytest.fixture
def come(monkeypatch) -> Callable[[str], None]:
    """`come(name)`: the browser of this visitor opens the pages that follow."""
    who = ["ann"]
    monkeypatch.setattr(waiting, "visitor", lambda: f"{who[0]}-of-twenty-letters")
    return lambda name: who.__setitem__(0, name)


def experiment_of(page: AppTest):
    return page.session_state.visitor.experiment


def go(page: AppTest, name: str) -> AppTest:
    return ran(page.switch_page(str(ROOT / f"pages/{name}.py")).run())


def show(page: AppTest, section: str) -> AppTest:
    return ran(page.segmented_control[0].set_value(section).run())


def upload(page: AppTest, name: str, content: bytes) -> AppTest:
    return ran(page.file_uploader[0].set_value([(name, content, "application/octet-stream")]).run())


def widget(page: AppTest, kind: str, label: str):
    return next(each for each in getattr(page, kind) if each.label == label)


def chosen(page: AppTest) -> dict[str, object]:
    """What the section Your table shows."""
    found = {
        label: widget(page, "selectbox", label).value for label in ("Separator", "Target column", "Missing values")
    }
    found["words"] = widget(page, "multiselect", "Read as words").value
    found["inputs"] = widget(page, "multiselect", "Input columns").value
    return found


CHOICES = {
    "Separator": ";", "Target column": "colour", "Missing values": "drop", "words": ["length"], "inputs": ["species"],
}  # fmt: skip


def uploaded_table() -> AppTest:
    """A page with a table that is read and used as a person wants it."""
    page = upload(show(open_page("data"), "Your table"), "plants.csv", TABLE.encode())
    ran(widget(page, "selectbox", "Separator").select(";").run())
    ran(widget(page, "multiselect", "Read as words").set_value(["length"]).run())
    ran(widget(page, "selectbox", "Target column").select("colour").run())
    ran(widget(page, "multiselect", "Input columns").set_value(["species"]).run())
    ran(widget(page, "selectbox", "Missing values").select("drop").run())
    assert chosen(page) == CHOICES
    return page


def close(page: AppTest) -> None:
    """End the run of a page."""
    runs().close(page.session_state.visitor.token)


def train(page: AppTest) -> AppTest:
    page = ran(widget(page, "button", "Train on it").click().run())
    return go(page, "playground")


def test_a_visitor_finds_the_table_as_it_was_left(come):
    page = uploaded_table()
    for again in (go(go(page, "playground"), "data"), open_page("data")):  # another page and back; a new tab
        assert chosen(again) == CHOICES
        assert "plants\\.csv" in texts(again)
        assert "30 rows and 3 columns" in texts(again)
    assert [button.label for button in again.button if button.label.startswith("Remove")] == ["Remove plants\\.csv"]
    come("bob")
    other = open_page("data")
    assert "plants" not in texts(other)
    assert "plants" not in texts(show(other, "Your table"))


def test_a_choice_is_not_repeated_to_the_browser(come):
    """Streamlit's browser side would take it over what a person has pressed meanwhile."""
    page = uploaded_table()
    assert not widget(page, "selectbox", "Target column").proto.set_value
    again = open_page("data")
    assert widget(again, "selectbox", "Target column").proto.set_value
    assert not widget(ran(again.run()), "selectbox", "Target column").proto.set_value
    assert taken_for_changes(again) == []


def test_what_overrules_the_reader_can_be_cleared(come):
    """A browser sends the default of the widget where it is cleared."""
    page = uploaded_table()
    ran(widget(page, "number_input", "Line with the column names").set_value(0).run())
    assert "31 rows" in texts(page)
    for kind, label in (("number_input", "Line with the column names"), ("selectbox", "Separator")):
        cleared = widget(page, kind, label)
        assert cleared.value is not None
        assert not cleared.proto.HasField("default")
        ran(cleared.set_value(None).run())
    assert "30 rows" in texts(page)


def test_a_removed_file_is_gone_in_every_tab(come, place):
    page, other = uploaded_table(), open_page("data")
    ran(widget(page, "button", "Remove plants\\.csv").click().run())
    assert list(place.iterdir()) == []
    for each in (page, ran(other.run())):
        show(each, "Your table")
        assert "One row per example" in texts(each)
        assert not each.multiselect


def test_training_survives_a_reload_and_the_next_change(come):
    page = train(uploaded_table())
    before = experiment_of(page)
    assert before.dataset == "table"
    reloaded = open_page("playground", **link(page))
    assert experiment_of(reloaded) == before
    UPLOADS.sweep({})  # the run of the first page has ended
    ran(reloaded.select_slider(key="field_learning_rate").set_value(0.3).run())
    assert experiment_of(reloaded) == before.change(learning_rate=0.3)
    for name in ("data", "help", "health"):
        assert link(go(reloaded, name))["own"] == before.own


def test_a_pupil_trains_on_after_the_teacher_has_left(come):
    page = train(uploaded_table())
    come("pupil")
    pupil = open_page("playground", **link(page))
    UPLOADS.owners.clear()
    token = pupil.session_state.visitor.token
    UPLOADS.sweep({token: runs().uses()[token]})
    ran(pupil.select_slider(key="field_learning_rate").set_value(0.3).run())
    assert experiment_of(pupil) == experiment_of(page).change(learning_rate=0.3)
    assert "plants" not in texts(open_page("data"))


def missing_link(come) -> dict[str, str]:
    """A link to a table that is not on this server any more."""
    fields = {**link(train(uploaded_table())), "learning_rate": "0.3", "optimizer": "adam", "seed": "7"}
    UPLOADS.owners.clear()
    UPLOADS.sweep({})
    return fields


def test_missing_data_is_said_and_nothing_else_is_trained_on(come):
    fields = missing_link(come)
    page = open_page("playground", **fields)
    (warning,) = page.warning
    assert "Your table\\: plants\\.csv is not on this server" in warning.value
    assert (page.session_state.visitor.token, link(page)) == ("", fields)
    assert not [button for button in page.button if button.key == "play"]
    for name in ("health", "data", "help"):
        assert (page.session_state.visitor.token, link(go(page, name))) == ("", fields)
        assert len(page.warning) == 1


def test_a_server_that_never_had_the_data_says_so():
    page = open_page("playground", dataset="own_images", own="a" * 32, hidden="5")
    assert "Your images aaaaaaaa is not on this server" in page.warning[0].value
    assert link(page) == {"dataset": "own_images", "own": "a" * 32, "hidden": "5"}


def test_the_same_file_brings_a_link_back(come):
    fields = missing_link(come)
    page = open_page("data", **fields)
    upload(show(page, "Your table"), "plants.csv", TABLE.encode())
    for kind, label, value in (
        ("selectbox", "Target column", "colour"), ("multiselect", "Read as words", ["length"]),
        ("multiselect", "Input columns", ["species"]), ("selectbox", "Missing values", "drop"),
        ("selectbox", "Separator", ";"),
    ):  # fmt: skip
        ran(widget(page, kind, label).set_value(value).run())
    train(page)
    assert not page.warning
    assert link(page) == fields
    assert page.session_state.visitor.token


def test_data_that_comes_back_by_another_tab_opens_a_link(come):
    fields = missing_link(come)
    page = open_page("playground", **fields)
    train(uploaded_table())
    ran(page.run())
    assert (len(page.warning), link(page)) == (0, fields)


def test_a_person_chooses_other_data_for_the_settings_of_a_link(come):
    page = open_page("playground", **missing_link(come))
    ran(page.selectbox(key="other_data").select("spiral").run())
    e = experiment_of(page)
    assert (e.dataset, e.own, e.learning_rate, e.seed) == ("spiral", "", 0.3, 7)
    assert page.session_state.visitor.token


def test_deleted_data_stays_while_it_is_trained_on(come, place):
    page = train(uploaded_table())
    e = experiment_of(page)
    come("pupil")
    pupil = open_page("playground", **link(page))
    go(page, "data")
    ran(page.button(key=f"forget_{e.own}").click().run())
    assert "examples," not in texts(page)
    for each in (pupil, go(page, "playground")):
        ran(each.select_slider(key="field_learning_rate").set_value(0.3).run())
        assert experiment_of(each) == e.change(learning_rate=0.3)
        close(each)
    UPLOADS.sweep(runs().uses())
    assert [path.suffix for path in place.iterdir()] == [".upload"]  # the file of the section


def test_a_session_whose_run_and_data_are_gone_says_so(come):
    page = train(uploaded_table())
    e = experiment_of(page)
    close(page)
    UPLOADS.owners.clear()
    UPLOADS.sweep({})
    ran(page.run())
    assert "is not on this server" in page.warning[0].value
    assert link(page) == e.to_query()


def test_data_without_a_cookie_belongs_to_the_session():
    page = uploaded_table()
    assert chosen(go(go(page, "playground"), "data")) == CHOICES
    assert "plants" not in texts(open_page("data"))


def test_columns_that_look_alike_are_told_apart():
    rows = "".join(f"{n},{n % 3},{'xy'[n % 2]}\n" for n in range(20))
    page = upload(show(open_page("data"), "Your table"), "twins.csv", f"a<b,a‹b,kind\n{rows}".encode())
    target = widget(page, "selectbox", "Target column")
    assert target.options == ["a‹b", "a‹b (2)", "kind"]
    ran(target.select("a‹b").run())
    assert widget(page, "selectbox", "Target column").value == "a‹b"  # the second, whose name this is
    assert widget(page, "multiselect", "Input columns").options == ["a‹b", "kind"]
    ran(widget(page, "selectbox", "Target column").select("a<b").run())
    assert widget(page, "multiselect", "Input columns").options == ["a‹b (2)", "kind"]  # the same name in all menus
