"""One JSON line for each thing that an admin may want to know. No addresses, names, links or experiments: only numbers
and words of our own."""

from __future__ import annotations

import json
import sys
import time


def log(event: str, **facts: float | str) -> None:
    line = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "event": event, **facts}
    print(json.dumps(line), file=sys.stderr, flush=True)
