"""Keeping the runs of a comparison: each member becomes a kept run of one group."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import streamlit as st

from lab.experiment.fields import FIELDS
from lab.experiment.group import Group
from lab.store.address import StoreError
from lab.store.kept_run import Curve, Figures, KeptRun, Thumbnail, best, finite
from lab.store.shared import shared
from ui.compare.outcomes import Outcomes
from ui.kit.escape import escape_markdown
from ui.session import keeping, state

WAY = "compiled"  # of execution, wherever that is possible: see lab/training/group_run.py


def keep_button(found: Outcomes) -> None:
    """Keep the runs that are done; the page Runs lists them."""
    key = "kept " + found.group.to_json()
    if state.notes().get(key) == len(found.status):
        st.caption(f"These {len(found.status)} runs are kept: the page Runs lists them.")
        return
    help = "Keeps each of these runs, as one group, on the page Runs."
    if st.button(f"Keep these {len(found.status)} runs", key="compare_keep", help=help):
        try:
            shared().keep(*kept_runs(found, state.keeper()))
        except StoreError as problem:
            st.warning(escape_markdown(str(problem)))
        else:
            state.notes()[key] = len(found.status)
            st.rerun()


def name_of(group: Group) -> str:
    """Of a group of kept runs: what varies, and a few characters that tell it from others."""
    varied = ", ".join(FIELDS[name].label.lower() for name in (group.field, group.field2) if name)
    return f"{varied or 'repeat'} {hashlib.sha256(group.to_json().encode()).hexdigest()[:5]}"


def kept_runs(found: Outcomes, keeper: str) -> list[KeptRun]:
    """The members that are done. A member has one part only: the curves of the others are gaps."""
    group, name = found.group, f"group:{name_of(found.group)}"
    score = "accuracy" if group.experiment.source.kind == "classification" else "R2"
    kept = []
    for number, status in enumerate(found.status):
        e, epochs = group.members[number].experiment, found.epochs[number]
        losses, scores = (
            np.where(np.isfinite(row), row, np.nan) for row in (found.losses[number], found.scores[number])
        )
        curve = _curve(losses[: epochs + 1], scores[: epochs + 1], group)
        best_epoch, best_loss = best(curve)
        last = {f"{group.part}_loss": finite(losses[epochs]), f"{group.part}_score": finite(scores[epochs])}
        small = Thumbnail(found.encoding, found.maps[number]) if found.maps is not None else None
        ends = group.epochs if status == "diverged" else epochs  # a run that diverged is repeated until it does
        replay = group.replay_of(number)
        replay = replace(replay, epochs=group.first_epoch + ends, way=replay.way or WAY)
        run = KeptRun(e, replay, status, group.first_epoch + epochs, score=score, last=Figures(**last),
                      best_epoch=best_epoch, best_loss=best_loss, curve=curve, thumbnail=small, parent=name,
                      machine=keeping.machine(e.device, e.dtype, replay.way), owner=keeper)  # fmt: skip
        # The same run is one run, also if it was kept when members had no fingerprint.
        kept.append(replace(run, source=run.own_source, fingerprint=found.fingerprints[number]))
    return kept


def _curve(losses: np.ndarray, scores: np.ndarray, group: Group) -> Curve:
    gap = np.full(len(losses), np.nan)
    rows = [gap, gap, gap, gap, losses, scores] if group.part == "validation" else [gap, losses, gap, scores]
    return Curve(group.first_epoch + np.arange(len(losses)), np.array(rows))
