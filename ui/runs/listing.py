"""What the parts of the page Runs share: what is listed and chosen, and changing it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.store.kept_run import KeptRun
from lab.store.shared import shared
from ui.kit.widgets import keyed
from ui.session import run_list, state
from ui.session.run_list import RunList

Runs = tuple[KeptRun, ...]


def listed() -> RunList:
    """What is shown, as the link holds it."""
    return run_list.read(state.view()["runs"]) or RunList()


def show(**changes: Any) -> None:
    """Show something else; what a link could not hold is refused with a sentence."""
    state.change_view("runs", listed()._replace(**changes).text)


def sets(name: str, read: Callable[[Any], Any] = lambda value: value) -> dict[str, Any]:
    """Options of a widget that shows one field of the list. read: from the widget's value to that of the field."""
    return keyed(f"runs_{name}", getattr(listed(), name), lambda value: show(**{name: read(value)}))


def rows(ids: tuple[str, ...]) -> Runs:
    """Runs without curve and thumbnail, in the order of their ids; those that are gone are left out."""
    found = {run.id: run for run in shared().find(ids=ids).runs}
    return tuple(found[id] for id in ids if id in found)


def loss_label(runs: Runs) -> str:
    """Whose loss `KeptRun.loss` is."""
    validated = {run.last.validation_loss is not None for run in runs if not run.diverged}
    return {frozenset({True}): "validation loss", frozenset({False}): "test loss"}.get(frozenset(validated), "loss")


def lowest(runs: Runs) -> KeptRun | None:
    """The run with the lowest loss that has not diverged."""
    known = [run for run in runs if run.loss is not None and not run.diverged]
    return min(known, key=lambda run: run.loss or 0.0, default=None)
