"""Layers for images. Maps have shape (H, C, W, N): rows, channels, columns, and the samples last, next to each other.

In this order every output row of a convolution is one matrix product, of a size that stays in the processor's cache.
`Image` turns flat samples into maps, `Flatten` turns maps back into flat samples. The functions at the end are the
operations on maps; a compiled step has a kernel for each (engine/c/convolution.c).
"""

from __future__ import annotations

from functools import reduce
from itertools import product

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from engine.formulas.initializers import INITIALIZERS
from engine.formulas.tracing import kernel, trace_like, untraced, zeros_like
from engine.network.layers import Layer


class Image(Layer):
    """(N, D) samples, D = height * width * channels in this order -> (H, C, W, N) maps"""

    def __init__(self, height: int, width: int, channels: int = 1) -> None:
        self.height, self.width, self.channels = height, width, channels

    def build(self, inputs):
        size = self.height * self.width * self.channels
        if inputs != (size,):
            raise ValueError(f"{self!r} needs {size} numbers a sample; the data have {inputs[0]}.")
        return self.height, self.channels, self.width

    def forward(self, x, *, train):  # (N, D)
        return maps_of(x, self.height, self.width, self.channels)  # (H, C, W, N)

    def backward(self, dy):
        return dy.transpose(3, 0, 2, 1).reshape(dy.shape[3], -1)

    def __repr__(self) -> str:
        return f"Image({self.height}, {self.width}, {self.channels})"


class Flatten(Layer):
    """(H, C, W, N) maps -> (N, H C W) flat samples, in the same memory"""

    def build(self, inputs):
        self.maps = inputs
        return (int(np.prod(inputs)),)

    def forward(self, x, *, train):  # (H, C, W, N)
        return x.reshape(-1, x.shape[3]).T  # (N, H C W)

    def backward(self, dy):  # (N, H C W)
        return dy.T.reshape(*self.maps, len(dy))  # (H, C, W, N)

    def __repr__(self) -> str:
        return "Flatten()"


class Conv2D(Layer):
    """z[p, o, q] = b[o] + sum over i, j, c of x[p + i, c, q + j] W[i, j, c, o]

    padding: "same" adds a border of zeros around the maps, so that the output has their size; "valid" adds none, so the
    output is smaller. K = I * size * size is the number of weights of one filter.
    """

    order = "F"  # the K weights of one filter side by side

    def __init__(self, filters: int, size: int = 3, *, padding: str = "valid", initializer: str = "he_uniform") -> None:
        if padding not in ("valid", "same") or (padding == "same" and size % 2 == 0):
            raise ValueError(f"padding is {padding!r}; allowed: valid, and for an odd filter size same")
        self.filters, self.size, self.padding, self.initializer = filters, size, padding, initializer

    def build(self, inputs):
        height, self.inputs, width = inputs
        self.border = self.size // 2 if self.padding == "same" else 0
        self.rows, self.columns = (length + 2 * self.border - self.size + 1 for length in (height, width))
        if min(self.rows, self.columns) < 1:
            raise ValueError(f"{self!r} is larger than its input of {height} x {width}.")
        return self.rows, self.filters, self.columns

    @property
    def shapes(self):
        return {"W": (self.size, self.size, self.inputs, self.filters), "b": (self.filters,)}

    def bind(self, parameters, gradients):
        self.W, self.b = parameters["W"], parameters["b"]
        self.dW, self.db = gradients["W"], gradients["b"]
        self.matrix, self.dmatrix = (array.T.reshape(self.filters, -1) for array in (self.W, self.dW))  # (O, K), views

    def initialize(self, rng):
        area = self.size**2
        self.W[:] = INITIALIZERS[self.initializer].draw(rng, self.W.shape, area * self.inputs, area * self.filters)
        self.b[:] = 0

    @property
    def weights(self):
        return [(self.matrix.T, self.dmatrix.T)]

    @property
    def cost(self):
        return self.rows * self.columns * self.W.size

    @property
    def workspace(self):
        return self.rows * self.columns * self.inputs * self.size**2

    def forward(self, x, *, train):  # (H, I, W, N)
        patches = patches_of(padded(x, self.border) if self.border else x, self.size)  # (rows, K, columns, N)
        if train:
            self.patches = patches
        return convolved(patches, self.matrix, self.b)  # (rows, O, columns, N)

    def backward(self, dz):  # (rows, O, columns, N)
        trace_like(dz, self.dmatrix)[:] = filter_gradient(self.patches, dz)  # (O, K)
        trace_like(dz, self.db)[:] = bias_gradient(dz)  # (O,)
        return None if self.is_first else input_gradient(dz, self.matrix, self.size, self.border)  # (H, I, W, N)

    def __repr__(self) -> str:
        return f"Conv2D({self.filters}, {self.size}, {self.padding})"


