"""The OpenBLAS that NumPy brings along."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

import numpy as np

KERNELS_FOR_SMALL_PRODUCTS = ("SkylakeX", "Cooperlake", "SapphireRapids")  # names of processors


@cache
def openblas() -> ctypes.CDLL | None:
    """The library; None if NumPy has been built with another one."""
    folder = Path(np.__file__).parent
    for file in (
        *folder.parent.glob("numpy.libs/libscipy_openblas64_*"),
        *folder.glob(".dylibs/libscipy_openblas64_*"),
    ):
        try:
            found = ctypes.CDLL(str(file))
            found.scipy_openblas_get_corename64_.restype = ctypes.c_char_p
        except (OSError, AttributeError):
            continue
        return found
    return None


@cache
def product_address(dtype: np.dtype) -> int:
    """The address of its matrix product (gemm) for this type of numbers; 0 without OpenBLAS."""
    name = "scipy_cblas_sgemm64_" if dtype == np.float32 else "scipy_cblas_dgemm64_"
    found = openblas()
    return (ctypes.cast(getattr(found, name), ctypes.c_void_p).value or 0) if found else 0


@cache
def packs_small_products() -> bool:
    """Whether it copies the factors of small products as well, as it does with all kernels but those for AVX-512."""
    found = openblas()
    return found is None or found.scipy_openblas_get_corename64_().decode() not in KERNELS_FOR_SMALL_PRODUCTS
