"""Every term of the playground in a sentence or two: one table of records. The functions come from their own tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import streamlit as st

from engine import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, OUTPUTS, REGULARIZERS, SCHEDULES

EVERYWHERE, PLAYGROUND, OPTIMIZERS_PAGE, HEALTH = "everywhere", "Playground", "Optimizers", "Health"


class Term(NamedTuple):
    name: str
    sentence: str
    where: str  # it is met
    fields: tuple[str, ...] = ()  # of the experiment that it explains


_TERMS = (
    Term("Accuracy", "The share of examples that get the right answer.", EVERYWHERE, ("target_accuracy",)),
    Term("Activation", "The function that bends what a unit has added up. Without one, any number of layers is no more "
         "than a single straight line.", EVERYWHERE, ("activations",)),
    Term("Backpropagation", "The chain rule, applied from the loss backwards, layer by layer: it gives the gradient of "
         "all weights for about the price of two passes forward.", EVERYWHERE),
    Term("Balance", "The share of the first class among all points.", PLAYGROUND, ("balance",)),
    Term("Batch", "The examples that share one step. All of them: a calm, slow way; few: a quick, noisy one.",
         EVERYWHERE, ("batch_size",)),
    Term("Batch normalisation", "Keeps the inputs of every hidden unit centred and of one size, batch by batch.",
         PLAYGROUND, ("batch_norm",)),
    Term("Bias", "The number that a unit adds whatever its inputs are; it shifts the place where the unit switches.",
         EVERYWHERE),
    Term("Class weights", "Balanced: mistakes on a rare class count more.", PLAYGROUND, ("class_weights",)),
    Term("Clipping", "Cuts a gradient that is too long, as a whole (norm) or number by number (value).", PLAYGROUND,
         ("clip_norm", "clip_value")),
    Term("Confusion matrix", "A table of counts: rows are the truth, columns the answer, the diagonal is right.",
         PLAYGROUND),
    Term("Convolution", "A layer that slides small filters over a picture, so that it finds a pattern wherever it is.",
         "Images", ("conv",)),
    Term("Data set", "The examples: inputs, and the answer that is wanted for each.", PLAYGROUND,
         ("dataset", "samples", "points", "own")),
    Term("Dead", "A unit whose slope is zero for every example: no gradient comes through, so it cannot learn. "
         "The table gives the share of such units.", HEALTH),
    Term("Device", "Where the network is computed: the processor, or a graphics card if there is one.", PLAYGROUND,
         ("device",)),
    Term("Divergence", "The loss grows without end, mostly because the learning rate is too high.", EVERYWHERE),
    Term("Dropout", "Leaves out a random share of the hidden units in each step, so that none can rely on another.",
         PLAYGROUND, ("dropout",)),
    Term("Early stopping", "Ends training when the watched number has not improved for some epochs (the patience).",
         PLAYGROUND, ("patience", "min_delta", "monitor")),
    Term("Epoch", "One pass through all training examples.", EVERYWHERE, ("epochs",)),
    Term("Exploding gradient", "A gradient that grows from layer to layer on its way back: steps become far too long.",
         HEALTH),
    Term("Feature", "A number that the network is told about each example, such as x1 or the square of it.", PLAYGROUND,
         ("features", "formula")),
    Term("Filter-normalised direction", "A random direction in which each unit's weights are as long as they are in "
         "the network, so that landscapes of different networks can be compared.", OPTIMIZERS_PAGE),
    Term("Gradient", "For each weight, how fast the loss rises when the weight grows. A step goes against it.",
         EVERYWHERE),
    Term("Gradient spread", "The standard deviation of the gradients by a layer's outputs.", HEALTH),
    Term("Hidden layer", "Units between inputs and output. Each layer works on what the one before has made.",
         EVERYWHERE, ("hidden",)),
    Term("Initial weights", "The random numbers that training begins with. Too small and signals die out, too large "
         "and they blow up.", PLAYGROUND, ("initializer", "weight_seed")),
    Term("L1, L2", "Penalties on large weights. L1 pulls all by the same amount, many to zero; L2 pulls large ones "
         "more.", PLAYGROUND, ("l1", "l2")),
    Term("Label noise", "The share of examples whose given answer is wrong.", PLAYGROUND, ("label_noise",)),
    Term("Label smoothing", "Asks for nearly 1 instead of 1, so that the network does not become too sure.", PLAYGROUND,
         ("label_smoothing",)),
    Term("Layer", "Units side by side that all get the same inputs.", HEALTH),
    Term("Learning rate", "How far a step goes. Too small: it crawls; too large: it overshoots.", EVERYWHERE,
         ("learning_rate",)),
    Term("Loss", "One number for how wrong the answers are. Training makes it small.", EVERYWHERE, ("loss",)),
    Term("Loss landscape", "The loss as a height over the weights. A picture can only show a plane of it.",
         OPTIMIZERS_PAGE),
    Term("Maximum norm", "The greatest length that the weights of one unit may have.", PLAYGROUND, ("max_norm",)),
    Term("Momentum", "What an optimizer keeps of earlier steps, like a ball that rolls on.", OPTIMIZERS_PAGE),
    Term("Noise", "How blurred the data is.", PLAYGROUND, ("noise",)),
    Term("Optimizer", "The rule that turns gradients into steps.", EVERYWHERE, ("optimizer",)),
    Term("Outliers", "The share of points that are thrown somewhere on the plane.", PLAYGROUND, ("outliers",)),
    Term("Output", "The function of the last layer: it turns sums into probabilities, or leaves them as they are.",
         EVERYWHERE, ("output",)),
    Term("Output spread", "The standard deviation of what a layer's units answer.", HEALTH),
    Term("Overfitting", "Learning examples by heart: training loss falls, test loss rises.", EVERYWHERE),
    Term("Precision", "Bits of every number: 32 are faster, 64 more exact.", PLAYGROUND, ("dtype",)),
    Term("R2", "For regression, the share of the differences between targets that the network explains; 1 is perfect.",
         EVERYWHERE),
    Term("Range test", "Learns batch after batch with rising learning rates, to find out which are fast and safe.",
         OPTIMIZERS_PAGE),
    Term("Saddle", "A place that is flat but no minimum: down on two sides, up on the others.", OPTIMIZERS_PAGE),
    Term("Saturated", "The share of answers that lie where a curve with two ends is almost flat: little gradient comes "
         "through.", HEALTH),
    Term("Scaling", "How pixels become inputs: centred and of one spread over all pictures, from 0 to 1, or each "
         "picture stretched by itself.", PLAYGROUND, ("scaling",)),
    Term("Schedule", "How the learning rate changes over the epochs.", PLAYGROUND, ("schedule", "schedule_span")),
    Term("Seed", "The number that all random choices follow from: the same seed, the same run.", PLAYGROUND, ("seed",)),
    Term("Skip connection", "Adds the inputs of a hidden layer to its outputs, where there are as many: the gradient "
         "has a second path around the layer, so deep networks learn.", PLAYGROUND, ("residual",)),
    Term("Speed", "How much is learnt between two pictures. It changes nothing in what is learnt.", PLAYGROUND),
    Term("Standardise", "Shift and scale each input so that over the training part its mean is 0 and its spread 1.",
         EVERYWHERE),
    Term("Step", "One update of all weights, from one batch.", EVERYWHERE),
    Term("Stop rule", "Ends training by itself: after so many epochs or seconds, at a goal, or without improvement.",
         PLAYGROUND, ("max_seconds",)),
    Term("Training part, test part", "The network learns from the one and is examined with the other, which it never "
         "learns from.", EVERYWHERE, ("train_share",)),
    Term("Unit", "Adds up its inputs, each times a weight, adds its bias, and bends the sum. Also: neuron.",
         EVERYWHERE),
    Term("Update / weight", "The length of one step of a layer's weights as a share of their own length. About 0.001 "
         "is healthy.", HEALTH),
    Term("Vanishing gradient", "A gradient that shrinks from layer to layer on its way back: the first layers hardly "
         "learn.", HEALTH),
    Term("Verdict", "What the figures of a layer say, in words.", HEALTH),
    Term("Weight", "The number that an input is multiplied by. Weights and biases are all that training changes.",
         EVERYWHERE),
    Term("Weight decay", "AdamW's shrinking of all weights by the same share in each step.", PLAYGROUND,
         ("weight_decay",)),
)  # fmt: skip
GLOSSARY = {term.name: term for term in _TERMS}

FUNCTIONS: dict[str, Mapping[str, Any]] = {
    "Activations": ACTIVATIONS,
    "Output functions": OUTPUTS,
    "Losses": LOSSES,
    "Optimizers": OPTIMIZERS,
    "Initial weights": INITIALIZERS,
    "Regularisation": REGULARIZERS,
    "Schedules": SCHEDULES,
}


def glossary() -> None:
    """All terms in the order of the alphabet, then the functions, each with its formula."""
    st.subheader("Glossary", anchor="glossary")
    rows = ["| Term | What it means | Where |", "| --- | --- | --- |"]
    rows += [f"| **{term.name}** | {term.sentence} | {term.where} |" for term in GLOSSARY.values()]
    st.markdown("\n".join(rows))
    for title, table in FUNCTIONS.items():
        with st.expander(title):
            st.markdown("\n".join(f"- **{r.label}**: {r.sentence} ${r.formula}$" for r in table.values()))
