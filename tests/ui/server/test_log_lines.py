"""Lines of the log: a stranger's text stays within one line, and a malformed request leaves no traceback."""

from __future__ import annotations

import io
import logging

import pytest
from google.protobuf.message import DecodeError

from ui.server import log_lines

FORGED = 'evil\r\n{"event": "worker ended"}\x1b[2J\u2028'


@pytest.fixture
def log():
    """A logger as the libraries have one, and what it has written."""
    usual, written = logging.getLogRecordFactory(), io.StringIO()
    logger, handler = logging.getLogger("streamlit.test"), logging.StreamHandler(written)
    logger.addHandler(handler)
    logger.propagate = False
    log_lines.install()
    yield logger, written
    logging.setLogRecordFactory(usual)
    logger.removeHandler(handler)


def test_a_log_lines_is_one_short_line(log):
    logger, written = log
    logger.warning("Origin %s is not allowed", FORGED + 7000 * "x")
    (line,) = written.getvalue().splitlines()
    assert line.startswith('Origin evil {"event": "worker ended"} [2J xxx')
    assert len(line) <= log_lines.MAX_CHARS + 4


def test_a_malformed_request_leaves_no_traceback(log):
    logger, written = log
    try:
        raise DecodeError(FORGED)
    except DecodeError:
        logger.exception("Error deserializing back message")
    assert written.getvalue() == "Error deserializing back message (DecodeError)\n"


def test_an_error_of_ours_has_a_traceback_that_forges_no_line(log):
    logger, written = log
    try:
        raise ValueError(FORGED + 7000 * "x")
    except ValueError:
        logger.exception("Uncaught exception")
    first, *traceback = written.getvalue().splitlines()
    assert first == "Uncaught exception"
    assert "Traceback" in traceback[0]
    assert all(line.startswith("  | ") and len(line) < 310 for line in traceback)
    assert "ValueError: evil" in written.getvalue()


def test_arguments_that_do_not_fit_are_no_error(log):
    logger, written = log
    logger.warning("%d of them", "many")
    assert written.getvalue() == "%d of them\n"
