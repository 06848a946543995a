"""Named starting points: an experiment each, and a sentence on what it shows; a test checks that each is true."""

from __future__ import annotations

from typing import NamedTuple

from lab.experiment.experiment import Experiment

SEVEN = ("x1", "x2", "x1^2", "x2^2", "x1*x2", "sin_x1", "sin_x2")


class Preset(NamedTuple):
    name: str
    label: str
    sentence: str  # what to do and what will be seen
    experiment: Experiment


MEMORISED = Experiment(dataset="moons", label_noise=0.2, samples=200, train_share=0.3, hidden=(32, 32),
                       optimizer="adam", learning_rate=0.01)  # fmt: skip

PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            "easy_win", "An easy win",
            "Press Play: within a minute two hidden layers have closed a border around the disc.",
            Experiment(),
        ),
        Preset(
            "linear", "Linear is not enough",
            "Without a hidden layer the border is one straight line, and a disc in a ring cannot be cut off by a line: "
            "it stays a matter of guessing.",
            Experiment(hidden=()),
        ),
        Preset(
            "features", "Features instead of layers",
            "Still no hidden layer, but the squares as inputs: now a straight line in the new inputs is a closed curve "
            "on the map.",
            Experiment(hidden=(), features=("x1^2", "x2^2")),
        ),
        Preset(
            "spiral", "The spiral",
            "The hardest of the toys: seven inputs, two hidden layers and Adam unroll it.",
            Experiment(dataset="spiral", features=SEVEN, hidden=(8, 8), optimizer="adam", learning_rate=0.01),
        ),
        Preset(
            "vanishing", "Vanishing gradient",
            "Six layers of sigmoids: each lets at most a quarter of the gradient through, so the first layers hardly "
            "move and nothing is learnt. Choose Tanh as activation and it learns.",
            Experiment(hidden=(8,) * 6, activations="sigmoid"),
        ),
        Preset(
            "dead_relu", "Dead ReLUs",
            "The high rate throws units to where they are zero for every point. No gradient comes back from there: "
            "they stay black. Leaky ReLU keeps them alive.",
            Experiment(hidden=(8, 8), activations="relu", learning_rate=3.0),
        ),
        Preset(
            "high_rate", "Too high a rate",
            "Every step overshoots: the loss jumps up and down and does not settle. Lower the rate while it runs.",
            Experiment(noise=0.2, learning_rate=2.0),
        ),
        Preset(
            "overfitting", "Overfitting",
            "A large network, few training points and wrong labels among them: it learns them by heart. Training loss "
            "falls, test loss rises.",
            MEMORISED,
        ),
        Preset(
            "l2", "L2 cures it",
            "The same as in Overfitting, but large weights are pulled towards zero: the border stays smooth and test "
            "loss low.",
            MEMORISED.change(l2=0.01),
        ),
        Preset(
            "zeros", "Zeros never learn",
            "All weights begin at zero, so all units of a layer get the same gradient: they stay copies of one another "
            "and nothing is learnt.",
            Experiment(initializer="zeros"),
        ),
        Preset(
            "full_batch", "One step an epoch",
            "The whole training part in every step: a calm curve, but one step an epoch. Set the batch size to 10: "
            "many noisy steps learn far more in the same epochs.",
            Experiment(batch_size=0),
        ),
        Preset(
            "three_classes", "Three classes",
            "Three outputs, one for each arm: softmax turns them into shares, and three regions divide the plane.",
            Experiment(dataset="spiral3", features=SEVEN, hidden=(8, 8), optimizer="adam", learning_rate=0.01),
        ),
        Preset(
            "regression", "A surface to fit",
            "No classes, but a height: hidden units add up to three hills and three hollows.",
            Experiment(dataset="hills", hidden=(16, 16), optimizer="adam", learning_rate=0.01),
        ),
    )
}  # fmt: skip
