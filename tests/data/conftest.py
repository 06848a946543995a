"""Fixtures for tests of files: a machine without downloaded or cached files."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def cache_folder(tmp_path, monkeypatch) -> Path:
    """An empty cache folder that replaces the user's own."""
    monkeypatch.delenv("BACKPROP_DATA", raising=False)
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "cache"))
    return tmp_path / "cache" / "backprop-playground"
