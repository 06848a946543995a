"""The state of the script run that a page has requested, read from its messages to and from Streamlit."""

from __future__ import annotations

from playwright.sync_api import WebSocket
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg


class ScriptRun:
    """The script run that answers a page's latest request: due, begun or done.

    Automatic reruns do not count, nor does a run that had begun before the request.
    """

    def __init__(self, socket: WebSocket | None = None) -> None:
        self.state = "done"
        if socket:
            socket.on("framesent", self.asked)
            socket.on("framereceived", self.note_message)

    def asked(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            said = BackMsg.FromString(message)
            if said.WhichOneof("type") == "rerun_script" and not said.rerun_script.is_auto_rerun:
                self.state = "due"

    def note_message(self, message: str | bytes) -> None:
        if isinstance(message, bytes) and self.state != "done":
            said = ForwardMsg.FromString(message)
            if said.WhichOneof("type") == "new_session":
                self.state = "begun"
            elif said.WhichOneof("type") == "script_finished" and self.state == "begun":
                again = said.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN
                self.state = "due" if again else "done"
