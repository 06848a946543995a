"""Activation functions: each forward formula beside its derivative, in one table for menus, plots and checks.

`forward(z) -> a`, `backward(da, z, a) -> dz`: z is the pre-activation, a the activation, da the gradient by a. Arrays
may have any shape, because every function works element by element. NaN gives NaN. Networks call the functions with
these arguments only; a function with a `parameter` takes another value for it as a last argument.

Sigmoid and Swish and their derivatives are accurate relatively on the whole left tail. ELU and SELU near 0, and
Softplus far on the left, are accurate absolutely only: np.expm1 and np.log1p would mend that, but make these functions
3 to 6 times as slow on processors without AVX-512.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, pi, sqrt
from typing import NamedTuple

import numpy as np


class Parameter(NamedTuple):
    """A number in a formula. Networks use `usual`; the plots show other values too."""

    label: str
    symbol: str  # LaTeX
    usual: float
    maximum: float  # useful values are 0 to this
    formula: str  # LaTeX, of the function with the symbol in it


class ActivationFunction(NamedTuple):
    name: str
    label: str
    forward: Callable  # z -> a
    backward: Callable  # (da, z, a) -> dz
    formula: str  # LaTeX
    derivative: str  # LaTeX
    bounds: tuple[float, float]  # lowest and highest value
    sentence: str
    kinks: tuple[float, ...] = ()  # where the derivative jumps
    surrogate: str = ""  # the function whose derivative is used instead of its own
    parameter: Parameter | None = None

    @property
    def range(self) -> str:
        """The bounds in words."""
        low, high = ("infinity" if abs(end) == inf else f"{round(end, 4):g}" for end in self.bounds)
        return "any number" if low == high else f"{low} to {high}"


def _relu(z):
    return np.maximum(z, 0)


def _relu_back(da, z, a):
    return da * (a > 0)  # 1 where the unit is on, 0 where it is off


def _leaky_relu(z, slope=0.01):
    return np.maximum(z, slope * z)


def _leaky_relu_back(da, z, a, slope=0.01):
    return da * np.maximum(np.sign(z), slope)


def _elu(z, alpha=1.0):
    return np.maximum(z, 0) + alpha * np.exp(np.minimum(z, 0)) - alpha


def _elu_back(da, z, a, alpha=1.0):
    slope = np.minimum(a, 0) + alpha  # alpha e^z on the left; on the right alpha, where it should be 1
    return da * (slope if alpha == 1 else slope + (1 - alpha) * np.maximum(np.sign(z), 0))


SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. 2017: they keep mean 0 and variance 1


def _selu(z):
    return SCALE * (np.maximum(z, 0) + ALPHA * np.exp(np.minimum(z, 0)) - ALPHA)


def _selu_back(da, z, a):
    on = np.maximum(np.sign(z), 0)  # 1 where z > 0, else 0
    return da * (np.minimum(a, 0) + SCALE * (ALPHA + (1 - ALPHA) * on))


ROOT, CUBIC = sqrt(2 / pi), 0.044715  # Hendrycks and Gimpel 2016: the tanh form, which needs no error function


def _gelu(z):
    return 0.5 * z * (1 + np.tanh(ROOT * z * (1 + CUBIC * z * z)))


def _gelu_back(da, z, a):
    tanh = np.tanh(ROOT * z * (1 + CUBIC * z * z))
    return da * (0.5 * (1 + tanh) + 0.5 * z * (1 - tanh * tanh) * ROOT * (1 + 3 * CUBIC * z * z))


def _swish(z):
    return z * _sigmoid(z)


def _swish_back(da, z, a):
    s = _sigmoid(z)
    return da * (s + a * (1 - s))


def _softplus(z):
    return np.maximum(z, 0) + np.log(1 + np.exp(-np.abs(z)))  # the same as log(1 + exp(z)), but exp never overflows


def _softplus_back(da, z, a):
    return da * _sigmoid(z)


def _tanh(z):
    return np.tanh(z)


def _tanh_back(da, z, a):
    return da * (1 - a * a)


@np.errstate(over="ignore")  # far on the left exp(-z) is infinite, and the result 0
def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _sigmoid_back(da, z, a):
    return da * (a * (1 - a))


def _linear(z):
    return z


def _linear_back(da, z, a):
    return da


def _step(z):
    return np.heaviside(z, 0)


def _step_back(da, z, a):
    return _sigmoid_back(da, z, _sigmoid(z))  # the true slope is 0 everywhere: nothing would ever be learned


def _sine(z):
    return np.sin(z)


def _sine_back(da, z, a):
    return da * np.cos(z)


ACTIVATIONS = {
    f.name: f
    for f in (
        ActivationFunction(
            "relu", "ReLU", _relu, _relu_back, r"\max(0, z)", r"[z > 0]", (0, inf),
            "The usual choice for deep networks; a neuron whose z is negative for every sample is dead and never "
            "learns again.", kinks=(0,)),
        ActivationFunction(
            "leaky_relu", "Leaky ReLU", _leaky_relu, _leaky_relu_back,
            r"\max(0.01 z, z)", r"[z > 0] + 0.01\,[z \le 0]", (-inf, inf),
            "ReLU with a small slope on the left, so that no neuron dies; where z is negative it learns a hundred "
            "times slower.", kinks=(0,),
            parameter=Parameter("Slope on the left", "s", 0.01, 1, r"\max(s z, z)")),
        ActivationFunction(
            "elu", "ELU", _elu, _elu_back,
            r"z \text{ if } z > 0 \text{ else } e^z - 1", r"1 \text{ if } z > 0 \text{ else } e^z", (-1, inf),
            "Like ReLU but smooth, with outputs centered nearer to zero; far on the left its gradient vanishes.",
            parameter=Parameter(
                "Depth on the left", r"\alpha", 1, 3, r"z \text{ if } z > 0 \text{ else } \alpha\,(e^z - 1)")),
        ActivationFunction(
            "selu", "SELU", _selu, _selu_back,
            r"\lambda z \text{ if } z > 0 \text{ else } \lambda\alpha\,(e^z - 1)",
            r"\lambda \text{ if } z > 0 \text{ else } \lambda\alpha e^z", (-SCALE * ALPHA, inf),
            "Scaled so that signals keep mean 0 and spread 1 through many layers; without LeCun initial weights and "
            "standardized data the effect is lost.", kinks=(0,)),
        ActivationFunction(
            "gelu", "GELU", _gelu, _gelu_back,
            r"\tfrac12 z\,(1 + \tau),\ \tau = \tanh(\sqrt{2/\pi}\,(z + 0.044715 z^3))",
            r"\tfrac12 (1 + \tau) + \tfrac12 z\,(1 - \tau^2)\sqrt{2/\pi}\,(1 + 0.134145 z^2)", (-0.1701, inf),
            "A smooth ReLU, usual in transformers, here in its tanh form; takes more time, and far on the left its "
            "gradient vanishes."),
        ActivationFunction(
            "swish", "Swish", _swish, _swish_back,
            r"z\,\sigma(z)", r"\sigma(z) + z\,\sigma(z)\,(1 - \sigma(z))", (-0.2785, inf),
            "A smooth ReLU that dips below zero, good in deep networks; takes more time, and far on the left its "
            "gradient vanishes."),
        ActivationFunction(
            "softplus", "Softplus", _softplus, _softplus_back, r"\ln(1 + e^z)", r"\sigma(z)", (0, inf),
            "ReLU with its corner rounded, for values that must be positive; never quite off, and far on the left its "
            "gradient vanishes."),
        ActivationFunction(
            "tanh", "Tanh", _tanh, _tanh_back, r"\tanh z", r"1 - \tanh^2 z", (-1, 1),
            "Smooth and centered on zero, good for small networks; saturates far from zero, where its gradient "
            "vanishes."),
        ActivationFunction(
            "sigmoid", "Sigmoid", _sigmoid, _sigmoid_back,
            r"\frac{1}{1 + e^{-z}}", r"\sigma(z)\,(1 - \sigma(z))", (0, 1),
            "Reads as a probability; its slope is at most a quarter, so deep stacks of it learn very slowly."),
        ActivationFunction(
            "linear", "Linear", _linear, _linear_back, "z", "1", (-inf, inf),
            "No bend at all: a network of linear layers can do no more than one linear layer."),
        ActivationFunction(
            "step", "Step", _step, _step_back, r"[z > 0]", r"0;\ \text{to learn } \sigma(z)\,(1 - \sigma(z))", (0, 1),
            "On or off, like the first artificial neurons; its slope is zero, so learning borrows the slope of the "
            "sigmoid and is only roughly right.", kinks=(0,), surrogate="sigmoid"),
        ActivationFunction(
            "sine", "Sine", _sine, _sine_back, r"\sin z", r"\cos z", (-1, 1),
            "Good for patterns that repeat; the loss gets many valleys, so a high learning rate makes it jump "
            "about."),
    )
}  # fmt: skip
