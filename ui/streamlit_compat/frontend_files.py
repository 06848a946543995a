"""The files of Streamlit's own frontend, which ui/server/static_assets.py serves from memory."""

from __future__ import annotations

from pathlib import Path

import streamlit

INDEX = Path(streamlit.__file__).parent / "static" / "index.html"
FOLDER = INDEX.parent / "static"
FRONTEND_FILES = {path.relative_to(FOLDER).as_posix(): path for path in FOLDER.rglob("*") if path.is_file()}
