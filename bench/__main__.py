"""python -m bench KIND [--workload NAME,...] [--json]: prints a table, or JSON for tools. KIND is one of KINDS."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

KINDS = {
    "accuracy": "the test accuracy of the recipes and of the networks in docs/measurements.md, over several seeds",
    "cpu": "the engine and its peers on the CPU, the cost of a frame, peak memory, and how cost grows",
    "gpu": "the engine on a GPU compared with itself on the CPU and with PyTorch on the same GPU",
    "live": "what a visitor's browser receives",
    "class": "what thirty students on one server receive, and what they cost it",
    "chaos": "what fifteen visitors lose while the server's workers are killed and stopped at random",
    "neighbor": "how long another visitor waits while the largest experiments are opened and trained",
    "selection": "whether the test accuracy after early stopping is that of new data",
    "runs": "the page Runs with 10,000 kept runs, and thirty writers beside training",
    "many": "groups of runs, as the Compare page trains them, beside JAX's vmap",
    "studies": "a study on Dask clusters of 1, 2 and 4 worker processes, and with a killed worker",
    "tables": "time and memory for reading large tables",
    "ablation": "what each optimization of the engine gains: time of a step without it / with it",
}
MODULES = {"class": "classroom"}  # modules with a different name; `class` is a Python keyword


def main(words: Sequence[str] | None = None) -> int:
    options = arguments(words)
    module = _module(options.pop("what"))
    as_json = options.pop("json")
    before = os.getloadavg()
    measured = module.measure(**options)
    tables = measured if isinstance(measured, dict) else {"rows": measured}
    report = {**tables, "cores": os.cpu_count(), "load_before": before, "load_after": os.getloadavg()}
    print(json.dumps(report) if as_json else text(report))
    return 0


def arguments(words: Sequence[str] | None = None) -> dict[str, Any]:
    """The validated command line: `what`, `json`, and the arguments of that module's `measure`."""
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    kinds = parser.add_subparsers(dest="what", required=True)
    for name, sentence in KINDS.items():
        kind = kinds.add_parser(name, help=sentence, description=sentence)
        default = {"class": "toys", "studies": "digits"}.get(name, "")
        kind.add_argument("--workload", default=default, help="only these, separated by commas")
        kind.add_argument("--json", action="store_true")
        if name == "class":
            kind.add_argument(
                "--students",
                default="30",
                help="number of students; several numbers, separated by commas, give a table",
            )
            kind.add_argument("--seconds", type=float, help="duration of each measurement; 600 for a soak test")
            kind.add_argument("--pages", type=int, help="number of additional real Chromium pages")
            kind.add_argument("--group", type=int, help="runs beside the visible one, as response curves of each page")
        elif name == "chaos":
            kind.add_argument("--minutes", type=float, help="duration")
            kind.add_argument("--seed", type=int, help="of the faults and of what the visitors do")
        elif name not in ("live", "accuracy", "selection", "studies"):
            kind.add_argument("--rounds", type=int, help="number of rounds")
        if name == "runs":
            kind.add_argument("--minutes", type=float, help="duration of the writers")
        if name in ("accuracy", "selection"):
            kind.add_argument("--seeds", type=int, help="number of seeds, from 1")
        if name == "accuracy":
            kind.add_argument("--data-dir", help="folder with the files of MNIST")
        if name in ("cpu", "gpu"):
            kind.add_argument("--peers", default="", help="only these, separated by commas")
        if name in ("cpu", "live"):
            part = "engine" if name == "cpu" else "page"
            kind.add_argument("--before", help=f"folder of another checkout, whose {part} is measured beside this one")
        if name == "cpu":
            kind.add_argument("--data-dir", help="folder with the files of MNIST; random pixels without it")
    options = {name: value for name, value in vars(parser.parse_args(words)).items() if value is not None}
    module = _module(options["what"])
    options["workloads"] = _chosen(parser, "workload", options.pop("workload"), module.WORKLOADS)
    if "peers" in options:
        peers = [name for name in module.PEERS if name != module.OURS]
        chosen = _chosen(parser, "peer", options["peers"], peers)
        options["peers"] = chosen if options["peers"] or options["what"] == "cpu" else []  # gpu: depends on the GPU
    if "students" in options:
        numbers = options["students"].split(",")
        if not all(word.isdecimal() and 1 <= int(word) <= 1000 for word in numbers):
            parser.error(f"students must be whole numbers from 1 to 1000, not {options['students']}")
        options["students"] = [int(word) for word in numbers]
    if options.get("minutes", 1) <= 0:
        parser.error(f"minutes must be more than 0, not {options['minutes']:g}")
    for name in ("rounds", "seeds"):
        if options.get(name, 1) < 1:
            parser.error(f"{name} must be at least 1, not {options[name]}")
    return options


def _module(kind: str) -> Any:
    return importlib.import_module(f"bench.{MODULES.get(kind, kind)}")


def _chosen(parser: argparse.ArgumentParser, what: str, words: str, known: Any) -> list[str]:
    names = words.split(",") if words else list(known)
    if unknown := [name for name in names if name not in known]:
        parser.error(f"unknown {what} {', '.join(unknown)}; there are {', '.join(known)}")
    return names


def text(report: dict[str, Any]) -> str:
    """Every table of a report under its name, and every other value as a line."""
    parts = []
    for name, value in report.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            parts.append(table(value) if name == "rows" else f"\n{name}\n{table(value)}")
        elif isinstance(value, dict):
            parts += [f"{name}: {key}: {content}" for key, content in value.items()]
        elif value or value == 0:
            parts.append(f"{name}: {' '.join(map(_cell, value)) if isinstance(value, (list, tuple)) else _cell(value)}")
    return "\n".join(parts)


def table(rows: list[dict[str, Any]]) -> str:
    """Rows as aligned columns."""
    lines = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
