"""The files of the live component: small ES modules and style sheets, served without a build step."""

from __future__ import annotations

import hashlib
import re
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
FILES = {path.name: path for path in sorted((*HERE.glob("*.js"), *HERE.glob("*.css")))}
PLOTLY = f"live/plotly-{version('plotly')}.min.js"  # address of Plotly's own script
VERSION = hashlib.sha256(b"".join(path.read_bytes() for path in FILES.values())).hexdigest()[:12]
_IMPORT = re.compile(r"^import \{[^}]*\} from '\./([\w.]+)';\n", re.MULTILINE)


def joined(entry: str = "live.js", exported: bool = False) -> str:
    """A module and all that it imports as one text, imports first. `export` goes; the entry may keep its own."""
    done: dict[str, str] = {}

    def take(name: str) -> None:
        if name in done:
            return
        source = FILES[name].read_text(encoding="utf-8")
        done[name] = ""  # holds the place against a circle
        for other in _IMPORT.findall(source):
            take(other)
        done.pop(name)
        text = _IMPORT.sub("", source)
        done[name] = text if exported and name == entry else re.sub(r"^export ", "", text, flags=re.MULTILINE)

    take(entry)
    return "\n".join(done.values())
