"""Large tables are read in processes of their own."""

from bench import tables
from data.files.table_files import read_table


def test_each_kind_of_table_is_read_and_measured():
    sizes = {}
    for name, make in tables.WORKLOADS.items():
        table = read_table(make(40))
        sizes[name] = table.rows, len(table.columns)
    assert sizes == {"numbers": (40, 40), "words": (40, 40), "quoted": (20, 40), "european": (40, 40)}
    (row,) = tables.measure(["quoted"], rounds=1, rows=40)
    assert (row["table"], row["rows"], row["columns"]) == ("quoted", 20, 40)
    assert 0 < row["before_mb"] <= row["peak_mb"]
    assert row["seconds"] > 0
