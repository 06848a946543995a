"""The page as a script, for the tests that need no browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from tests.ui.opened import ALL_CONTROLS

ROUTER = Path(__file__).parents[2] / "ui/router.py"


@pytest.fixture(scope="session", autouse=True)
def _one_search_for_components() -> Iterator[None]:
    """Streamlit reads what all installed packages say of themselves, again for each page: a third of a second."""
    found = manifest_scanner.scan_component_manifests()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", lambda: found)
        yield


@pytest.fixture
def page() -> AppTest:
    """The playground with all controls, not yet run; always through the router, as a visitor opens it."""
    page = AppTest.from_file(str(ROUTER), default_timeout=30)
    page.query_params.update(ALL_CONTROLS)
    return page
