"""What the libraries of the server log may contain text of strangers: it is bounded, and cannot look like another line.

Our own events are JSON (lab/server/log.py) and do not pass here.
"""

from __future__ import annotations

import logging
import re
import traceback
from typing import Any

MAX_CHARS = 300  # of a message, and of a line of a traceback
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# Classes of Protobuf and Starlette, by name: of what a client has sent, or not sent to its end.
CLIENTS_FAULT = ("DecodeError", "MultiPartException", "ClientDisconnect", "WebSocketDisconnect")


def one_line(text: str) -> str:
    """Without control characters, and not too long."""
    text = CONTROL.sub(" ", text[: 2 * MAX_CHARS]).strip()
    return text if len(text) <= MAX_CHARS else f"{text[:MAX_CHARS]} ..."


class CleanRecord(logging.LogRecord):
    """A message in one line, then the traceback, indented; none where a client sent what cannot be read."""

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        try:
            text = self.getMessage()
        except (TypeError, ValueError):  # arguments that do not fit
            text = str(self.msg)
        self.msg, self.args = one_line(text), None
        if not self.exc_info:
            return
        problem, self.exc_info = self.exc_info[1], None
        undecodable = isinstance(problem, UnicodeDecodeError) and self.name.startswith("uvicorn")
        if undecodable or type(problem).__name__ in CLIENTS_FAULT:
            self.msg = one_line(f"{self.msg} ({type(problem).__name__})")
        elif problem:
            lines = "".join(traceback.format_exception(problem)).splitlines()
            self.exc_text = "\n".join(f"  | {CONTROL.sub(' ', line[:MAX_CHARS])}" for line in lines)


def install() -> None:
    """For all that this process logs from now on."""
    logging.setLogRecordFactory(CleanRecord)
