"""Short links: what they hold, what they leave out, and what a hostile one can do."""

from __future__ import annotations

import base64
import re
import zlib
from urllib.parse import urlencode

import pytest
from hypothesis import given

from lab.experiment import link
from lab.experiment.experiment import Experiment
from lab.experiment.rules import ExperimentError
from tests.lab.strategies import experiments

LESSON = {"learning_rate": "0.3", "title": "Größer & kleiner", "task": "Which rate? " * 20, "lock": "data,seed,layers"}

KNOWN = {
    "dataset": "spiral",
    "features": "x1,x2,x1^2,x2^2,x1*x2,sin_x1,sin_x2",
    "optimizer": "adam",
    "learning_rate": "0.01",
    "seed": "3",
    "lock": "data,seed,features",
    "title": "The spiral",
}
SHORT_LINK = "Q-VRGk5ocYLhHkNIijGGhBb2IIEGdkhGqjbEUQA"


@given(experiments)
def test_a_short_link_holds_the_same_experiment(e):
    query = e.to_query() | LESSON
    short = link.shortened(query)
    assert link.expanded(short) == query
    assert len(urlencode(short)) < len(urlencode(query))


def test_a_short_query_stays_readable_and_old_links_open():
    query = Experiment(dataset="xor", hidden=(4,), seed=3).to_query()
    assert link.shortened(query) == link.expanded(query) == query


def test_version_one_is_never_changed():
    short = "1" + SHORT_LINK
    assert link.expanded({"x": short}) == KNOWN
    assert link.expanded({"x": short, "seed": "7", "embed": "true"}) == KNOWN | {"seed": "7", "embed": "true"}


def packed(text: bytes) -> str:
    packer = zlib.compressobj(9, wbits=-15, zdict=link.DICTIONARY)
    return "1" + base64.urlsafe_b64encode(packer.compress(text) + packer.flush()).decode().rstrip("=")


@pytest.mark.parametrize(
    "short",
    ["", "1", "2" + "A" * 20, "1%%%", "1" + "A" * 9000, "1ÄÖ", "1AAAA=", packed(b"seed=3")[:-3],
     packed(b"task=" + b"0" * 3_000_000), packed(b"a=&" * 500), packed(b"\xff\xfe=1"), packed(b"no query")],
    ids=range(12),
)  # fmt: skip
def test_a_damaged_or_hostile_short_link_gets_one_sentence(short):
    with pytest.raises(ExperimentError, match=re.escape("This short link is damaged; allowed: a whole link")):
        link.expanded({"x": short, "seed": "3"})
