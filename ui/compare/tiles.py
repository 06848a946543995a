"""The tiles of two settings. While their runs train, the browser fetches them: script runs could not follow."""

from __future__ import annotations

import hashlib
import math
import time
from typing import Any

import numpy as np

from data.counted import counted
from lab.protocol.messages import Query, Reply
from ui.compare import parts
from ui.compare.maps import Tile, listed
from ui.compare.outcomes import Outcomes
from ui.figures.theme import Theme
from ui.kit.charts import theme
from ui.kit.inline_picture import map_url
from ui.server.pictures import OFFERED
from ui.session import state

PATIENCE_S = 2.0  # since the browser had its last answer; then a script run asks, and says what is wrong


class LiveTiles:
    """The tiles as the browser fetches them. The group trains on while it does."""

    def __init__(self, found: Outcomes, theme: Theme) -> None:
        self.found = found
        self.theme: Theme = theme
        self.answered = -math.inf  # when the browser had its last answer

    @property
    def is_followed(self) -> bool:
        return time.monotonic() - self.answered < PATIENCE_S

    def question(self) -> Query | None:
        return None if self.found.ended else self.found.question(so_far=True)

    def take(self, question: Query, reply: Reply) -> dict[str, Any]:
        self.answered = time.monotonic()
        with self.found.lock:
            if not self.found.stopped:  # meanwhile
                self.found.take(question, reply.header, reply.arrays)
            return {"name": offer_name(self.found), "pictures": listed(all_tiles(self.found, self.theme))}


def follow(found: Outcomes) -> bool:
    """Offer the tiles to the visitor's browser; whether it fetches them, and with them the outcomes."""
    live = state.notes().get("live_tiles")
    if not live or live.found is not found or live.theme != theme():
        live = state.notes()["live_tiles"] = LiveTiles(found, theme())
    OFFERED[state.token()] = live  # a run that was opened again has another token
    return live.is_followed


def offer_name(found: Outcomes) -> str:
    """The name of what is offered, so that the browser shows nothing of another group."""
    return hashlib.sha256(found.group.to_json().encode()).hexdigest()[:12]


def medians(found: Outcomes) -> np.ndarray:
    """(places,): the median result of each pair."""
    return np.array([median(found, place) for place in range(found.group.places)])


def all_tiles(found: Outcomes, theme: Theme) -> list[Tile]:
    results = medians(found)
    return [tile(found, place, results, theme) for place in range(found.group.places)]


def _so_far(found: Outcomes, place: int) -> int | None:
    """The index of a pair without a finished run among the members that are still training."""
    at = place - len(found.status)
    return at if 0 <= at < len(found.so_far.epochs) else None


def median(found: Outcomes, place: int) -> float:
    """The median result of a pair; until its first run is done, that of this run so far; NaN before it begins."""
    if len(found.of(place)):
        return float(parts.quartiles(found, place)[1])
    now, at = found.so_far, _so_far(found, place)
    return np.nan if at is None else float((now.losses if found.group.figure == "loss" else now.scores)[at, 0])


def _map(found: Outcomes, place: int, theme: Theme) -> str:
    """The picture of the first run of a pair."""
    at = _so_far(found, place)
    maps, at = (found.maps, place) if at is None else (found.so_far.maps, at)
    return map_url(maps[at], found.encoding, theme) if maps is not None else ""


def tile(found: Outcomes, place: int, medians: np.ndarray, theme: Theme) -> Tile:
    """strength: 1 for the best results, 0 for the worst, by their order."""
    value, name = float(medians[place]), parts.name_of(found.group, place)
    if np.isnan(value):
        return Tile(f"{name}: not trained yet", "", 0.0, "")
    worse, known = parts.worse(found.group), medians[np.isfinite(medians)]
    better = int((worse * known < worse * value).sum())
    strength = 1 - better / max(1, len(known) - 1) if np.isfinite(value) else 0.0
    text = f"{value:.2g}" if np.isfinite(value) else "diverged"
    failed, count, at = parts.diverged(found, place), len(found.of(place)), _so_far(found, place)
    more = f"; {failed} of {count} diverged" if failed else ""
    more += f" after {counted(found.so_far.epochs[at], 'epoch')}" if at is not None else ""
    label = f"{name}: {parts.figure_label(found.group)} {parts.number(value)}{more}"
    return Tile(label, text, strength, _map(found, place, theme))
