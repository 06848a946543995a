"""Runs the unit tests of the page's JavaScript, which need Node but no browser and no packages."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = sorted(path.relative_to(ROOT).as_posix() for path in Path(__file__).parent.glob("*.test.js"))


@pytest.mark.parametrize("name", TESTS)
def test_javascript(name):
    node = shutil.which("node")
    if node is None:
        if os.environ.get("JAVASCRIPT_TESTS") == "required":
            pytest.fail("JAVASCRIPT_TESTS=required, but node is not installed")
        pytest.skip("node is not installed: the JavaScript tests run only where it is")
    done = subprocess.run([node, "--test", name], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
