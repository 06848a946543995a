"""A report on runs as one HTML file that needs nothing else: charts, table and settings. All text is escaped."""

from __future__ import annotations

import html

import plotly.graph_objects as go

from data.counted import counted
from lab.store.kept_run import KeptRun
from ui.runs import comparison
from ui.runs.listing import Runs
from ui.runs.table import cell, columns_of, differing, names_of, picture, when

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem; color: #31333f; }
table { border-collapse: collapse; font-size: 13px; }
th, td { padding: 3px 10px; border-bottom: 1px solid #d5dbdf; text-align: left; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
div.wide { overflow-x: auto; }
"""


def report(runs: Runs, by: str, x: str, address: str) -> str:
    """address: of the comparison in the playground, for those who have its server."""
    figures = {"Curves": comparison.curves_figure(runs, by, "light")}
    if differing(runs):
        figures["One setting"] = comparison.scatter_figure(runs, x, "light")
        figures["All settings"] = comparison.parallel_figure(runs, "light")
    parts = [
        f"<h2>{name}</h2>{_chart(figure, first=not number)}" for number, (name, figure) in enumerate(figures.items())
    ]
    said = html.escape(comparison.sentence(runs).replace("**", "").replace("\\", "").replace("\u2060", ""))
    latest = when(max(runs, key=lambda run: run.created))
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>{counted(len(runs), 'run')}</title><style>{STYLE}</style>"
        f"<h1>{counted(len(runs), 'run')} of Backprop Playground</h1><p>{said}</p>"
        f"<p>Latest run: {latest} UTC. <a href='{html.escape(address)}'>The same comparison in the playground</a></p>"
        f"{''.join(parts)}<h2>Runs</h2>{_table(runs)}</html>"
    )


def _chart(figure: go.Figure, first: bool) -> str:
    return str(figure.to_html(full_html=False, include_plotlyjs=first))


def _table(runs: Runs) -> str:
    columns, names = columns_of(runs, everything=False), names_of(runs)
    head = "".join(f"<th scope='col'>{html.escape(column['label'])}</th>" for column in columns)
    rows = []
    for run in runs:
        texts = [(cell(run, column["name"]), column["number"]) for column in columns]
        cells = "".join(f"<td{' class=number' if number else ''}>{html.escape(text)}</td>" for text, number in texts)
        rows.append(f"<tr><td>{_picture(run)}</td><td>{html.escape(names[run.id])}</td>{cells}</tr>")
    return f"<div class='wide'><table><tr><th></th><th scope='col'>Run</th>{head}</tr>{''.join(rows)}</table></div>"


def _picture(run: KeptRun) -> str:
    return f"<img width=40 height=40 alt='' src='{picture(run.thumbnail, 'light')}'>" if run.thumbnail else ""
