"""The files of Streamlit's own frontend, which ui/server/static_assets.py serves from memory."""

from __future__ import annotations

import re
from pathlib import Path

import streamlit

INDEX = Path(streamlit.__file__).parent / "static" / "index.html"
FOLDER = INDEX.parent / "static"
FRONTEND_FILES = {path.relative_to(FOLDER).as_posix(): path for path in FOLDER.rglob("*") if path.is_file()}
_IMPORT = re.compile(r"""(?:\bfrom|\bimport)\s*["']\./([\w.-]+\.js)["']""")


def chunks(*parts: str) -> list[str]:
    """The scripts of some parts of the frontend, such as "Html", and what they import that index.html does not name.

    Streamlit loads a part when the first script run needs it, and then follows its imports level by level.
    """
    index = INDEX.read_text(encoding="utf-8")
    files = {path.removeprefix("js/") for path in FRONTEND_FILES if path.startswith("js/")}
    found = [name for part in parts for name in sorted(files) if re.fullmatch(rf"{part}\.[\w-]+\.js", name)]
    for name in found:  # grows during the loop
        imported = dict.fromkeys(_IMPORT.findall(FRONTEND_FILES[f"js/{name}"].read_text(encoding="utf-8")))
        found += [other for other in imported if other not in found and other not in index]
    return found
