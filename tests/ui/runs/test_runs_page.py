"""The page Runs: runs are kept, found, compared, opened again, deleted and imported."""

from __future__ import annotations

import pytest

from lab.experiment.experiment import Experiment
from lab.protocol.messages import GetFrame
from lab.store import exchange
from lab.store.address import StoreError
from lab.store.kept_run import KeptRun, owner_of
from lab.store.shared import close, shared
from lab.store.store import Store
from lab.studies.search import name_of
from lab.studies.study import Study
from tests.lab.store.kept import run
from tests.ui.opened import figure, link, open_page, ran, texts, view
from tests.ui.test_pages import go
from ui.runs import comparison
from ui.runs.listing import lowest
from ui.runs.report import report
from ui.runs.table import columns_of, differing, names_of, parent_text
from ui.session import run_list
from ui.session.run_list import RunList
from ui.session.visitor import runs

RATES = (0.03, 0.1, 0.3)


@pytest.fixture(autouse=True)
def _own_database(tmp_path, monkeypatch):
    monkeypatch.setenv("PLAYGROUND_STATE", str(tmp_path))
    close()
    yield
    close()


def kept_page(**fields: str):
    """The page of a visitor who has kept a run of each rate."""
    page = open_page("playground", samples="40", hidden="4", **fields)
    for rate in RATES:
        ran(page.select_slider(key="field_learning_rate").set_value(rate).run())
        page.button(key="reset").click().run()
        for _ in range(2):
            page.button(key="step").click().run()
        ran(page.button(key="keep_run").click().run())
    return ran(go(page, "runs"))


def filled_page(**fields: str):
    """The page of a visitor who has the same runs, kept without training."""
    page = open_page("runs", **fields)
    runs = [run(n, fields={"learning_rate": rate}, owner=owner(page)) for n, rate in enumerate(RATES)]
    shared().keep(*runs)
    return ran(page.run())


def owner(page) -> str:
    return owner_of(page.session_state.visitor.owner)


def kept(page) -> tuple[KeptRun, ...]:
    found = shared().find(owner(page), sort="learning_rate", descending=False).runs
    return shared().load(run.id for run in found)


def choose(page, *runs: KeptRun):
    return ran(page.multiselect(key="runs_chosen").set_value([each.id for each in runs]).run())


def chosen(page):
    """Where the number of the key tells how often something else has changed the choice."""
    return next(each for each in page.multiselect if each.label == "Chosen runs")


def test_kept_runs_are_listed_with_what_differs_and_compared():
    page = kept_page()
    runs = kept(page)
    assert [each.experiment.learning_rate for each in runs] == list(RATES)
    assert [each.replay.steps for each in runs] == [6] * 3
    table = page.dataframe[0].value
    assert list(table.columns) == ["Run", "Learning rate", "Loss", "Test score", "Epochs", "Kept (UTC)"]
    assert list(table["Learning rate"]) == ["0.3", "0.1", "0.03"]  # the newest first
    best = lowest(runs)
    sentence = f"The lowest test loss after training is **{best.loss:.4g}**: Learning rate "
    assert sentence in texts(page)
    assert len(figure(page, "runs_curves")["data"]) == 3
    choose(page, *runs[:2])
    assert "**2 chosen**" in texts(page)
    assert link(page)["runs"] == f"curves::-created::{runs[0].id},{runs[1].id}"
    ran(page.segmented_control(key="runs_chart").set_value("pair").run())
    assert "They differ in Learning rate." in texts(page)
    ran(page.segmented_control(key="runs_chart").set_value("scatter").run())
    marks = figure(page, "runs_scatter")["data"][0]
    assert sorted(marks["x"]) == [0.03, 0.1]
    ran(page.segmented_control(key="runs_chart").set_value("parallel").run())
    assert [d["label"] for d in figure(page, "runs_parallel")["data"][0]["dimensions"]] == [
        "Learning rate",
        "Test loss",
    ]


def test_the_link_of_a_comparison_shows_others_the_same_runs_unchangeably():
    page = filled_page()
    choose(page, *kept(page))
    other = open_page("runs", runs=link(page)["runs"])
    assert owner(other) != owner(page)
    assert "**3 chosen**" in texts(other)
    assert other.button(key="runs_delete").disabled
    assert not shared().find(owner(other)).runs


def test_a_kept_run_is_trained_again_on_the_playground():
    page = kept_page()
    first = kept(page)[0]
    choose(page, first)
    page.button(key="runs_open").click().run()
    assert not page.exception
    visitor = page.session_state.visitor
    assert visitor.experiment == first.experiment
    assert visitor.experiment.learning_rate == 0.03
    while (run := runs().state(visitor.token)).status == "running":
        runs().submit(visitor.token, GetFrame())
    assert (run.status, run.epoch) == ("paused", 2)
    assert "same weights, to the bit" in run.notice


