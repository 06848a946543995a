"""The experiments of the five projects this one grew from, and three modern ones, each as one Experiment.

The results of the originals were measured with their own code on real MNIST (docs/recipes.md). `target` is the required
result of our experiment on held-out data; a test runs the quick ones.
"""

from __future__ import annotations

from typing import NamedTuple

from lab.experiment.experiment import Experiment


class Recipe(NamedTuple):
    name: str
    label: str
    sentence: str  # what it is and what to watch
    original: str  # the result of the project, "" for a modern recipe
    bug: str  # its bug
    target: float  # required test accuracy, or R2, with seed 1
    measured: tuple[float, float] | None  # lowest and highest of seeds 1 to 5 (python -m bench accuracy); None: unknown
    experiment: Experiment

    @property
    def reached(self) -> str:
        """The measured range as text, "" if it is unknown."""
        return "{:.4f} to {:.4f}".format(*self.measured) if self.measured else ""


SPIRAL = Experiment(dataset="spiral3", hidden=(3,), activations="relu", learning_rate=1.0, batch_size=0,
                    initializer="normal", epochs=10_000)  # fmt: skip
DIGITS = Experiment(dataset="digits", hidden=(64, 32), activations="relu", initializer="he_normal", optimizer="adam",
                    learning_rate=0.003, batch_size=32, epochs=40)  # fmt: skip
WHOLE_BATCH = Experiment(dataset="mnist", samples=41_000, scaling="unit", hidden=(10,), activations="relu",
                         learning_rate=0.1, batch_size=0, initializer="uniform")  # fmt: skip
MODERN = Experiment(dataset="mnist", hidden=(128,), activations="relu", initializer="he_normal", optimizer="adam",
                    learning_rate=0.002, batch_size=64, schedule="cosine", dropout=0.2, epochs=8)  # fmt: skip
ONE_BIAS = "one bias gradient for all units"  # explained by SHARED_BUG
SHARED_BUG = (
    "000, 002, 003 and 004 share one bug: the bias gradient was summed over all units into a single number, so the "
    "last layer's biases never moved. It cost no measurable accuracy, so it went unnoticed; a gradient "
    "check finds it."
)

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "digits", "Small digits, at once",
            "8 by 8 pixels, 64-64-32-10, Adam. Included with the program; trains in seconds.",
            "", "", 0.95, (0.9688, 0.9800), DIGITS,
        ),
        Recipe(
            "modern", "MNIST today: 784-128-10",
            "He initial weights, Adam, dropout and a cosine schedule: eight passes over the data achieve far "
            "more than two thousand full-batch steps.",
            "", "", 0.975, (0.9814, 0.9824), MODERN,
        ),
        Recipe(
            "conv", "MNIST today: a small convolution",
            "Two blocks of 3 by 3 filters that slide over the picture: the fewest weights and the best result.",
            "", "", 0.985, (0.9857, 0.9885),
            Experiment(dataset="mnist", conv=(8, 16), hidden=(), activations="relu", initializer="he_normal",
                       optimizer="adam", learning_rate=0.003, batch_size=32, schedule="cosine", epochs=3),
        ),
        Recipe(
            "seed000", "000: 784-10-10, 2,000 whole batches",
            "Every step uses all pictures, so one step is one epoch: a smooth but slow curve.",
            "0.9005 on 28,000 unseen pictures",
            ONE_BIAS + "; gradients divided by 42,000 where 41,000 pictures were used",
            0.900, None, WHOLE_BATCH.change(epochs=2000),
        ),
        Recipe(
            "seed001_three", "001: three neurons by hand",
            "Three ReLU neurons and a squared error, 200 small steps: the loss falls at each. With a learning rate of "
            "0.1 instead of 0.001 the network fits the plane.",
            "a falling loss on one example of four numbers",
            "the optimizer's method was defined inside its constructor and could not be called, so no network was "
            "ever trained by backprop",
            0.2, (-0.2623, 0.3486),
            Experiment(dataset="plane", hidden=(3,), activations="relu", loss="mse", batch_size=0,
                       learning_rate=0.001, epochs=200),
        ),
        Recipe(
            "seed001_spiral", "001: the spiral with three neurons",
            "2-3-3 on three spirals. Three neurons can bend the boundary only three times: about half of the points "
            "are classified correctly.",
            "0.46 by 20,000 random tries instead of gradients",
            "without an optimizer, random changes of the weights were kept when the loss fell",
            0.46, (0.3760, 0.5600), SPIRAL,
        ),
        Recipe(
            "seed001_wide", "001: the spiral with 64 neurons",
            "The same with 64 neurons: with the correct gradient a learning rate of 1.0 separates the spiral.",
            "0.57 at best with its optimizer repaired by us, with an oscillating loss",
            "as above; its spiral has more turns than ours",
            0.95, (0.9920, 1.0), SPIRAL.change(hidden=(64,)),
        ),
        Recipe(
            "seed002", "002: 784-10-10, 500 whole batches",
            "The same network as 000 with a quarter of the steps: it is still improving.",
            "0.8324 on 28,000 unseen pictures",
            ONE_BIAS + "; early stopping compared a function with the labels and never fired",
            0.832, None, WHOLE_BATCH.change(epochs=500),
        ),
        Recipe(
            "seed003", "003: 784-100-10, 1,000 whole batches",
            "Ten times the hidden units and twice the learning rate, on all 60,000 pictures. Shift a test picture "
            "below to see its other weakness.",
            "0.9358 on the 10,000 test pictures",
            ONE_BIAS + "; drawings were not centered: six pixels off center, one digit in ten was recognized",
            0.935, None, WHOLE_BATCH.change(samples=0, hidden=(100,), learning_rate=0.2, epochs=1000),
        ),
        Recipe(
            "seed004", "004: 784-10-10, each picture stretched",
            "Every picture is scaled from its darkest to its lightest pixel, and the initial weights depend on the "
            "number of inputs: far fewer steps are needed than in 000.",
            "0.9231 on 28,000 unseen pictures",
            ONE_BIAS + "; a blank picture was divided by zero",
            0.922, None,
            WHOLE_BATCH.change(samples=41_160, scaling="per_image", initializer="lecun_normal", epochs=2500),
        ),
    )
}  # fmt: skip
