"""The measurements of the page Runs, with few runs: rows come back, and no writer loses one."""

from __future__ import annotations

from bench import runs


def test_the_server_is_measured_and_no_written_run_is_lost():
    rows = runs.measure(("data", "writers"), rounds=1, minutes=0.01, kept=20)
    assert [row["workload"] for row in rows] == [
        "server: table, ms", "server: search and sort, ms", "server: overlay, ms", "training beside writers / alone",
        "the same, steps per second of the processor",
    ]  # fmt: skip
    assert all(row["median"] > 0 for row in rows)
    assert rows[-1]["written"] >= runs.WRITERS
    assert (rows[-1]["lost"], rows[-1]["refused"]) == (0, 0)
