"""The page Studies: controls make a study, and what it finds is shown and can be taken."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

import lab.studies.jobs
from lab.experiment.experiment import Experiment
from lab.server.limits import limits
from lab.store.address import StoreError
from lab.store.kept_run import owner_of
from lab.store.kept_study import KeptStudy
from lab.store.shared import close, shared
from lab.store.store import Store
from lab.studies.jobs import Jobs
from lab.studies.search import Search, name_of
from lab.studies.study import Span
from tests.lab.helpers import until
from tests.lab.studies.helpers import SMALL, Threads, conducted, study_of
from tests.ui.opened import link, open_page, ran, texts
from ui.figures.study_progress import Point, progress
from ui.session import study_setup
from ui.session.study_setup import Setup
from ui.studies import answer, setup

E = Experiment(dataset="moons", samples=60, hidden=(4,))
TEXT = "12:1:10:loss:random:false:learning_rate=0.01|1;hidden=4|2,2"


@pytest.fixture
def jobs(monkeypatch, tmp_path):
    """Studies in threads of this process, with a store of their own."""
    monkeypatch.setenv("PLAYGROUND_STATE", str(tmp_path))
    close()
    restart(monkeypatch)
    yield lab.studies.jobs.shared()
    close()


def restart(monkeypatch) -> None:
    """What is begun from now on is known to the store alone."""
    found = Jobs(limits({}), lambda study: Threads())
    monkeypatch.setattr("lab.studies.jobs.shared", lambda: found)


def wait(jobs: Jobs) -> Search:
    (job,) = jobs._jobs.values()
    until(lambda: not job.is_active)
    return job.search


def test_ties_for_the_best_trial_are_counted():
    easy = SMALL["experiment"] | {"dataset": "gauss"}
    space = {"learning_rate": {"low": 0.1, "high": 0.3, "log": True}, "l2": [0, 0.001]}
    search = conducted(study_of(trials=4, objective="validation_accuracy", experiment=easy, space=space))
    said = answer.sentence(search, search.rows(), search.best())
    assert "a validation accuracy of **1** (one run)" in said
    assert ", tied with 3 other trials." in said


def test_a_study_is_begun_and_its_best_trial_taken(jobs):
    page = open_page("studies", dataset="moons", samples="60", hidden="4")
    page.select_slider(key="study_trials").set_value(12)
    page.select_slider(key="study_seeds").set_value(1)
    ran(page.select_slider(key="study_epochs").set_value(10).run())
    ran(page.button(key="study_start").click().run())
    search = wait(jobs)
    ran(page.run())
    best = search.best()
    assert f"validation loss of **{best['value']:.4g}** (one run)" in texts(page)
    assert f"test loss **{best['test_loss']:.4g}**" in texts(page)
    assert page.button(key="study_start").disabled
    ran(page.button(key="study_take").click().run())
    assert float(link(page)["learning_rate"]) == best["experiment"]["learning_rate"]
    assert link(page)["epochs"] == "10"
    assert "12 of 12 trials" in texts(page)


def test_a_choice_counts_that_comes_with_the_press(jobs):
    """A browser sends both at once where the second press comes before the answer to the first."""
    page = open_page("studies", dataset="moons", samples="60", hidden="4", study=TEXT)
    page.toggle[0].set_value(True)
    low, high = (next(box for box in page.selectbox if box.label == f"Learning rate {end}") for end in ("from", "to"))
    low.set_value(0.03), high.set_value(0.3)
    ran(page.button(key="study_start").click().run())
    study = wait(jobs).study
    assert (study.pruner, study.space["learning_rate"]) == ("median", Span(0.03, 0.3, True))
    begun = replace(study, seeds=3)
    owner = next(iter(jobs._jobs))
    shared().put_study(KeptStudy(name_of(begun, owner), owner, begun.to_values()))
    ran(page.run())
    box = next(box for box in page.selectbox if box.label == "Earlier study")
    box.set_value(name_of(study, owner))
    ran(page.button(key="study_delete").click().run())
    assert [other.study["seeds"] for other in shared().studies(owner)] == [3]


def test_earlier_studies_are_opened_gone_on_with_and_deleted(jobs, monkeypatch):
    page = open_page("studies", dataset="moons", samples="60", hidden="4", study=TEXT)
    ran(page.button(key="study_start").click().run())
    search = wait(jobs)
    owner = search._owner
    begun = replace(search.study, seeds=3)  # and one of which the server has seen only the beginning
    shared().put_study(KeptStudy(name_of(begun, owner), owner, begun.to_values()))
    restart(monkeypatch)
    monkeypatch.setattr("ui.studies.earlier._when", lambda kept: "the same second")
    ran(page.run())
    assert page.button(key="study_start").disabled  # the link is that of a study that is complete
    assert f"validation loss of **{search.best()['value']:.4g}**" in texts(page)
    listed = page.table[0].value
    assert list(listed["State"]) == ["stopped", "complete"]
    assert list(listed["Trials"]) == ["0 of 12", "12 of 12"]
    assert listed["Settings"][1] == "Learning rate, Hidden layers"
    chosen = next(box for box in page.selectbox if box.label == "Earlier study")
    chosen.set_value(name_of(begun, owner)).run()
    ran(page.button(key="study_open").click().run())
    assert link(page)["study"] == TEXT.replace("12:1", "12:3")
    ran(page.button(key="study_go_on").click().run())
    wait(lab.studies.jobs.shared())
    ran(page.run())
    assert list(page.table[0].value["State"]) == ["complete", "complete"]
    ran(page.button(key="study_delete").click().run())
    assert len(shared().studies(owner)) == 1
    assert page.info[0].value.startswith("No study yet")
    ran(page.button(key="study_undo").click().run())
    assert len(shared().studies(owner)) == 2


def test_a_running_study_that_is_deleted_ends(jobs):
    study = Setup({"l2": (0.0, 0.1)}, trials=200).study(E)
    job = jobs.begin("me", study, shared())
    assert not jobs.delete("you", job.search.name, shared())
    assert jobs.delete("me", job.search.name, shared())
    assert (job.status, jobs.of("me"), shared().studies("me")) == ("stopped", None, [])


@pytest.mark.parametrize("dataset", ["moons", "digits", "plane"])
def test_the_link_holds_every_setup(dataset):
    e = Experiment(dataset=dataset)
    for name in setup.offered(e, "score"):
        given = Setup({name: setup.usual(name, e), "hidden": ()}, 12, 1, 100, "score", "grid", False)
        assert study_setup.read(given.text) == given, name
        if name != "hidden":
            study = given._replace(space={name: setup.usual(name, e)}).study(e)
            assert study_setup.setup_of(study).study(study.experiment) == study


def test_a_setup_that_is_none_is_refused():
    for text in ("x", TEXT + ";password=1|2", TEXT.replace("12:1", "13:1"), TEXT.replace("0.01|1", "0.01"), "a" * 3000,
                 TEXT.replace("random", "luck"), TEXT.replace("=4", "=4;4"), TEXT + ";seed=1|2"):  # fmt: skip
        assert study_setup.read(text) is None, text
    page = open_page("studies", study="password")
    assert "study\\: password is not allowed" in page.warning[0].value
    assert "study" not in link(page)


def test_settings_become_a_study():
    study = Setup({"learning_rate": (0.01, 1.0), "hidden": ((2,), (4,)), "l2": (0.0, 0.1)}, seeds=5).study(E)
    assert study.space == {"learning_rate": Span(0.01, 1.0, True), "hidden": ((2,), (4,)), "l2": Span(0.0, 0.1)}
    assert (study.experiment.epochs, study.experiment.validation_share, study.seeds) == (50, 0.2, 5)
    assert Setup({"l2": (0.0, 0.1)}, objective="score").study(E).objective == "validation_accuracy"


@pytest.mark.parametrize("dataset", ["moons", "digits", "plane"])
@pytest.mark.parametrize("objective", ["loss", "score"])
def test_every_offered_setting_can_be_searched(dataset, objective):
    e = Experiment(dataset=dataset)
    for name in setup.offered(e, objective):
        assert Setup({name: setup.usual(name, e)}, objective=objective).study(e).space


def test_the_best_so_far_never_gets_worse():
    values = [0.5, 0.7, None, 0.3, 0.4]
    states = ["done", "done", "failed", "pruned", "done"]
    points = [Point(n, state, v, v or 0, v or 0) for n, (v, state) in enumerate(zip(values, states, strict=True))]
    for minimize, wanted, worst in ((True, (0.5, 0.5, 0.5, 0.4), 0.7), (False, (0.5, 0.7, 0.7, 0.7), 0.3)):
        figure = progress(points, 5, label="loss", minimize=minimize)
        line, failed = (next(t for t in figure.data if t.name == name) for name in ("best so far", "failed"))
        assert (tuple(line.x), tuple(line.y)) == ((0, 1, 3, 4), wanted)
        assert (tuple(failed.x), tuple(failed.y)) == ((2,), (worst,))
        assert figure.layout.yaxis.rangemode == "tozero"  # equal values would get an axis from one less to one more


def test_another_study_of_a_visitor_ends_the_first(jobs, tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'other.db'}")
    first, other = (Setup({"l2": (0.0, high)}, trials=200).study(E) for high in (0.1, 0.3))
    before = jobs.begin("me", first, store)
    assert jobs.begin("me", first, store) is before
    after = jobs.begin("me", other, store)
    assert (before.status, after.is_active) == ("stopped", True)
    after.stop()
    until(lambda: not after.is_active)
    store.close()


def test_studies_wait_for_their_turn():
    blocked = Jobs(SimpleNamespace(**{**vars(limits({})), "studies": 1}), lambda study: Threads())
    study = Setup({"l2": (0.0, 0.1)}, trials=200, epochs=10).study(E)
    running, waiting = (blocked.begin(owner, study, None) for owner in ("a", "b"))
    until(lambda: running.search.finished > 0)
    assert waiting.status == "waiting"
    running.stop()
    until(lambda: waiting.search.finished > 0)
    waiting.stop()
    until(lambda: not waiting.is_active)


def test_a_study_that_fails_says_so_and_gives_its_place_back():
    def no_workers(study):
        raise ConnectionError

    jobs = Jobs(SimpleNamespace(**{**vars(limits({})), "studies": 1}), no_workers)
    for owner in ("a", "b"):
        job = jobs.begin(owner, Setup({"l2": (0.0, 0.1)}).study(E), None)
        until(lambda job=job: job.status == "failed")
        assert job.problem


BUSY = "The database is busy"


def fails(*args, **more):
    raise StoreError(BUSY)


@pytest.mark.parametrize("button", ["study_delete", "study_undo", "study_open"])
def test_a_press_that_meets_a_busy_store_says_so_and_counts_when_it_is_repeated(jobs, monkeypatch, button):
    page = open_page("studies", dataset="moons", samples="60", hidden="4", study=TEXT)
    ran(page.button(key="study_start").click().run())
    wait(jobs)
    ran(page.run())
    if button == "study_undo":
        ran(page.button(key="study_delete").click().run())
    owner = owner_of(page.session_state.visitor.owner)
    before = shared().studies(owner)
    with monkeypatch.context() as busy:
        for name in ("delete_study", "restore_study", "studies"):
            busy.setattr(Store, name, fails)
        ran(page.button(key=button).click().run())
        assert BUSY in [warning.value for warning in page.warning]
    assert shared().studies(owner) == before
    if button == "study_delete":
        assert jobs.of(page.session_state.visitor.owner) or jobs.of(owner)  # nothing has to be read again
    assert BUSY not in [warning.value for warning in ran(page.run()).warning]
    ran(page.button(key=button).click().run())
    assert len(shared().studies(owner)) == {"study_delete": 0, "study_undo": 1, "study_open": 1}[button]
