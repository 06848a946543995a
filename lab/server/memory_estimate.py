"""An estimate of the memory of a run, made before it is built: what does not fit is refused, not tried."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import lru_cache
from typing import NamedTuple

from engine.network.network import MAX_WORKSPACE
from lab.experiment.architecture import architecture_of
from lab.experiment.datasets import shared
from lab.experiment.experiment import Experiment
from lab.experiment.group import Group

EVERY_RUN = 3.0  # MB: Python objects, curves, maps, and the checkpoint that waits to be sent
COPIES = 14  # of the parameters: gradients, moments, first, best and last sound weights, a checkpoint on its way
POINTS = 30  # bytes for each number of a table or of points: float64 while they are made, float32 for training
PIXELS = 6  # bytes for each pixel: as it was read, as an input in float32, and as the test part is shown
SMALL_TRAINER = 0.7  # MB of one that a run keeps for its groups, with its outcomes and map
KEPT_TRAINERS = 64  # of them, at most: see lab/training/group_run.py
LARGE_TRAINERS = 3  # of a group and of a pair, which may be too large for more of them to be kept
PASSES = 3  # arrays as large as the outputs of all layers for a batch: forward, backward and one between


class Need(NamedTuple):
    """Megabytes that a run takes."""

    own: float = 0.0  # network, curves, working memory
    data: float = 0.0
    shared: Hashable = None  # runs of one process with an equal key share their data


NOTHING = Need()


def need(e: Experiment) -> Need:
    """A cautious estimate; tests/lab/server/test_bounds.py compares it with what a process really takes."""
    size = 8 if e.dtype == "float64" else 4
    samples = e.samples or e.source.samples
    if e.source.image_shape:
        data, cast = PIXELS * samples * e.inputs, (size if size > 4 else 0) * samples * e.inputs
    else:
        data, cast = POINTS * samples * (e.inputs + 2), 0
    architecture = architecture_of(e)
    widths = [architecture.inputs, *(block.width for block in architecture.blocks)]
    part = max(1, MAX_WORKSPACE // max(widths))  # more samples are processed in parts unless they are coupled
    batch = min(e.batch_size or samples, samples if e.batch_norm else part)
    passed = (PASSES * batch + 2 * min(samples, part)) * sum(widths) * size
    own = COPIES * architecture.parameters * size + cast + passed
    return Need(EVERY_RUN + own / 1e6, data / 1e6, shared(e))


def need_beside(needs: Iterable[Need], trainers: int = KEPT_TRAINERS) -> Need:
    """What groups take beside their run. needs: of single runs of their members; trainers: how many are kept."""
    needs = list(needs)
    own = max(n.own for n in needs) - EVERY_RUN
    most = max(needs, key=lambda n: n.data)
    return Need(SMALL_TRAINER * trainers + LARGE_TRAINERS * own, most.data, most.shared)


@lru_cache(maxsize=256)
def need_of_group(text: str) -> Need:
    """The same of a group in JSON. Raises ExperimentError."""
    group = Group.from_json(text)
    needs = [need(member.experiment) for member in group.members[: group.places]]
    return need_beside(needs, 2 + min(group.places, KEPT_TRAINERS))  # with those of a pair


def megabytes(e: Experiment) -> float:
    """The need of a run alone in its process."""
    return sum(need(e)[:2])


def together(needs: Iterable[tuple[Hashable, Need]]) -> float:
    """Megabytes of many (process, need) pairs: shared data counts once in a process."""
    needs = list(needs)
    common = {(process, n.shared): n.data for process, n in needs if n.shared}
    return sum(n.own + (0 if n.shared else n.data) for _, n in needs) + sum(common.values())
