"""The method of comparison, on implementations with simulated durations."""

from __future__ import annotations

import random

import pytest

from bench.paired import Timing, calibrate, compare


class Fake:
    """An implementation with a given duration per step. load: factor of wall time; noise: factors of its runs."""

    def __init__(self, seconds: float, load: float = 1.0, noise: tuple[float, ...] = (1.0,)) -> None:
        self.seconds, self.load, self.noise, self.asked = seconds, load, noise, []

    def __call__(self, steps: int) -> Timing:
        cpu = steps * self.seconds * self.noise[len(self.asked) % len(self.noise)]
        self.asked.append(steps)
        return Timing(steps, cpu * self.load, cpu)


def test_ratios_are_per_step():
    slow, fast = Fake(0.003), Fake(0.001)
    comparison = {c.name: c for c in compare({"ours": fast, "peer": slow}, "ours", rounds=3)}
    assert comparison["ours"][1:5] == (1, 1, 1, 1)
    assert comparison["peer"][1:5] == pytest.approx((3, 3, 3, 3))
    assert comparison["peer"].cpu_us == pytest.approx(3000)


def test_the_median_ignores_a_disturbed_round():
    peer = Fake(0.002, noise=(1, 1, 1, 1, 1, 50, 1, 1))  # the first three runs calibrate
    _, row = compare({"ours": Fake(0.001), "peer": peer}, "ours", rounds=5)
    assert row.ratio == pytest.approx(2)
    assert row.q1 == pytest.approx(2)


def test_quartiles_lie_where_the_rounds_do():
    peer = Fake(0.001, noise=(1, 1, 1, 1, 2, 3, 4, 5))
    _, row = compare({"ours": Fake(0.001), "peer": peer}, "ours", rounds=5)
    assert (row.q1, row.ratio, row.q3) == pytest.approx((2, 3, 4))


def test_wall_time_is_compared_by_the_shortest_runs():
    _, row = compare({"ours": Fake(0.001), "peer": Fake(0.001, load=4.0)}, "ours", rounds=2)
    assert (row.ratio, row.wall_ratio) == pytest.approx((1, 4))


def test_a_run_takes_about_the_requested_time():
    for seconds in (1e-6, 1e-3, 0.5, 3.0):
        fake = Fake(seconds)
        assert calibrate(fake, 0.1) == max(1, round(0.1 / seconds))


def test_a_slow_first_step_does_not_set_the_number_of_steps():
    compiling = Fake(0.001, noise=(1000, 1, 1))
    assert calibrate(compiling, 0.1) == 100


def test_every_round_runs_all_in_a_random_order():
    orders, runs = [], {}
    for name in "abc":
        runs[name] = lambda steps, name=name: orders.append(name) or Timing(steps, 0.01 * steps, 0.01 * steps)
    compare(runs, "a", rounds=6, rng=random.Random(1))
    rounds = [tuple(orders[start : start + 3]) for start in range(9, len(orders), 3)]
    assert len(rounds) == 6
    assert all(sorted(turn) == ["a", "b", "c"] for turn in rounds)
    assert len(set(rounds)) > 1


def test_no_rounds_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        compare({"ours": Fake(1)}, "ours", rounds=0)
