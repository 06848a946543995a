"""The query of a link in a short form: `x=` and its fields, compressed.

The text is a version, then zlib with a dictionary, in base64 for addresses. Links hold it: never change a version.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from lab.experiment.rules import ExperimentError

FIELD = "x"
VERSION = "1"
DICTIONARY = (  # of version 1; what is common comes last
    b"&conv=8%2C16&dtype=float64&class_weights=balanced&clip_value=&clip_norm=&schedule_span=&max_seconds=&min_delta="
    b"&label_smoothing=0.&monitor=validation_score&weight_decay=0.&max_norm=&schedule=cosine&scaling=per_image"
    b"&initializer=he_normal&balance=0.&outliers=0.&device=cuda%3A0&residual=true&batch_norm=true&projector=true"
    b"&discretize=true&show_test=false&target_accuracy=0.&target_loss=0.&formula=&dropout=0.&patience=&epochs="
    b"&weight_seed=&seed=&train_share=0.&validation_share=0.2&label_noise=0.&output=&loss=mse&samples=&points=&own="
    b"&batch_size=&l1=0.00&l2=0.00&optimizer=adam&hidden=8%2C8&activations=relu&features=x1%2Cx2%2Cx1%5E2%2Cx2%5E2"
    b"%2Cx1%2Ax2%2Csin_x1%2Csin_x2&title=&task=&hide=presets%2Cadvice&lock=batch%2Cpenalties%2Cstop%2Cdata%2Cseed"
    b"%2Cfeatures%2Clayers%2Cactivation%2Closs%2Coptimizer%2Cdevice%2Cmore%2Cweights%2Cpresets&learning_rate=0.0"
    b"&noise=0.&speed=max&dataset=spiral"
)
PLAIN_CHARACTERS = 100  # a query up to this length stays readable
MAX_CHARACTERS, MAX_QUERY_BYTES, MAX_FIELDS = 8_000, 20_000, 200  # of a short link that is opened


def shortened(query: Mapping[str, str]) -> dict[str, str]:
    """The query, in its short form where it is long and that helps."""
    text = urlencode(query)
    if len(text) <= PLAIN_CHARACTERS or FIELD in query:
        return dict(query)
    short = packed(query)
    return {FIELD: short} if len(short) < len(text) and len(short) <= MAX_CHARACTERS else dict(query)


def packed(query: Mapping[str, str]) -> str:
    """The value of `x=`."""
    packer = zlib.compressobj(9, wbits=-15, zdict=DICTIONARY)
    content = base64.urlsafe_b64encode(packer.compress(urlencode(query).encode()) + packer.flush())
    return VERSION + content.decode().rstrip("=")


def expanded(query: Mapping[str, str]) -> dict[str, str]:
    """The query with its short form unpacked; what is beside it counts more. Raises ExperimentError."""
    if FIELD not in query:
        return dict(query)
    rest = {name: value for name, value in query.items() if name != FIELD}
    try:
        return {**_unpacked(query[FIELD]), **rest}
    except (ValueError, zlib.error):
        raise ExperimentError(["This short link is damaged; allowed: a whole link, as Share writes it."]) from None


def _unpacked(short: str) -> dict[str, str]:
    if not short.startswith(VERSION) or len(short) > MAX_CHARACTERS:
        raise ValueError
    packed = base64.b64decode(short[1:] + "=" * (-len(short[1:]) % 4), altchars=b"-_", validate=True)
    unpacker = zlib.decompressobj(-15, zdict=DICTIONARY)
    text = unpacker.decompress(packed, MAX_QUERY_BYTES)
    if not unpacker.eof:  # cut off, or far larger than any link
        raise ValueError
    return dict(parse_qsl(text.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=MAX_FIELDS))
