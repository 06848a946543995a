"""What the page's scripts know of the protocol is what Python says."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from lab.protocol.messages import EVENTS, PREVIEWED, FrameHeader
from ui.server import javascript


def test_the_file_is_current():
    """After a change run `python -m ui.server.javascript`."""
    assert javascript.PATH.read_text(encoding="utf-8") == javascript.text()


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_file_is_a_module_with_these_names(tmp_path):
    (tmp_path / "protocol.mjs").write_text(javascript.text(), encoding="utf-8")
    script = (
        "import * as p from './protocol.mjs'; process.stdout.write(JSON.stringify("
        "[Object.values(p.EVENTS), p.PREVIEWED_FIELDS, p.CLOSE_CODES.unknownRun, p.FRAME_MAGIC, p.CLASS_BYTE]));"
    )
    found = subprocess.run(
        ["node", "--input-type=module", "-e", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    events, previewed, code, magic, packed = json.loads(found.stdout)
    assert events == list(EVENTS)
    assert previewed == list(PREVIEWED)
    assert (code, magic, packed) == (4404, 0x31465042, {"shift": 5, "maxConfidence": 31})


def test_every_field_of_the_header_has_a_type():
    assert all(f" *   {name}: " in javascript.text() for name in FrameHeader.__dataclass_fields__)
