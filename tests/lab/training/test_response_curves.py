"""Response curves hold the numbers of single runs, at the places of their values."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from engine import ACTIVATIONS
from lab.experiment.experiment import Experiment
from lab.experiment.fields import FIELDS
from lab.experiment.group import Group
from lab.protocol.messages import GetResponses
from lab.training.build import build
from lab.training.group_run import MAP_SIDE
from lab.training.response_curves import ASKED_S, SEEDS
from lab.training.run import Run
from tests.lab.helpers import until

E = Experiment(samples=60, hidden=(4,), epochs=10)


def ask(run: Run, *fields: str, begun: tuple[str, ...] = (), maps: str = "", known: str = ""):
    return run.respond(GetResponses(dict.fromkeys(fields, known), [*begun], maps))


def finished(run: Run, *fields: str, **options):
    """The complete curves of some fields."""

    def train() -> bool:
        answer = ask(run, *fields, **options)
        if run.due:
            run.advance(0.01)
        return answer["finished"]

    until(train)
    return ask(run, *fields, **options)


def final_losses(e: Experiment, seeds: int, part: int = 1) -> list[float]:
    """The losses of single runs with the first initial weights and later ones."""
    found = []
    for number in range(seeds):
        trainer = build(e.change(weight_seed=e.seed + number) if number else e).trainer
        trainer.run_for(np.inf, epochs=e.epochs)
        found.append(np.inf if trainer.divergence else float(trainer.history.values[part, -1]))
    return found


def test_the_points_of_a_curve_are_quartiles_of_single_runs():
    answer = finished(Run(E), "learning_rate")["responses"]["learning_rate"]
    assert tuple(answer["values"]) == FIELDS["learning_rate"].steps
    assert answer["texts"][answer["present"]] == "0.03"
    assert (answer["part"], answer["figure"], answer["epochs"]) == ("test", "loss", 10)
    medians = []
    for value, point in zip(answer["values"], answer["points"], strict=True):
        losses = final_losses(E.change(learning_rate=value), SEEDS[0])
        quartiles = np.quantile(losses, [0.25, 0.5, 0.75], method="higher")
        assert [q if q is not None else np.inf for q in point[:3]] == pytest.approx(quartiles.tolist())
        assert point[3:] == [losses.count(np.inf), SEEDS[0]]
        medians.append(quartiles[1])
    best = int(np.argmin(medians))
    assert answer["best"] == best
    said = f"Lowest test loss after 10 epochs: {medians[best]:.3g}, with {answer['texts'][best]} (median of 5 runs); "
    assert answer["sentence"].startswith(f"{said}yours, 0.03: {medians[5]:.3g}. Runs diverged with ")


def test_a_curve_stays_when_its_own_field_changes_and_others_begin_again():
    run = Run(E)
    before = finished(run, "learning_rate", "noise")["responses"]
    run.change(E.change(learning_rate=0.1))
    after = ask(run, "learning_rate", "noise")["responses"]
    assert after["learning_rate"]["points"] == before["learning_rate"]["points"]
    assert after["learning_rate"]["present"] == before["learning_rate"]["present"] + 1
    assert after["noise"]["serial"] != before["noise"]["serial"]
    assert after["noise"]["runs"] == 0
    again = finished(run, "learning_rate", "noise")["responses"]["noise"]
    trainer = build(E.change(learning_rate=0.1, noise=0.5)).trainer
    trainer.run_for(np.inf, epochs=10)
    assert trainer.history.values[1, -1] in finals_of(run, "noise", 0.5)
    assert again["points"][0] != before["noise"]["points"][0]


def finals_of(run: Run, field: str, value: float) -> list[float]:
    group_run = run.responses._responses[field].run
    assert group_run
    place = group_run.group.values.index(value)
    return [outcome.losses[-1] for outcome in group_run.outcomes[place :: group_run.group.places]]


def test_only_what_has_changed_is_sent_again():
    run = Run(E)
    version = finished(run, "l2")["responses"]["l2"]["version"]
    assert ask(run, "l2", known=version) == {
        "responses": {}, "finished": True, "maps": None, "encoding": "value", "changes": 0,
    }  # fmt: skip


def test_a_value_between_the_steps_of_a_slider_has_its_place():
    answer = ask(Run(E.change(learning_rate=0.02)), "learning_rate")["responses"]["learning_rate"]
    assert answer["values"][answer["present"]] == 0.02
    assert list(answer["values"]) == sorted({*FIELDS["learning_rate"].steps, 0.02})


def test_a_value_that_does_not_fit_keeps_its_place_and_has_no_result():
    answer = finished(Run(E.change(batch_norm=True)), "batch_size")["responses"]["batch_size"]
    assert answer["values"][0] == 1
    assert answer["points"][0] is None
    assert answer["places"] == len(answer["values"]) - 1
    assert all(answer["points"][1:])


def test_losses_of_different_kinds_are_not_compared():
    answers = finished(Run(E), "loss", "activations")["responses"]
    assert answers["loss"]["figure"] == "accuracy"
    assert "Highest test accuracy" in answers["loss"]["sentence"]
    assert answers["activations"]["figure"] == "loss"
    assert answers["activations"]["texts"] == [record.label for record in ACTIVATIONS.values()]
    numbers = ask(Run(E.change(dataset="plane")), "output")["responses"]["output"]
    assert numbers["figure"] == "R²"


def test_ties_for_the_best_value_are_counted():
    easy = E.change(dataset="gauss", learning_rate=0.1, epochs=10)
    answer = finished(Run(easy), "loss")["responses"]["loss"]
    medians = [point[1] for point in answer["points"]]
    assert medians.count(max(medians)) == 6
    assert (
        "Highest test accuracy after 10 epochs: 1, with Binary cross-entropy, tied with 5 other" in answer["sentence"]
    )
    assert "yours" not in answer["sentence"]  # it is the one that is named


def test_the_validation_part_is_shown_where_there_is_one():
    answer = finished(Run(E.change(validation_share=0.25)), "l1")["responses"]["l1"]
    assert answer["part"] == "validation"
    losses = final_losses(E.change(validation_share=0.25), SEEDS[0], part=4)
    assert answer["points"][0][1] == pytest.approx(float(np.median(losses)))


def test_the_maps_are_those_of_the_first_run_of_each_value():
    answer = finished(Run(E), "noise", maps="noise")
    assert (answer["maps"]["field"], answer["maps"]["side"]) == ("noise", MAP_SIDE)
    assert [len(base64.b64decode(packed)) for packed in answer["maps"]["maps"]] == [MAP_SIDE**2] * 11
    assert finished(Run(Experiment(dataset="iris", epochs=2)), "l2", maps="l2")["maps"] is None


def test_long_work_waits_until_a_person_asks_for_it(monkeypatch):
    run = Run(E)
    monkeypatch.setattr("lab.training.response_curves.AT_ONCE_S", 1e-9)
    answer = ask(run, "l2")["responses"]["l2"]
    assert answer["waits"]
    assert answer["total"] == 10 * SEEDS[-1]
    assert ask(run, "l2")["finished"]
    assert not run.due
    answer = finished(run, "l2", begun=("l2",))["responses"]["l2"]
    assert (answer["waits"], answer["runs"]) == (False, answer["total"])


def test_curves_train_only_while_a_page_asks(make, clock):
    run = make(E)
    ask(run, "l2")
    assert run.due
    clock.now += ASKED_S + 0.1
    assert not run.due


def test_every_field_has_one_run_of_each_value_before_a_second(monkeypatch):
    monkeypatch.setattr("lab.training.response_curves.BEGIN_S", 60.0)
    run = Run(E)
    ask(run, "l1", "l2")
    first, second = (run.responses._responses[field].run for field in ("l1", "l2"))
    assert first
    assert second
    while not second.outcomes:
        ask(run, "l1", "l2")
        run.advance(0.001)
    assert len(first.outcomes) == first.group.places


def test_curves_change_neither_the_pace_nor_the_numbers_of_the_run(make):
    run, alone = make(E, "epoch"), make(E, "epoch")
    run.play()
    alone.play()
    for _ in range(3):
        for each in (run, alone):
            each.watch()
        while run.due:
            ask(run, "l2")
            run.advance(0.01)
            if not run._is_due and run.responses._responses["l2"].run.finished:
                break
        while alone.due:
            alone.advance(0.01)
    assert run.trainer.epochs == alone.trainer.epochs == 3
    np.testing.assert_array_equal(run.trainer.history.values, alone.trainer.history.values)


def test_what_takes_too_long_is_refused_with_a_sentence():
    large = Experiment(dataset="digits", hidden=(1024, 1024), batch_size=1, epochs=400)
    answer = ask(Run(large), "l2")["responses"]["l2"]
    assert "takes about" in answer["problem"]


@pytest.mark.parametrize("kind", ["curves", "group"])
def test_a_run_does_not_train_in_place_of_what_nobody_asks_for_any_more(kind):
    now = [0.0]
    run = Run(E, clock=lambda: now[0])
    run.set_speed("max")
    if kind == "curves":
        ask(run, "learning_rate")
    else:
        run.group(Group(E).to_json())
    assert run.due
    now[0] += 1000
    run.advance(0.01)
    assert run.trainer.steps == 0
