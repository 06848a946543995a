"""Every term of the playground in a sentence or two. The fields of an experiment and the functions come from their own
tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import streamlit as st

from engine import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, OUTPUTS, REGULARIZERS, SCHEDULES
from lab.experiment.fields import FIELDS

EVERYWHERE, PLAYGROUND, OPTIMIZERS_PAGE, HEALTH = "everywhere", "Playground", "Optimizers", "Health"


class Term(NamedTuple):
    name: str
    sentence: str
    where: str  # the page that uses it


_GENERAL = (
    Term("Accuracy", "The share of examples that are classified correctly.", EVERYWHERE),
    Term("Backpropagation", "The chain rule, applied from the loss backward, layer by layer: it gives the gradient of "
         "all weights for about the cost of two forward passes.", EVERYWHERE),
    Term("Batch", "The examples that share one step. All of them: slow, smooth progress; few: fast, noisy progress.",
         EVERYWHERE),
    Term("Bias", "The number that a neuron adds, whatever its inputs are; it shifts the point where it switches.",
         EVERYWHERE),
    Term("Clipping", "Limits a gradient that is too long, as a whole (norm) or number by number (value).", PLAYGROUND),
    Term("Confusion matrix", "A table of counts: rows are the actual classes, columns the predicted ones; the diagonal "
         "is correct.", PLAYGROUND),
    Term("Convolution", "A layer that slides small filters over a picture, so that it finds a pattern wherever it is.",
         "Images"),
    Term("Dead", "A neuron whose slope is zero for every example: no gradient comes through, so it cannot learn. "
         "The table gives the share of such neurons.", HEALTH),
    Term("Divergence", "The loss grows without limit, usually because the learning rate is too high.", EVERYWHERE),
    Term("Early stopping", "Ends training when the monitored number of the validation part (without one: of the "
         "training part) has not improved for some epochs, the patience. Whichever rule ends the run, the best weights "
         "are restored.", PLAYGROUND),
    Term("Epoch", "One pass through all training examples.", EVERYWHERE),
    Term("Exploding gradient", "A gradient that grows from layer to layer on its way back: steps become far too long.",
         HEALTH),
    Term("Feature", "A number that the network is given for each example, such as x1 or its square.", PLAYGROUND),
    Term("Filter-normalized direction", "A random direction in which each neuron's weights are as long as they are in "
         "the network, so that landscapes of different networks can be compared.", OPTIMIZERS_PAGE),
    Term("Gradient", "For each weight, how fast the loss rises when the weight grows. A step goes against it.",
         EVERYWHERE),
    Term("Gradient spread", "The standard deviation of the gradients with respect to a layer's outputs.", HEALTH),
    Term("Hidden layer", "Neurons between inputs and output. Each layer works on the outputs of the one before.",
         EVERYWHERE),
    Term("Initial weights", "The random numbers that training begins with. If they are too small, signals die out; if "
         "too large, they explode.", PLAYGROUND),
    Term("L1, L2", "Penalties on large weights. L1 pulls all by the same amount, many to zero; L2 pulls large ones "
         "more.", PLAYGROUND),
    Term("Layer", "Neurons side by side that all get the same inputs.", HEALTH),
    Term("Loss", "One number for how wrong the predictions are. Training makes it small. Of a large training part the "
         "first 2,000 examples are evaluated; the page says so beside the figure.", EVERYWHERE),
    Term("Loss landscape", "The loss as a height over the weights. A picture can only show a two-dimensional slice.",
         OPTIMIZERS_PAGE),
    Term("Momentum", "What an optimizer keeps of earlier steps, like a ball that rolls on.", OPTIMIZERS_PAGE),
    Term("Output spread", "The standard deviation of the outputs of a layer's neurons.", HEALTH),
    Term("Overfitting", "Memorizing the training examples: training loss falls, test loss rises.", EVERYWHERE),
    Term("R2", "For regression, the share of the variance of the targets that the network explains; 1 is perfect. It "
         "is undefined where all targets are equal.", EVERYWHERE),
    Term("RMSE, mean error", "For regression, the root of the mean squared error and the mean distance from the "
         "target, both in the unit of the target. A loss has another unit: targets are learned in "
         "standard deviations of the training part.", EVERYWHERE),
    Term("Range test", "Trains batch after batch with a rising learning rate, to find rates that are fast and safe.",
         OPTIMIZERS_PAGE),
    Term("Saddle", "A flat point that is not a minimum: down on two sides, up on the others.", OPTIMIZERS_PAGE),
    Term("Saturated", "The share of outputs where a curve with two ends is almost flat: little gradient comes through.",
         HEALTH),
    Term("Response curve", "The result of training with each value of a setting, everything else as it is: the median "
         "of several runs, and the range of their middle half.", PLAYGROUND),
    Term("Speed", "How much training happens between two frames. It does not change the result. Instant: Play and "
         "every change show the finished run.", PLAYGROUND),
    Term("Standardize", "Shift and scale each input so that over the training part its mean is 0 and its standard "
         "deviation 1.", EVERYWHERE),
    Term("Step", "One update of all weights, from one batch.", EVERYWHERE),
    Term("Stop rule", "Ends training by itself: after some epochs or seconds, at a goal, or without improvement.",
         PLAYGROUND),
    Term("Training part, validation part, test part", "The network learns from the first. Whatever is chosen, such as "
         "the epoch at which early stopping ends, is chosen by the second, which therefore looks better than new "
         "examples would. The third takes no part in learning or choosing, so that it tells how good the network is.",
         EVERYWHERE),
    Term("Neuron, unit", "It adds up its inputs, each times a weight, adds its bias, and applies its activation.",
         EVERYWHERE),
    Term("Update / weight", "The length of one step of a layer's weights as a share of their own length. About 0.001 "
         "is healthy.", HEALTH),
    Term("Vanishing gradient", "A gradient that shrinks from layer to layer on its way back: the first layers hardly "
         "learn.", HEALTH),
    Term("Verdict", "What the numbers of a layer mean, in words.", HEALTH),
    Term("Weight", "The number that an input is multiplied by. Weights and biases are all that training changes.",
         EVERYWHERE),
)  # fmt: skip
_OF_FIELDS = (Term(spec.label, spec.help, PLAYGROUND) for spec in FIELDS.values() if not spec.term)
GLOSSARY = {term.name: term for term in sorted((*_GENERAL, *_OF_FIELDS), key=lambda term: term.name.lower())}

FUNCTIONS: dict[str, Mapping[str, Any]] = {
    "Activations": ACTIVATIONS,
    "Output functions": OUTPUTS,
    "Losses": LOSSES,
    "Optimizers": OPTIMIZERS,
    "Initial weights": INITIALIZERS,
    "Regularization": REGULARIZERS,
    "Schedules": SCHEDULES,
}


def glossary() -> None:
    """The terms of each page in alphabetical order, then the functions, each with its formula."""
    st.subheader("Glossary", anchor="glossary")
    for where in dict.fromkeys((EVERYWHERE, PLAYGROUND, *(term.where for term in GLOSSARY.values()))):
        with st.expander(f"Terms used {where}" if where == EVERYWHERE else f"Terms of the page {where}"):
            terms = [term for term in GLOSSARY.values() if term.where == where]
            st.markdown("\n".join(f"- **{term.name}**: {term.sentence}" for term in terms))
    for title, table in FUNCTIONS.items():
        with st.expander(title):
            st.markdown("\n".join(f"- **{r.label}**: {r.sentence} ${r.formula}$" for r in table.values()))
