"""Large tables are read in processes of their own."""

from bench import tables


def test_each_kind_of_table_is_read_and_measured():
    rows = tables.measure(list(tables.WORKLOADS), rounds=1, rows=40)
    assert [(row["table"], row["rows"], row["columns"]) for row in rows] == [
        ("numbers", 40, 40), ("words", 40, 40), ("quoted", 20, 40), ("european", 40, 40),
    ]  # fmt: skip
    for row in rows:
        assert 0 < row["before_mb"] <= row["peak_mb"]
        assert row["seconds"] > 0
