"""The tables of kept runs, as they are after the last migration (lab/store/migrations)."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from lab.store.kept_run import Figures

METADATA = MetaData()

RUNS = Table(  # what a list of runs shows; what only a single run needs is in CONTENTS
    "kept_runs",
    METADATA,
    Column("id", String(24), primary_key=True),
    Column("owner", String(40), nullable=False),
    Column("source", String(120), nullable=False),
    Column("created", Double, nullable=False),
    Column("deleted", Double),  # when; it can be restored until it is removed
    Column("experiment", JSON, nullable=False),
    Column("status", String(12), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("steps", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("score", String(12), nullable=False),
    *(Column(name, Double) for name in Figures._fields),
    Column("best_epoch", BigInteger),
    Column("best_loss", Double),
    Column("tags", JSON, nullable=False),
    Column("note", Text, nullable=False),
    Column("star", Boolean, nullable=False),
    Column("parent", String(120), nullable=False),
    Column("machine", JSON, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("words", Text, nullable=False),  # what a search looks through
    Column("bytes", Integer, nullable=False),
    UniqueConstraint("owner", "source", name="kept_runs_source"),
    Index("kept_runs_owner", "owner", "deleted", "created"),
    Index("kept_runs_age", "created"),
)

CONTENTS = Table(
    "kept_contents",
    METADATA,
    Column("id", String(24), ForeignKey("kept_runs.id", ondelete="CASCADE"), primary_key=True),
    Column("content", LargeBinary, nullable=False),  # replay and curve: see lab/store/store.py
    Column("thumbnail", LargeBinary),
)

RULES = Table(
    "keep_rules",
    METADATA,
    Column("owner", String(40), primary_key=True),
    Column("rule", String(20), nullable=False),
)

STUDIES = Table(  # their trials are in the tables of Optuna, which have the same names of studies
    "kept_studies",
    METADATA,
    Column("name", String(120), primary_key=True),
    Column("owner", String(40), nullable=False),
    Column("study", JSON, nullable=False),
    Column("finished", Integer, nullable=False),
    Column("value", Double),
    Column("is_complete", Boolean, nullable=False),
    Column("created", Double, nullable=False),
    Column("changed", Double, nullable=False),
    Column("deleted", Double),
    Index("kept_studies_owner", "owner", "changed"),
)
