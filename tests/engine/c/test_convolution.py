"""The operations on maps in C against those of engine/network/convolution.py."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from engine.c import program
from engine.c.runtime import CONVOLUTION, load_operations
from engine.network import convolution

pytestmark = pytest.mark.usefixtures("c")
MAPS = [  # height, inputs, width, samples, size, border, filters
    (4, 1, 5, 1, 3, 0, 1),
    (5, 3, 4, 2, 2, 0, 3),
    (6, 2, 7, 10, 3, 1, 9),
    (3, 5, 3, 64, 1, 0, 4),
    (7, 4, 6, 33, 5, 2, 17),
    (5, 8, 5, 24, 4, 0, 8),
]


def in_c(name, *arguments):
    """The result of an operation, whose memory is surrounded by numbers that must not change."""
    arrays = [np.ascontiguousarray(argument) for argument in arguments if not isinstance(argument, int)]
    dtype, wanted = arrays[0].dtype, getattr(convolution, name)(*arguments)
    sizes = [length for array in arrays for length in array.shape] + [a for a in arguments if isinstance(a, int)]
    given = arrays
    if isinstance(arguments[0], Patches):
        given, sizes = [arguments[0].maps, *arrays[1:]], [*sizes, arguments[0].size_of_filters]
    out = np.full(wanted.size + 2, 7, dtype)
    scratch = np.full(program._convolution_memory(name, sizes)[1] + 1, 7, dtype)
    found = getattr(load_operations(dtype), name)
    found.argtypes = [ctypes.c_void_p] * 4
    pointers = (ctypes.c_void_p * len(given))(*(array.ctypes.data for array in given))
    counts = np.array(sizes, np.int32)
    found(out[1:].ctypes.data, pointers, counts.ctypes.data, scratch.ctypes.data)
    assert out[0] == out[-1] == scratch[-1] == 7
    return out[1:-1].reshape(wanted.shape), wanted


class Patches(np.ndarray):
    """Patches, and what C reads instead of them."""


def patches(maps, size):
    found = convolution.patches_of(maps, size).view(Patches)
    found.maps, found.size_of_filters = maps, size
    return found


def same(name, *arguments):
    found, wanted = in_c(name, *arguments)
    is_single = found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-4 if is_single else 1e-11, atol=1e-3 if is_single else 1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("maps", MAPS, ids=str)
def test_operations_on_maps_are_those_of_the_formulas(maps, dtype):
    height, inputs, width, samples, size, border, filters = maps
    rng = np.random.default_rng(0)

    def draw(*shape):
        return rng.normal(size=shape).astype(dtype)

    x = draw(height, inputs, width, samples)
    wide = convolution.padded(x, border) if border else x
    matrix, seen = draw(filters, inputs * size**2), patches(wide, size)
    dz = draw(seen.shape[0], filters, *seen.shape[2:])
    same("maps_of", draw(samples, height * width * inputs), height, width, inputs)
    if border:
        same("padded", x, border)
    same("convolved", seen, matrix, draw(filters))
    same("filter_gradient", seen, dz)
    same("bias_gradient", dz)
    same("input_gradient", dz, matrix, size, border)
    assert in_c("input_gradient", dz, matrix, size, border)[0].shape == x.shape


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("samples", [1, 3, 8, 11])
@pytest.mark.parametrize(("height", "width", "size"), [(4, 6, 2), (5, 7, 2), (7, 3, 3), (2, 2, 1)])
def test_maxima_and_their_gradients_are_those_of_the_formulas(height, width, size, samples, dtype):
    rng = np.random.default_rng(1)
    x = rng.integers(-2, 3, (height, 3, width, samples)).astype(dtype)  # with many equal maxima
    x[0, 0, 0, 0], x[0, 1, 0, -1] = np.nan, np.inf
    y = convolution.pooled(x, size)
    for name, *arguments in (("pooled", x), ("pool_gradient", x, y, rng.normal(size=y.shape).astype(dtype))):
        np.testing.assert_array_equal(*in_c(name, *arguments, size))


def test_every_operation_on_maps_has_a_kernel():
    operations = load_operations(np.dtype(np.float32))
    here = [
        function
        for function in vars(convolution).values()
        if getattr(function, "__module__", "") == convolution.__name__
    ]
    names = {function.__name__ for function in here if hasattr(function, "__wrapped__")} - {"patches_of"}
    assert len(names) == 8
    assert all(hasattr(operations, name) and f".{name} = {name}," in CONVOLUTION for name in names)