def test_runs_are_deleted_and_restored():
    page = filled_page()
    first, *others = kept(page)
    choose(page, first)
    ran(page.button(key="runs_delete").click().run())
    assert [each.id for each in kept(page)] == [each.id for each in others]
    assert "1 deleted." in texts(page)
    ran(page.button(key="runs_undo").click().run())
    assert len(kept(page)) == 3


def test_what_meets_a_busy_store_says_so_and_changes_nothing(monkeypatch):
    def fails(*args, **more):
        raise StoreError("The database is busy")

    def says_so() -> bool:
        return "The database is busy" in [warning.value for warning in page.warning]

    page = filled_page()
    first = kept(page)[0]
    choose(page, first)
    with monkeypatch.context() as busy:
        busy.setattr(Store, "delete", fails)
        ran(page.button(key="runs_delete").click().run())
        assert says_so()
    assert len(kept(page)) == 3
    ran(page.button(key="runs_delete").click().run())
    assert (says_so(), len(kept(page))) == (False, 2)
    with monkeypatch.context() as busy:
        busy.setattr(Store, "restore", fails)
        ran(page.button(key="runs_undo").click().run())
        assert says_so()
    ran(page.button(key="runs_undo").click().run())
    assert (says_so(), len(kept(page))) == (False, 3)
    with monkeypatch.context() as busy:
        busy.setattr(Store, "thumbnails", fails)  # while the page is drawn
        ran(page.run())
        assert says_so()


def test_no_press_ends_the_page_where_the_store_is_busy(monkeypatch):
    def fails(*args, **more):
        raise StoreError("The database is busy")

    def chosen_page():
        page = filled_page()
        choose(page, kept(page)[0])
        return page

    page = chosen_page()
    buttons = [button.label for button in page.button if not button.disabled]
    boxes = [box.label for box in page.selectbox]
    assert {"Delete", "Choose none", "Save"} <= set(buttons)
    assert "Keep automatically" in boxes
    for name in (*buttons, *boxes):
        page = chosen_page()
        if name in boxes:
            box = next(box for box in page.selectbox if box.label == name)
            pressed = box.select_index((box.index + 1) % len(box.options))
        else:
            pressed = next(button for button in page.button if button.label == name).click()
        with monkeypatch.context() as busy:
            busy.setattr(Store, "_read", fails)
            busy.setattr(Store, "_write", fails)
            ran(pressed.run())
            assert "The database is busy" in [element.value for element in (*page.warning, *page.error)], name


def test_tags_and_notes_are_written_and_found():
    page = filled_page()
    first, second, _ = kept(page)
    choose(page, first, second)
    page.text_input[-1].set_value("good, to report")
    submit(page)
    assert [each.tags for each in kept(page)] == [("good", "to report")] * 2 + [()]
    choose_again(page, first)
    page.text_area[-1].set_value("the *first* one")
    submit(page)
    assert kept(page)[0].note == "the *first* one"
    page.text_input[0].set_value("report first").run()
    assert list(page.dataframe[0].value["Note"]) == ["the *first* one"]


def submit(page) -> None:
    ran(next(each for each in page.button if each.label == "Save").click().run())


def choose_again(page, *runs: KeptRun) -> None:
    ran(chosen(page).set_value([each.id for each in runs]).run())


def test_a_rule_keeps_runs_at_their_end_and_before_they_are_replaced():
    page = open_page("runs", samples="40", hidden="4", epochs="1")
    ran(page.selectbox(key="keep_rule").set_value("always").run())
    go(page, "playground")
    page.button(key="step").click().run()  # ends by the rule of one epoch
    assert [(each.status, each.epoch) for each in kept(page)] == [("stopped", 1)]
    page.button(key="reset").click().run()
    assert len(kept(page)) == 1  # it is the same run
    page.button(key="step_batch").click().run()
    page.selectbox(key="field_optimizer").select("adam").run()
    assert sorted(each.steps for each in kept(page)) == [1, 3]
    page.button(key="reset").click().run()
    assert len(kept(page)) == 2  # nothing was trained since
    ran(go(page, "runs"))
    assert page.selectbox(key="keep_rule").value == "always"


