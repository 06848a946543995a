"""Layers for images. Maps have shape (H, C, W, N): rows, channels, columns, and the samples last, next to each other.

In this order every output row of a convolution is one matrix product, of a size that stays in the processor's cache.
`Image` turns flat samples into maps, `Flatten` turns maps back into flat samples.
"""

from __future__ import annotations

from functools import reduce
from itertools import product

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from engine.formulas.initializers import INITIALIZERS
from engine.formulas.tracing import trace_like, untraced, zeros_like
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
        pixels = x.reshape(len(x), self.height, self.width, self.channels).transpose(1, 3, 2, 0)
        maps = zeros_like(x, pixels.shape)
        maps[:] = pixels
        return maps  # (H, C, W, N)

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

    padding: "same" adds a frame of zeros around the maps, so that the output has their size; "valid" adds none, so the
    output is smaller. K = I * size * size is the number of weights of one filter.
    """

    order = "F"  # the K weights of one filter side by side

    def __init__(self, filters: int, size: int = 3, *, padding: str = "valid", initializer: str = "he_uniform") -> None:
        if padding not in ("valid", "same") or (padding == "same" and size % 2 == 0):
            raise ValueError(f"padding is {padding!r}; allowed: valid, and for an odd filter size same")
        self.filters, self.size, self.padding, self.initializer = filters, size, padding, initializer

    def build(self, inputs):
        height, self.inputs, width = self.maps = inputs
        self.frame = self.size // 2 if self.padding == "same" else 0
        self.rows, self.columns = (length + 2 * self.frame - self.size + 1 for length in (height, width))
        if min(self.rows, self.columns) < 1:
            raise ValueError(f"{self!r} is larger than its input of {height} x {width}.")
        return self.rows, self.filters, self.columns

    @property
    def shapes(self):
        return {"W": (self.size, self.size, self.inputs, self.filters), "b": (self.filters,)}

    def bind(self, parameters, gradients):
        self.W, self.b, self.db = parameters["W"], parameters["b"], gradients["b"]
        self.matrix = self.W.T.reshape(self.filters, -1)  # (O, K), the same memory
        self.dmatrix = gradients["W"].T.reshape(self.filters, -1)

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
        windows = trace_like(x, sliding_window_view(untraced(self.framed(x)), (self.size, self.size), (0, 2)))
        patches = zeros_like(x, (self.rows, self.inputs, self.size, self.size, self.columns, x.shape[3]))
        patches[:] = windows.transpose(0, 1, 5, 4, 2, 3)
        patches = patches.reshape(self.rows, -1, self.columns * x.shape[3])  # (rows, K, columns N)
        if train:
            self.patches = patches
        z = np.matmul(self.matrix, patches)  # (rows, O, columns N)
        z += self.b[:, None]
        return z.reshape(self.rows, self.filters, self.columns, x.shape[3])

    def framed(self, x):
        """The maps with `frame` zeros on every side."""
        if not self.frame:
            return x
        height, inputs, width = self.maps
        wide = zeros_like(x, (height + 2 * self.frame, inputs, width + 2 * self.frame, x.shape[3]))
        self.inside(wide)[:] = x
        return wide

    def inside(self, wide):
        return wide[self.frame : self.frame + self.maps[0], :, self.frame : self.frame + self.maps[2]]

    def backward(self, dz):  # (rows, O, columns, N)
        samples = dz.shape[3]
        dz = dz.reshape(self.rows, self.filters, self.columns * samples)
        np.matmul(self.patches, dz.transpose(0, 2, 1)).sum(axis=0, out=self.dmatrix.T)  # (K, O)
        dz.sum(axis=2).sum(axis=0, out=self.db)  # (O,)
        if self.is_first:
            return None
        dpatches = np.matmul(self.matrix.T, dz)  # (rows, K, columns N)
        dpatches = dpatches.reshape(self.rows, self.inputs, self.size, self.size, self.columns, samples)
        height, inputs, width = self.maps
        dx = zeros_like(dz, (height + 2 * self.frame, inputs, width + 2 * self.frame, samples))
        dx[:] = 0
        for i, j in product(range(self.size), repeat=2):
            dx[i : i + self.rows, :, j : j + self.columns] += dpatches[:, :, j, i]
        return self.inside(dx)  # (H, I, W, N)

    def __repr__(self) -> str:
        return f"Conv2D({self.filters}, {self.size}, {self.padding})"


class MaxPool2D(Layer):
    """The maximum of every square of size x size inputs. Rows and columns that fill no square are ignored."""

    def __init__(self, size: int = 2) -> None:
        self.size = size

    def build(self, inputs):
        height, channels, width = self.maps = inputs
        if min(height, width) < self.size:
            raise ValueError(f"{self!r} is larger than its input of {height} x {width}.")
        return height // self.size, channels, width // self.size

    def corners(self, maps):
        """Views (rows, C, columns, N) of the inputs at each of the size * size positions in a square."""
        height, width = (length // self.size * self.size for length in (self.maps[0], self.maps[2]))
        return [maps[i : height : self.size, :, j : width : self.size] for i, j in product(range(self.size), repeat=2)]

    def forward(self, x, *, train):  # (H, C, W, N)
        y = reduce(np.maximum, self.corners(x))
        if train:
            self.x, self.y = x, y
        return y  # (rows, C, columns, N)

    def backward(self, dy):  # (rows, C, columns, N)
        dx = zeros_like(dy, self.x.shape)
        *parts, last = self.corners(dx)
        for x, part in zip(self.corners(self.x), parts, strict=False):
            np.multiply(dy, x == self.y, out=part)
            dy = dy - part  # the first of equal inputs gets the whole gradient
        last[:] = dy
        return dx  # (H, C, W, N)

    def __repr__(self) -> str:
        return f"MaxPool2D({self.size})"
