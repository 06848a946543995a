"""Many random experiments at once: python -m tests.oracle --runs 3000 --seed 1

Prints the errors, and the simplest form of every experiment that disagrees.
"""

from __future__ import annotations

import argparse

import numpy as np

from tests.oracle.experiments import random_experiment, simplest
from tests.oracle.replay import LIMIT, agrees, compare


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description=__doc__)
    parser.add_argument("--runs", type=int, default=3000, help="number of experiments")
    parser.add_argument("--seed", type=int, default=1, help="of the series of experiments")
    options = parser.parse_args()
    comparisons = []
    for number in range(options.runs):
        e = random_experiment(options.seed, number)
        comparisons.append(compare(e))
        if not comparisons[-1].agrees:
            print(f"{number}: {comparisons[-1]}\n  {e.to_query()}\n  {simplest(e, lambda e: not agrees(e)).to_query()}")
    errors = np.array([comparison.error for comparison in comparisons])
    step_errors = [comparison.step_error for comparison in comparisons if comparison.step_error is not None]
    print(f"{options.runs} experiments, {sum(comparison.steps for comparison in comparisons)} steps")
    print("free runs, error: median {:.1e}, 90 % {:.1e}, 99 % {:.1e}".format(*np.quantile(errors, [0.5, 0.9, 0.99])))
    print(f"above {LIMIT:g}, so repeated in lockstep: {len(step_errors)}")
    print(f"largest error of a step in lockstep: {max(step_errors, default=0):.1e}")


if __name__ == "__main__":
    main()
