"""docs/settings.md from the records of the fields: `python -m lab.experiment.reference > docs/settings.md`."""

from __future__ import annotations

from lab.experiment.fields import DEFAULTS, FIELDS, LIVE
from lab.experiment.rules import as_text

INTRO = """# Settings

Every field of an experiment, made by `python -m lab.experiment.reference` from `lab/experiment/fields.py`. Links, JSON
files and `python -m lab run` use the same names. A change of a *live* field reaches the running network; any other
change restarts training.
"""


def settings_page() -> str:
    rows = [
        f"| `{name}` | {spec.label} | {spec.allowed.text} | {as_text(DEFAULTS[name]) or 'none'} "
        f"| {'live' if name in LIVE else ''} | {spec.help} |"
        for name, spec in FIELDS.items()
    ]
    head = ("| name | on the page | allowed | default | | what it does |", "| --- | --- | --- | --- | --- | --- |")
    return "\n".join((INTRO, *head, *rows)) + "\n"


if __name__ == "__main__":
    print(settings_page(), end="")
