"""One binary container for everything that crosses a process or a socket: a JSON header and named arrays behind it.

Frames for the screen, commands to a worker and checkpoints all use it, so nothing is ever pickled. The JavaScript twin of
`unpack` is ui/components/frame.js.

    "BPF1" | uint32 length of the header | header (JSON, padded) | array bodies, each starting at a multiple of 8
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

MAGIC = b"BPF1"
KINDS = frozenset("biufU")  # arrays of booleans, numbers and text, never of objects


class FrameError(ValueError):
    """The bytes are no frame of this version."""


def pack(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> bytes:
    """A JSON-able header and arrays -> bytes. Numbers that are not finite become null."""
    bodies, table, offset = [], [], 0
    for name, value in (arrays or {}).items():
        array = np.ascontiguousarray(value)
        table.append([name, array.dtype.str.lstrip("<|="), list(np.shape(value)), offset])
        padding = -array.nbytes % 8
        bodies += [array.tobytes(), b"\0" * padding]
        offset += array.nbytes + padding
    text = json.dumps({"version": 1, **_finite(dict(header)), "arrays": table}, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % 8)
    return b"".join([MAGIC, struct.pack("<I", len(text)), text, *bodies])


def unpack(frame: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Bytes -> header and read-only arrays that share the bytes' memory. Raises FrameError."""
    if len(frame) < 8 or frame[:4] != MAGIC:
        raise FrameError("These bytes are not a frame: the first four must be BPF1.")
    (length,) = struct.unpack_from("<I", frame, 4)
    start, arrays = 8 + length, {}
    try:
        header = json.loads(frame[8:start])
        for name, kind, shape, offset in header.pop("arrays"):
            dtype = np.dtype(kind)
            if dtype.kind not in KINDS:
                raise FrameError(f"Array {name} has the kind {kind}; allowed: booleans, numbers and text.")
            count = int(np.prod(shape, dtype=np.int64))
            arrays[name] = np.frombuffer(frame, dtype, count, start + offset).reshape(shape)
    except FrameError:
        raise
    except (ValueError, TypeError, KeyError, UnicodeDecodeError, OverflowError):
        raise FrameError("This frame is cut off or damaged.") from None
    return header, arrays


def _finite(value: Any) -> Any:
    """JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
