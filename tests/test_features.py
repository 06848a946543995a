"""Every row of the feature table names a test that exists."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINES = (ROOT / "docs/features.md").read_text(encoding="utf-8").splitlines()
ROWS = [line for line in LINES if line.startswith("| ") and not line.startswith("| what |")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2:50])
def test_every_test_named_in_the_feature_table_exists(row):
    what, where, test = (cell.strip() for cell in row.strip("|").split("|"))
    path, name = test.strip("`").split("::")
    module = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert what
    assert where
    assert name in [node.name for node in module.body if isinstance(node, ast.FunctionDef)]
