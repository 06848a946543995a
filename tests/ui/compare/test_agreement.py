"""The maps of many runs together: averages, votes, and where they disagree."""

from __future__ import annotations

import numpy as np

from lab.protocol.messages import BYTE_SCALE, CLASS_SHIFT, ZERO_BYTE
from ui.compare.agreement import agreement


def values(*numbers: float) -> np.ndarray:
    return np.rint(np.array(numbers)[:, None, None] * BYTE_SCALE + ZERO_BYTE).astype(np.uint8)


def test_values_are_averaged_and_disagree_by_their_deviation():
    split = np.concatenate([values(1, 1, -1, -1), values(1, 1, 1, 1)], axis=2)
    found = agreement(split, "value")
    assert found.together.tolist() == [[ZERO_BYTE, ZERO_BYTE + BYTE_SCALE]]
    np.testing.assert_allclose(found.disagreement, [[1, 0]])
    assert found.agreed == 0.5


def test_classes_are_voted_on():
    maps = np.array([[[0, 2]], [[0, 1]], [[0, 2]], [[0, 0]]], np.uint8) << CLASS_SHIFT
    found = agreement(maps, "class")
    assert (found.together >> CLASS_SHIFT).tolist() == [[0, 2]]
    np.testing.assert_allclose(found.disagreement, [[0, 0.75]])
    assert found.agreed == 0.5
    assert agreement(maps[:1], "class").agreed == 1
