"""What the component of the page Images sends is checked."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from lab.queries.gallery import PAD_SIDE
from ui.images.digit_pad import _ink, _number
from ui.images.own_network import _cell

DRAWN = bytes(range(256)) * 27 + bytes(PAD_SIDE * PAD_SIDE - 256 * 27)


def value(raw: bytes = DRAWN) -> dict:
    return {"ink": base64.b64encode(raw).decode(), "number": 3}


def test_a_drawing_arrives_as_its_bytes():
    ink = _ink(value())
    assert ink is not None
    assert ink.shape == (PAD_SIDE, PAD_SIDE)
    np.testing.assert_array_equal(ink.ravel(), np.frombuffer(DRAWN, np.uint8))
    assert _number(value()) == 3


@pytest.mark.parametrize(
    "sent",
    [None, "", 7, [], {}, {"ink": None}, {"ink": ""}, {"ink": 5}, {"ink": "A" * 10**6}, value(DRAWN[:-1]),
     value(DRAWN + b"more"), {"ink": "*" * len(value()["ink"])}, {"ink": "é" * len(value()["ink"])}],
    ids=lambda sent: str(sent)[:20],
)  # fmt: skip
def test_an_invalid_drawing_counts_as_an_empty_pad(sent):
    assert _ink(sent) is None


@pytest.mark.parametrize("number", [None, -1, 2**31, 1.5, "1", True])
def test_an_invalid_stroke_number_is_0(number):
    assert _number({"number": number}) == 0


@pytest.mark.parametrize(("sent", "cell"), [([1, 2], (1, 2)), ([0, 9], (0, 9))])
def test_a_cell_of_the_matrix_is_accepted(sent, cell):
    assert _cell(sent, 10) == cell


@pytest.mark.parametrize("sent", [None, [], [1], [1, 2, 3], [10, 0], [0, -1], ["0", 1], {"0": 1}, "01"])
def test_an_invalid_cell_is_none(sent):
    assert _cell(sent, 10) is None
