"""Studies and how far they are; Optuna keeps their trials."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    op.create_table(
        "kept_studies",
        sa.Column("name", sa.String(120), primary_key=True),
        sa.Column("owner", sa.String(40), nullable=False),
        sa.Column("study", sa.JSON, nullable=False),
        sa.Column("finished", sa.Integer, nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("is_complete", sa.Boolean, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("changed", sa.Double, nullable=False),
        sa.Column("deleted", sa.Double),
    )
    op.create_index("kept_studies_owner", "kept_studies", ["owner", "changed"])
