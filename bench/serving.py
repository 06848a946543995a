"""The real server and a real browser on loopback, for measurements and for the browser tests."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parent.parent
CHROMIUM_FLAGS = (  # the last four prevent background requests
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
    *("--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def chromium_path() -> str | None:
    """The path of the installed browser, or None; prefers the headless build, which uses fewer resources."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


def _any_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Server:
    """A running playground.

    script: app.py, or ui/router.py for the page alone. port: 0 for any free one. log: takes what the server prints.
    root: the checkout.
    """

    def __init__(
        self, script: str = "app.py", port: int = 0, log: Path | None = None, root: Path = ROOT, **environment: str
    ) -> None:
        self.port = port or _any_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        options = (f"--server.port={self.port}", "--server.address=127.0.0.1", "--server.headless=true")
        words = [sys.executable, "-m", "streamlit", "run", script, *options]
        self.folder = tempfile.TemporaryDirectory(prefix="playground-state-")  # separate from the user's own
        self.environment = {**os.environ, "PLAYGROUND_STATE": self.folder.name, **environment}
        self.words, self.log, self.root = words, log, root
        self.begin(script)

    def begin(self, script: str = "app.py") -> None:
        """Start the server, or restart it at the same address after `stop`."""
        with self.log.open("ab") if self.log else contextlib.nullcontext() as output:
            self.process = subprocess.Popen(
                self.words, cwd=self.root, env=self.environment, start_new_session=True, stdout=output, stderr=output
            )
        self._wait("healthz" if script == "app.py" else "_stcore/health")

    def _wait(self, path: str, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError("the server exited before it answered")
            try:
                with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                    if path != "healthz" or b'"status":"ok"' in answer.read():
                        return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                pass
            time.sleep(0.05)
        raise RuntimeError(f"the server did not answer within {seconds:g} s")

    def stop(self, for_good: bool = True) -> None:
        """Stop the server as Ctrl-C does. for_good: False keeps its files for the next `begin`."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise
        finally:
            if for_good:
                self.folder.cleanup()
