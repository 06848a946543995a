"""What is the same for all networks (runtime.c, convolution.c), and programs that use it.

A network's own program is small, because this part is compiled only once on a machine, for each type of numbers.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.blas import product_address
from engine.c import language
from engine.c.compiler import library
from engine.tape.tape import address_of

RUNTIME, CONVOLUTION = (
    Path(__file__).with_name(f"{name}.c").read_text(encoding="utf-8") for name in ("runtime", "convolution")
)
_loading = threading.Lock()  # types of arguments belong to the library, which threads share


class Kernels(ctypes.Structure):
    """The function of a step or an evaluation, and what it looks up: addresses p, sizes n and literals c."""

    _fields_ = (("call", ctypes.c_void_p), ("p", ctypes.c_void_p), ("n", ctypes.c_void_p), ("c", ctypes.c_void_p))


class BatchTable(ctypes.Structure):
    _fields_ = (
        ("step", Kernels), *((name, ctypes.c_int64) for name in ("size", "width", "targets", "noise_size", "numbers")),
        *((name, ctypes.c_void_p) for name in ("x", "t", "noise", "row")),
    )  # fmt: skip


class PartTable(ctypes.Structure):
    _fields_ = (
        ("evaluation", Kernels), *((name, ctypes.c_int64) for name in ("size", "units")),
        *((name, ctypes.c_void_p) for name in ("z", "loss", "labels")),
        ("forward", Kernels), ("moving", ctypes.c_void_p), *((name, ctypes.c_int64) for name in ("moved", "block")),
    )  # fmt: skip


class Moving(ctypes.Structure):
    """An address in the table that is another one for each block. first: of the first sample."""

    _fields_ = (("place", ctypes.c_int64), ("first", ctypes.c_void_p), ("width", ctypes.c_int64))


def moving(tables: Sequence, whole: Mapping[int, np.ndarray]) -> ctypes.Array[Moving]:
    """whole: address of an array of a block's samples -> the array (N, C) of all samples. tables: of the kernels."""
    places = [(place, whole[at]) for place, at in enumerate(tables[0][0].tolist()) if at in whole]
    found = [Moving(place, address_of(array), array.shape[1] * array.itemsize) for place, array in places]
    return (Moving * len(found))(*found)


def load_runtime(dtype: np.dtype) -> ctypes.CDLL:
    """The functions of runtime.c for numbers of this type. Raises NoCompiler."""
    with _loading:
        found, address, count = library(language.types(dtype) + RUNTIME), ctypes.c_void_p, ctypes.c_int64
        found.use_blas.argtypes = (address,)
        found.run.argtypes = (address, address, count, *[address] * 6, count, address)
        found.permute.argtypes = (address, address, address, count, count)
        found.evaluate_parts.argtypes = (address, count, address)
        found.forward_blocks.argtypes = (address, count, count, address, count)
        found.use_blas(product_address(dtype))
        return found


def load_operations(dtype: np.dtype) -> ctypes.CDLL:
    """The functions of convolution.c for numbers of this type. Raises NoCompiler."""
    return library(language.types(dtype) + CONVOLUTION)


class Loaded(NamedTuple):
    """Libraries, to be kept as long as one of their functions may be called."""

    program: ctypes.CDLL
    runtime: ctypes.CDLL
    operations: ctypes.CDLL | None


def load_program(text: str, dtype: np.dtype) -> Loaded:
    """The program of a network and what it uses. Raises NoCompiler."""
    runtime, found = load_runtime(dtype), library(text)
    operations = load_operations(dtype) if language.ON_MAPS in text else None
    on_maps = ctypes.byref(ctypes.c_char.in_dll(operations, "operations")) if operations else None
    found.use_runtime(runtime.shared_product, on_maps)
    return Loaded(found, runtime, operations)
