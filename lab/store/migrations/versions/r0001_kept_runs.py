"""Kept runs, their contents, and the rules by which runs are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None
FIGURES = ("train_loss", "validation_loss", "test_loss", "train_score", "validation_score", "test_score")


def upgrade() -> None:
    op.create_table(
        "kept_runs",
        sa.Column("id", sa.String(24), primary_key=True),
        sa.Column("owner", sa.String(40), nullable=False),
        sa.Column("source", sa.String(120), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("deleted", sa.Double),
        sa.Column("experiment", sa.JSON, nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("steps", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("score", sa.String(12), nullable=False),
        *(sa.Column(name, sa.Double) for name in FIGURES),
        sa.Column("best_epoch", sa.BigInteger),
        sa.Column("best_loss", sa.Double),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("star", sa.Boolean, nullable=False),
        sa.Column("parent", sa.String(120), nullable=False),
        sa.Column("machine", sa.JSON, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.UniqueConstraint("owner", "source", name="kept_runs_source"),
    )
    op.create_index("kept_runs_owner", "kept_runs", ["owner", "deleted", "created"])
    op.create_index("kept_runs_age", "kept_runs", ["created"])
    op.create_table(
        "kept_contents",
        sa.Column("id", sa.String(24), sa.ForeignKey("kept_runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("thumbnail", sa.LargeBinary),
    )
    op.create_table(
        "keep_rules",
        sa.Column("owner", sa.String(40), primary_key=True),
        sa.Column("rule", sa.String(20), nullable=False),
    )
