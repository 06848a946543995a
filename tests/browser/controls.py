"""Controls as records, the names of those that a page offers, and the loss that they must lead to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from lab.experiment.experiment import Experiment
from lab.training.build import build
from tests.browser.playground import Playground

tested: set[str] = set()  # names of the controls that some test presses
ROLES = "button|checkbox|combobox|link|radio|searchbox|slider|spinbutton|switch|tab|textbox"
STREAMLIT_OWN = re.compile(  # controls of Streamlit itself, among them parts of tables, pictures and upload boxes
    "Help for .*|Open|Main menu|Skip to main content|Link to heading"
)
PARTS_OF_WIDGETS = re.compile(
    "Add files|Clear all|Decrement|Download as CSV|Fullscreen.*|Increment|Remove (colour|length|species)|Search|"
    "Show/hide columns|Upload"
)
FRAME = {  # tested in test_controls.py
    "Navigate to home page", "Playground", "Data", "Save", "Runs", "Compare", "Studies", "Learn", "Functions",
    "One step", "Optimizers", "Health", "Images", "More", "Device", "Help",
}  # fmt: skip


def offered(page: Playground) -> set[str]:
    """The accessible names of all visible controls, without the save menus."""
    found = set(re.findall(rf'\b(?:{ROLES}) "([^"]+)"', page.page.locator("body").aria_snapshot()))
    once = {re.sub(r"^(.+) \1$", r"\1", name) for name in found}  # Streamlit repeats the name of a slider
    saves = page.page.locator(".live-save button").evaluate_all("all => all.map(button => button.ariaLabel)")
    counted = {re.sub(r"^(Stop rules|More settings|More data): \d+$", r"\1", name) for name in once - set(saves)}
    return {name for name in counted if not STREAMLIT_OWN.fullmatch(name)}


def own_controls(page: Playground) -> set[str]:
    """The names of the controls that the page itself offers, without the header and the parts of larger widgets."""
    page.settle()
    return {name for name in offered(page) - FRAME if not PARTS_OF_WIDGETS.fullmatch(name)}


def presses(*names: str) -> Callable:
    """Records the names of the controls that a test presses."""
    tested.update(names)
    return lambda test: test


Act = Callable[[Playground], None]


class Control(NamedTuple):
    """How a control is used, the link fields that follow, and the popover that holds it, if any."""

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
    """The training loss after one epoch of each experiment, each a live change of the one before."""
    trainer = build(experiments[0]).trainer
    for before, now in zip((experiments[0], *experiments), experiments, strict=False):
        trainer.set(**before.changed_fields(now))
        trainer.epoch()
    return trainer.evaluate().train_loss


def use(page: Playground, control: Control) -> Experiment:
    """Use a visible control; returns the experiment that the link holds afterwards."""
    control.act(page)
    page.linked(**control.link)
    experiment, refused = Experiment.from_query(page.link)
    assert refused == [], control
    return experiment


def operate(page: Playground, control: Control) -> Experiment:
    """Use a control, in its popover if it has one; returns the experiment that the link holds afterwards."""
    if control.within:
        page.unfold(control.within)
    experiment = use(page, control)
    if control.within:
        page.fold()
    return experiment


def check_rebuilds(page: Playground, controls: list[Control], start: Experiment | None = None) -> None:
    """Use the controls one after the other: each rebuilds the run, which then trains as it does without a page."""
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
            assert losses[-1] != losses[-2], control  # every control has an effect
        if within:
            page.fold()
        shown = page.step(1)
        assert float(shown["trainLoss"]) == losses[-1], experiment


def save_menus(playground: Playground) -> list[str]:
    """The names of all pictures on the page that can be saved."""
    buttons = playground.page.locator(".live-save > button")
    return [name.removeprefix("Save ") for name in buttons.evaluate_all("all => all.map(it => it.ariaLabel)")]


def saved(playground: Playground, name: str, kind: str) -> tuple[str, bytes]:
    """Save a picture by its menu; returns the name and the content of the file."""
    playground.button(f"Save {name}").first.click()
    with playground.page.expect_download() as caught:
        playground.button(f"Save {name} as {kind}").first.click()
    return caught.value.suggested_filename, Path(caught.value.path()).read_bytes()
