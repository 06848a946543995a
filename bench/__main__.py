"""python -m bench live [--workload NAME,...] [--json]: a table for people, one JSON object for tools."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from typing import Any


def main() -> int:
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument("what", choices=["live"])
    parser.add_argument("--workload", help="only these, separated by commas")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    module = importlib.import_module(f"bench.{options.what}")
    names = options.workload.split(",") if options.workload else list(module.WORKLOADS)
    if unknown := set(names) - set(module.WORKLOADS):
        parser.error(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(module.WORKLOADS)}")
    before = os.getloadavg()
    rows = module.measure(names)
    report = {"rows": rows, "cores": os.cpu_count(), "load_before": before, "load_after": os.getloadavg()}
    print(json.dumps(report) if options.json else table(rows))
    return 0


def table(rows: list[dict[str, Any]]) -> str:
    """Rows as aligned columns."""
    lines = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
