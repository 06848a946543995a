"""Small networks that a page trains to compare them, each in a run of its own that is closed afterwards."""

from __future__ import annotations

from collections.abc import Iterator

from lab.experiment.experiment import Experiment
from lab.protocol.messages import Answer, Step
from lab.server.pool import Pool

TRIAL_EPOCHS = 60
STEPS_PER_EPOCH = 20  # presses of Step that an epoch may take
SIGMOIDS = Experiment(hidden=(8,) * 6, activations="sigmoid", initializer="glorot_uniform")
PLAIN = Experiment(hidden=(8,) * 8, activations="tanh", initializer="normal")
TRIALS = {  # question -> two networks by their headings; keys of the page are made of the first words
    "Sigmoids or ReLU?": {
        "Six layers of sigmoids": SIGMOIDS,
        "The same with ReLU and He weights": SIGMOIDS.change(activations="relu", initializer="he_normal"),
    },
    "Without or with skip connections?": {
        "Eight layers of tanh with small first weights": PLAIN,
        "The same with skip connections": PLAIN.change(residual=True),
    },
}


def trial(pool: Pool, experiment: Experiment, epochs: int = TRIAL_EPOCHS) -> Iterator[tuple[float, Answer | None]]:
    """Train a new network; yields the share of the epochs that is done, and with the last one its health."""
    token = pool.open(experiment)
    try:
        for _ in range(STEPS_PER_EPOCH * epochs):  # a press of Step may end before its epoch does
            pool.do(token, Step())
            done = pool.state(token).epoch
            if done >= epochs:
                break
            yield done / epochs, None
        yield 1.0, pool.ask(token, "health")
    finally:
        pool.close(token)
