from __future__ import annotations

from types import ModuleType

import pytest

from tests.conftest import required


@pytest.fixture(scope="session")
def replay() -> ModuleType:
    """tests/oracle/replay.py, imported late because PyTorch takes seconds."""
    return required("ORACLE_TESTS", "tests.oracle.replay")
