"""What tests of files need: a machine on which nothing has been fetched or put aside yet."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def cache_folder(tmp_path, monkeypatch) -> Path:
    """The user's own files are out of sight; an empty cache folder stands in for theirs."""
    monkeypatch.delenv("BACKPROP_DATA", raising=False)
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "cache"))
    return tmp_path / "cache" / "backprop-playground"
