"""Brings a database to the tables of this version: the steps are in `versions`, in order. Alembic carries them out.

A new step is a file in `versions` with the next number; a step that was released is never changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

VERSION_TABLE = "kept_runs_version"  # Optuna keeps its own version in the same database


def migrate(connection: Connection) -> None:
    """Within the transaction of the connection: all missing steps, or none."""
    scripts = ScriptDirectory(str(Path(__file__).parent))
    steps: Any = lambda revision, _context: scripts._upgrade_revs("head", revision)  # noqa: E731
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "fn": steps})
    with Operations.context(context):
        context.run_migrations()
