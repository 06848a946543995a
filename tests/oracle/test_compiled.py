"""The random experiments of test_replay.py, compiled to C."""

from __future__ import annotations

import pytest

from tests.engine.c.conftest import c, cache, optimization  # noqa: F401  (fixtures)
from tests.oracle.experiments import simplest
from tests.oracle.test_replay import EXPERIMENTS

COMPILED = [e for e in EXPERIMENTS if not e.conv]


@pytest.mark.usefixtures("c")
@pytest.mark.parametrize(
    ("optimization", "experiments"),
    [("-Og", [e for n, e in enumerate(COMPILED) if n % 9]), ("-O2", COMPILED[::9])],
    ids=["all", "as shipped"],
)
def test_pytorch_trains_compiled_experiments_alike(replay, experiments):
    ways, repeated = set(), 0
    for e in experiments:
        comparison = replay.compare(e)
        ways.add(comparison.way)
        repeated += comparison.step_error is not None
        if not comparison.agrees:
            pytest.fail(str(simplest(e, lambda e: not replay.agrees(e)).to_query()))
    assert ways == {"compiled"}
    # Which runs are chaotic depends on the last bits of the machine's BLAS: of eight, two are by chance.
    assert repeated <= len(experiments) / 5 + 1, "too many free runs drift apart"
