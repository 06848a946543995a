"""Named starting points: an experiment, and a description of its behavior, which a test checks."""

from __future__ import annotations

from typing import NamedTuple

from lab.experiment.experiment import Experiment

SEVEN = ("x1", "x2", "x1^2", "x2^2", "x1*x2", "sin_x1", "sin_x2")


class Preset(NamedTuple):
    name: str
    label: str
    sentence: str  # what to do and what to observe
    experiment: Experiment


MEMORIZED = Experiment(dataset="moons", label_noise=0.2, samples=200, train_share=0.3, hidden=(32, 32),
                       optimizer="adam", learning_rate=0.01)  # fmt: skip

PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            "easy_win", "An easy win",
            "Press Play: within ten seconds the network draws a closed boundary around the disk.",
            Experiment(),
        ),
        Preset(
            "linear", "Linear is not enough",
            "Without a hidden layer the boundary is one straight line, which cannot separate a disk from the ring "
            "around it: the network cannot do better than guessing.",
            Experiment(hidden=()),
        ),
        Preset(
            "features", "Features instead of layers",
            "Still no hidden layer, but the squares as inputs: a straight line in these inputs is a closed curve on "
            "the map.",
            Experiment(hidden=(), features=("x1^2", "x2^2")),
        ),
        Preset(
            "spiral", "The spiral",
            "The hardest toy data set: with seven inputs, two hidden layers and Adam, the network untangles it.",
            Experiment(dataset="spiral", features=SEVEN, hidden=(8, 8), optimizer="adam", learning_rate=0.01),
        ),
        Preset(
            "vanishing", "Vanishing gradient",
            "Six sigmoid layers: each passes on at most a quarter of the gradient, so the first layers hardly change "
            "and the network learns nothing. Choose Tanh as activation and it learns.",
            Experiment(hidden=(8,) * 6, activations="sigmoid"),
        ),
        Preset(
            "dead_relu", "Dead ReLUs",
            "The high learning rate pushes neurons to where they are zero for every point. No gradient comes back from "
            "there: their maps stay blank. Leaky ReLU keeps them alive.",
            Experiment(hidden=(8, 8), activations="relu", learning_rate=3.0),
        ),
        Preset(
            "high_rate", "Learning rate too high",
            "Every step overshoots: the loss jumps up and down and does not settle. Lower the learning rate while it "
            "runs.",
            Experiment(noise=0.2, learning_rate=2.0),
        ),
        Preset(
            "overfitting", "Overfitting",
            "A large network and few training points, some with wrong labels: it memorizes them. Training loss falls, "
            "test loss rises.",
            MEMORIZED,
        ),
        Preset(
            "l2", "L2 cures it",
            "The same as in Overfitting, but large weights are pulled toward zero: the boundary stays smooth and the "
            "test loss low.",
            MEMORIZED.change(l2=0.01),
        ),
        Preset(
            "fooled", "Fooled by the test part",
            "Every label is a coin flip, so the truth is 50%. Early stopping keeps the weights that were best on the "
            "validation part, and there they look better, by luck. The test part took no part in the choice: it stays "
            "near 50%. Had the test part chosen, its own figure would be the lucky one.",
            Experiment(label_noise=0.5, train_share=0.3, validation_share=0.3, optimizer="adam", learning_rate=0.01,
                       patience=100, monitor="validation_score"),
        ),
        Preset(
            "zeros", "Zeros never learn",
            "All weights begin at zero, so all neurons of a layer get the same gradient: they stay copies of one "
            "another and the network learns nothing.",
            Experiment(initializer="zeros"),
        ),
        Preset(
            "full_batch", "One step per epoch",
            "Every step uses all the training data: a smooth curve, but only one step per epoch. Set the batch size to "
            "10: many noisy steps learn far more in the same number of epochs.",
            Experiment(batch_size=0),
        ),
        Preset(
            "three_classes", "Three classes",
            "Three outputs, one for each arm: softmax turns them into probabilities, and three regions divide the "
            "plane.",
            Experiment(dataset="spiral3", features=SEVEN, hidden=(8, 8), optimizer="adam", learning_rate=0.01),
        ),
        Preset(
            "regression", "A surface to fit",
            "The target is a number instead of a class: hidden neurons add up to three hills and three hollows.",
            Experiment(dataset="hills", hidden=(16, 16), optimizer="adam", learning_rate=0.01),
        ),
    )
}  # fmt: skip