def test_members_of_a_comparison_are_kept_as_one_group(monkeypatch):
    monkeypatch.setattr("ui.compare.compare.WORK_S", 60.0)
    page = open_page("compare", samples="40", hidden="4")
    page.select_slider(key="compare_epochs").set_value(10)
    ran(page.select_slider(key="compare_runs_repeat").set_value(5).run())
    ran(page.button(key="compare_keep").click().run())
    assert "These 5 runs are kept" in texts(page)
    runs = shared().find(owner(page)).runs
    assert len({each.parent for each in runs}) == 1
    assert {each.replay.epochs for each in shared().load(each.id for each in runs)} == {10}
    ran(go(page, "runs"))
    by = next(each for each in page.selectbox if each.label == "Group by")
    ran(by.set_value("parent").run())
    bands = figure(page, "runs_curves")["data"]
    assert [trace["name"] for trace in bands if trace.get("name")] == [f"{runs[0].parent.replace(':', ' ')} (5 runs)"]


def test_a_list_that_a_link_cannot_hold_is_refused_with_a_sentence():
    for text in ("x", "curves:::::::\n", "curves:password", "curves::password", "curves::::a b", "scatter:::parent",
                 "pair::::" + ",".join(map(str, range(201))), "a" * 999):  # fmt: skip
        assert run_list.read(text) is None, text
    page = open_page("runs", runs="curves:password")
    assert "curves\\:password is not allowed" in page.warning[0].value
    assert "runs" not in link(page)


def test_a_list_is_read_as_it_was_written():
    for given in (RunList(), RunList("pair", ids=("a-_", "b")), RunList("scatter", "parent", "loss", False, "hidden"),
                  RunList(find="spiral a:b learning_rate>0.1")):  # fmt: skip
        assert run_list.read(given.text) == given


def test_without_a_store_the_page_says_so(monkeypatch):
    monkeypatch.setenv("PLAYGROUND_KEPT_MB", "0")
    page = open_page("runs")
    assert "keeps no runs" in page.error[0].value


# Plain functions ------------------------------------------------------------------------------------------------------

HOSTILE = "<img src=x onerror=alert(1)>"


def test_a_report_stands_alone_and_escapes_everything():
    runs = (run(1, id="a", note=HOSTILE, tags=(HOSTILE,), parent=f"group:{HOSTILE}"),
            run(2, id="b", fields={"learning_rate": 0.3}, parent=f"group:{HOSTILE}"))  # fmt: skip
    text = report(runs, "parent", "learning_rate", f"http://here/runs?x={HOSTILE}")
    assert HOSTILE not in text
    head = text[: text.index("<script")] + text[text.rindex("</script>") :]
    assert "src='http" not in head
    assert text.count("http://here/runs") == 1
    assert "&lt;img" in head


def test_the_table_has_the_columns_that_differ_and_all_on_demand():
    runs = (run(1, id="a"), run(2, id="b", fields={"learning_rate": 0.3, "seed": 1}, status="diverged"))
    assert differing(runs) == ["learning_rate"]
    few = [column["name"] for column in columns_of(runs, False)]
    assert few == ["learning_rate", "loss", "test_score", "epoch", "status", "created"]
    assert {"optimizer", "seconds", "train_loss"} <= {column["name"] for column in columns_of(runs, True)}
    assert names_of(runs) == {"a": "Learning rate 0.1", "b": "Learning rate 0.3"}
    same = (run(1, id="a"), run(1, id="b"))
    assert list(names_of(same).values()) == ["circle, 4 epochs", "circle, 4 epochs (2)"]


def test_a_study_is_named_by_few_of_its_digits():
    study = Study(Experiment(validation_share=0.2), {"l2": (0.0, 0.1)})
    for owner in ("", owner_of("ann")):
        assert parent_text(f"study:{name_of(study, owner)}") == f"study {study.name[:-7]}"
    assert parent_text("group:repeat abcde") == "group repeat abcde"


def test_two_runs_are_compared_in_words():
    runs = (run(1, id="a"), run(2, id="b", fields={"learning_rate": 0.3, "seed": 1}))
    rows = comparison.differences(runs)
    assert rows[0] == ("Learning rate", "0.1", "0.3")
    assert "Status" not in [name for name, _, _ in rows]
    best = min(runs, key=lambda each: each.loss)
    assert f"{'AB'[runs.index(best)]} ends with the lower test loss" in comparison.pair_sentence(runs)


def test_ties_for_the_lowest_loss_are_counted():
    runs = (run(1, id="a"), run(1, id="b"), run(2, id="c", status="diverged"))
    assert comparison.sentence(runs).endswith(", tied with 1 other run. 1 of 3 diverged.")
    assert "tied" not in comparison.sentence(runs[1:])


def test_an_exported_list_is_imported_by_its_own_reader():
    runs = [run(number) for number in range(3)]
    assert len(exchange.read(exchange.export(runs), owner_of("bob"))) == 3


def test_views_of_the_page_are_named_as_the_link_names_them():
    page = filled_page(runs="parallel")
    assert page.segmented_control(key="runs_chart").value == "parallel"
    assert view(page, "runs_chart", "curves").segmented_control(key="runs_chart").value == "curves"
