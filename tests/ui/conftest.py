"""The page as a script, for the tests that need no browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.opened import ALL_CONTROLS

ROUTER = Path(__file__).parents[2] / "ui/router.py"


@pytest.fixture
def page() -> AppTest:
    """The playground with all controls, not yet run; always through the router, as a visitor opens it."""
    page = AppTest.from_file(str(ROUTER), default_timeout=30)
    page.query_params.update(ALL_CONTROLS)
    return page
