"""Where the store of kept runs is, and what it says when it cannot be had. Nothing here needs a database."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from lab.experiment.errors import SentenceError
from lab.server.checkpoint_store import usual_folder

ENVIRONMENT = "PLAYGROUND_DATABASE"


class StoreError(SentenceError):
    """One sentence: why runs cannot be kept, found or read."""


def usual_file(environment: Mapping[str, str] = os.environ) -> Path:
    """In the folder of the playground's state."""
    return usual_folder(environment) / "runs.sqlite3"


def usual_url(environment: Mapping[str, str] = os.environ) -> str:
    """PLAYGROUND_DATABASE, or the usual file."""
    return environment.get(ENVIRONMENT) or f"sqlite:///{usual_file(environment)}"
