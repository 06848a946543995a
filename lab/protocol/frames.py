"""One binary container for everything that crosses a process or a socket: a JSON header and named arrays behind it.

Frames for the screen, commands to a worker and checkpoints all use it, so nothing is ever pickled. The JavaScript twin
of `unpack` is ui/components/shared/frame.js.

    "BPF1" | uint32 length of the header | header (JSON, padded) | array bodies, each starting at a multiple of 8
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

MAGIC = b"BPF1"
VERSION = 1
ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=lambda number: number.item())
KINDS = frozenset("biufU")  # arrays of booleans, numbers and text, never of objects
DAMAGED = "This frame is cut off or damaged."


class FrameError(ValueError):
    """The bytes are no frame of this version."""


def pack(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> bytes:
    """A JSON-able header and arrays -> bytes. Numbers in the header that are not finite become null.

    Raises FrameError for an array that holds neither booleans nor numbers nor text.
    """
    bodies, table, offset = [], [], 0
    for name, value in (arrays or {}).items():
        array = np.ascontiguousarray(value)
        _check(name, array.dtype)
        table.append([name, array.dtype.str.lstrip("<|="), list(np.shape(value)), offset])
        padding = -array.nbytes % 8
        bodies += [array.tobytes(), b"\0" * padding]
        offset += array.nbytes + padding
    text = _json({**header, "version": VERSION, "arrays": table}).encode()
    text += b" " * (-(8 + len(text)) % 8)
    return b"".join([MAGIC, struct.pack("<I", len(text)), text, *bodies])


def unpack(frame: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Bytes -> header and read-only arrays that share the bytes' memory. Raises FrameError."""
    if len(frame) < 8 or frame[:4] != MAGIC:
        raise FrameError("These bytes are not a frame: the first four must be BPF1.")
    (length,) = struct.unpack_from("<I", frame, 4)
    start, arrays = 8 + length, {}
    if start > len(frame):
        raise FrameError(DAMAGED)
    try:
        header = json.loads(frame[8:start])
        if (version := header.pop("version")) != VERSION:
            raise FrameError(f"The frame has version {version}; this program reads version {VERSION}.")
        for name, kind, shape, offset in header.pop("arrays"):
            dtype = _check(name, np.dtype(str(kind)))
            if not all(type(number) is int and number >= 0 for number in (offset, *shape)):
                raise FrameError(DAMAGED)
            arrays[name] = np.frombuffer(frame, dtype, math.prod(shape), start + offset).reshape(shape)
    except FrameError:
        raise
    except Exception:  # whatever JSON and NumPy raise on bytes that are no frame
        raise FrameError(DAMAGED) from None
    return header, arrays


def _check(name: str, dtype: np.dtype) -> np.dtype:
    if dtype.kind not in KINDS:
        raise FrameError(f"Array {name} has the kind {dtype}; allowed: booleans, numbers and text.")
    return dtype


def _json(header: dict[str, Any]) -> str:
    try:
        return ENCODER.encode(header)
    except ValueError:  # a number that is not finite; looking for one first would take as long as the rest
        return ENCODER.encode(finite(header))


def finite(value: Any) -> Any:
    """JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
