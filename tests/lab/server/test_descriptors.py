"""The limit on open files is raised before a class arrives, and a shortage is noticed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lab.server.descriptors import Descriptors, descriptors

resource = pytest.importorskip("resource")

SCRIPT = """
import resource
from lab.server.descriptors import raise_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))
print(raise_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[0], raise_limit())
"""


def test_the_limit_is_raised_as_far_as_the_system_allows():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["200", "200", "200"]


def test_open_files_are_counted():
    before = descriptors(1000)
    with open(__file__) as first, open(__file__) as second:
        during = descriptors(1000)
    assert first.closed
    assert second.closed
    assert (during.open - before.open, during.limit) == (2, 1000)


def test_files_are_scarce_from_four_fifths_on():
    assert [Descriptors(number, 100).scarce for number in (80, 81)] == [False, True]
    assert not Descriptors(10_000, 0).scarce