class MaxPool2D(Layer):
    """The maximum of every square of size x size inputs. Rows and columns that fill no square are ignored."""

    def __init__(self, size: int = 2) -> None:
        self.size = size

    def build(self, inputs):
        height, channels, width = inputs
        if min(height, width) < self.size:
            raise ValueError(f"{self!r} is larger than its input of {height} x {width}.")
        return height // self.size, channels, width // self.size

    def forward(self, x, *, train):  # (H, C, W, N)
        y = pooled(x, self.size)
        if train:
            self.x, self.y = x, y
        return y  # (rows, C, columns, N)

    def backward(self, dy):  # (rows, C, columns, N)
        return pool_gradient(self.x, self.y, dy, self.size)  # (H, C, W, N)

    def __repr__(self) -> str:
        return f"MaxPool2D({self.size})"


# Operations on maps --------------------------------------------------------------------------------------------------


@kernel(lambda x, height, width, channels: (height, channels, width, len(x)))
def maps_of(x, height, width, channels):
    """(N, H W C) samples -> (H, C, W, N)"""
    pixels = x.reshape(len(x), height, width, channels).transpose(1, 3, 2, 0)
    maps = zeros_like(x, pixels.shape)
    maps[:] = pixels
    return maps


@kernel(lambda x, border: (x.shape[0] + 2 * border, x.shape[1], x.shape[2] + 2 * border, x.shape[3]))
def padded(x, border):
    """The maps with `border` zeros on every side."""
    wide = zeros_like(x, (x.shape[0] + 2 * border, x.shape[1], x.shape[2] + 2 * border, x.shape[3]))
    wide[border:-border, :, border:-border] = x
    return wide


@kernel(lambda x, size: (x.shape[0] - size + 1, x.shape[1] * size**2, x.shape[2] - size + 1, x.shape[3]))
def patches_of(x, size):
    """(H, I, W, N) -> (rows, K, columns, N): for each output, the inputs that its filter sees"""
    windows = trace_like(x, sliding_window_view(untraced(x), (size, size), (0, 2)))
    rows, inputs, columns, samples = windows.shape[:4]
    patches = zeros_like(x, (rows, inputs, size, size, columns, samples))
    patches[:] = windows.transpose(0, 1, 5, 4, 2, 3)
    return patches.reshape(rows, -1, columns, samples)


@kernel(lambda patches, matrix, b: (patches.shape[0], len(matrix), *patches.shape[2:]))
def convolved(patches, matrix, b):
    """(rows, K, columns, N), filters (O, K), biases (O,) -> (rows, O, columns, N)"""
    rows, _, columns, samples = patches.shape
    z = np.matmul(matrix, patches.reshape(rows, -1, columns * samples))
    z += b[:, None]
    return z.reshape(rows, len(matrix), columns, samples)


@kernel(lambda patches, dz: (dz.shape[1], patches.shape[1]))
def filter_gradient(patches, dz):
    """(rows, K, columns, N), (rows, O, columns, N) -> (O, K)"""
    rows, outputs, columns, samples = dz.shape
    dz = dz.reshape(rows, outputs, columns * samples)
    return np.matmul(patches.reshape(rows, -1, columns * samples), dz.transpose(0, 2, 1)).sum(axis=0).T


@kernel(lambda dz: (dz.shape[1],))
def bias_gradient(dz):
    """(rows, O, columns, N) -> (O,)"""
    return dz.reshape(*dz.shape[:2], dz.shape[2] * dz.shape[3]).sum(axis=2).sum(axis=0)


@kernel(lambda dz, matrix, size, border: (
    dz.shape[0] + size - 1 - 2 * border, matrix.shape[1] // size**2, dz.shape[2] + size - 1 - 2 * border, dz.shape[3]
))  # fmt: skip
def input_gradient(dz, matrix, size, border):
    """(rows, O, columns, N), filters (O, K) -> (H, I, W, N) without the border"""
    rows, outputs, columns, samples = dz.shape
    dpatches = np.matmul(matrix.T, dz.reshape(rows, outputs, columns * samples))  # (rows, K, columns N)
    dpatches = dpatches.reshape(rows, -1, size, size, columns, samples)
    height, width = rows + size - 1, columns + size - 1
    dx = zeros_like(dz, (height, dpatches.shape[1], width, samples))
    dx[:] = 0
    for i, j in product(range(size), repeat=2):
        dx[i : i + rows, :, j : j + columns] += dpatches[:, :, j, i]
    return dx[border : height - border, :, border : width - border]


@kernel(lambda x, size: (x.shape[0] // size, x.shape[1], x.shape[2] // size, x.shape[3]))
def pooled(x, size):
    """(H, C, W, N) -> (H // size, C, W // size, N)"""
    return reduce(np.maximum, corners(x, size))


@kernel(lambda x, y, dy, size: x.shape)
def pool_gradient(x, y, dy, size):
    """Inputs (H, C, W, N), their maxima and the gradient of those -> (H, C, W, N)"""
    dx = zeros_like(dy, x.shape)
    *parts, last = corners(dx, size)
    for corner, part in zip(corners(x, size), parts, strict=False):
        np.multiply(dy, corner == y, out=part)
        dy = dy - part  # the first of equal inputs gets the whole gradient
    last[:] = dy
    return dx


def corners(maps, size):
    """Views (rows, C, columns, N) of the inputs at each of the size * size positions in a square."""
    height, width = (length // size * size for length in (maps.shape[0], maps.shape[2]))
    return [maps[i:height:size, :, j:width:size] for i, j in product(range(size), repeat=2)]
