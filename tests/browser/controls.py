"""What the tests of the controls share: a press as a record, and what a network must show after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import urlencode

from lab.experiment.experiment import Experiment
from lab.training.build import build
from tests.browser.playground import Playground

tested: set[str] = set()  # names of the controls that some test presses


def presses(*names: str) -> Callable:
    """Notes which controls a test presses."""
    tested.update(names)
    return lambda test: test


Act = Callable[[Playground], None]


class Control(NamedTuple):
    """A press, what the address bar holds afterwards, and where the control stands if it is folded away."""

    name: str
    act: Act
    link: dict[str, str | None]
    within: str = ""


def slide(name: str, key: str, field: str, value: str, within: str = "") -> Control:
    return Control(name, lambda page: page.slide(name, key), {field: value}, within)


def choose(name: str, table: Mapping[str, Any], field: str, value: str, within: str = "") -> Control:
    text = getattr(table[value], "label", table[value]) if table else value
    return Control(name, lambda page: page.choose(name, text), {field: value}, within)


def enter(name: str, value: object, field: str, text: str, within: str = "") -> Control:
    return Control(name, lambda page: page.enter(name, value), {field: text}, within)


def press(name: str, field: str, value: str, within: str = "") -> Control:
    return Control(name, lambda page: page.press(name), {field: value}, within)


def tick(name: str, field: str, within: str = "") -> Control:
    return Control(name, lambda page: page.tick(name), {field: "true"}, within)


def train_loss(*experiments: Experiment) -> float:
    """What the screen must show after one epoch of each of these, the later ones by a change between two steps."""
    trainer = build(experiments[0]).trainer
    for before, now in zip((experiments[0], *experiments), experiments, strict=False):
        trainer.set(**before.changed_fields(now))
        trainer.epoch()
    return trainer.evaluate().train_loss


def use(page: Playground, control: Control) -> Experiment:
    """Use a control that is in sight; the experiment that the address bar holds afterwards."""
    control.act(page)
    page.linked(**control.link)
    experiment, refused = Experiment.from_query(page.link)
    assert refused == [], control
    return experiment


def operate(page: Playground, control: Control) -> Experiment:
    """Use a control, wherever it stands; the experiment that the address bar holds afterwards."""
    if control.within:
        page.unfold(control.within)
    experiment = use(page, control)
    if control.within:
        page.fold()
    return experiment


def each_builds_anew(page: Playground, controls: list[Control], start: Experiment | None = None) -> None:
    """Use the controls one after the other: each begins anew, and those that stand together train as without a page."""
    experiment = start or Experiment()
    shown = page.open(urlencode(experiment.to_query())).step(1)
    page.tag()
    losses = [train_loss(experiment)]
    for within, together in groupby(controls, lambda control: control.within):
        if within:
            page.unfold(within)
        for control in together:
            experiment = use(page, control)
            shown = page.until(f"facts.build > {shown['build']} && facts.epoch == 0")
            assert shown["status"] == "idle", control
            losses.append(train_loss(experiment))
            assert losses[-1] != losses[-2], control  # a control without effect would show below
        if within:
            page.fold()
        shown = page.step(1)
        assert float(shown["trainLoss"]) == losses[-1], experiment
