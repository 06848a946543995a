"""What goes into a frame comes out of it, here and in the browser; damaged bytes are refused and never surprise."""

from __future__ import annotations

import json
import pickle
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from lab.experiment.experiment import Experiment
from lab.protocol.frames import MAGIC, FrameError, pack, unpack
from lab.training.run import Run

TWIN = Path(__file__).parents[3] / "ui/components/shared/frame.js"
RNG = np.random.default_rng(0)
KINDS = ["?", "u1", "i1", "u2", "i2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", ">f4", ">i8", "U5"]
SHAPES = [(), (0,), (1,), (3,), (2, 3), (0, 4), (4, 0), (2, 1, 3)]
SAMPLE = pack({"epoch": 3, "text": "Zürich"}, {"a": np.arange(5, dtype=np.int32), "b": np.ones((2, 3), np.float32)})


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_and_shape_of_array_survives(kind, shape):
    array = (RNG.random(shape) * 100).astype(kind)
    _, arrays = unpack(pack({}, {"a": array, "after": np.arange(3)}))
    assert arrays["a"].dtype == array.dtype
    assert arrays["a"].shape == shape
    np.testing.assert_array_equal(arrays["a"], array)
    np.testing.assert_array_equal(arrays["after"], np.arange(3))


dtypes = npst.integer_dtypes() | npst.floating_dtypes(sizes=(16, 32, 64)) | npst.boolean_dtypes()


@given(st.dictionaries(st.text(max_size=5), npst.arrays(dtypes, npst.array_shapes(min_dims=0, min_side=0)), max_size=3))
def test_any_arrays_survive(arrays):
    _, found = unpack(pack({}, arrays))
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.dictionaries(st.text().filter(lambda name: name not in ("arrays", "version")), json_values, max_size=4))
def test_any_header_survives(header):
    assert unpack(pack(header)) == (header, {})


def test_numbers_that_are_not_finite_become_null():
    header = {"a": float("nan"), "b": [np.inf, 1.0], "c": {"d": np.float32("-inf"), "e": np.float32(0.5)}, "f": (1, 2)}
    expected = {"a": None, "b": [None, 1.0], "c": {"d": None, "e": 0.5}, "f": [1, 2]}
    assert unpack(pack(header))[0] == expected
    assert unpack(pack({"n": np.int64(3)}))[0] == {"n": 3}


def test_nan_in_an_array_stays_nan():
    array = np.array([np.nan, np.inf, 1], np.float32)
    np.testing.assert_array_equal(unpack(pack({}, {"a": array}))[1]["a"], array)


@pytest.mark.parametrize("view", [lambda a: a.T, lambda a: a[:, ::2], lambda a: a[::-1], lambda a: a[1:, 1]])
def test_an_array_that_is_not_contiguous_survives(view):
    array = view(np.arange(12.0).reshape(3, 4))
    np.testing.assert_array_equal(unpack(pack({}, {"a": array}))[1]["a"], array)


def test_arrays_share_the_memory_of_the_frame_and_cannot_be_written():
    array = unpack(SAMPLE)[1]["a"]
    assert not array.flags.owndata
    assert not array.flags.writeable


def test_bodies_begin_at_multiples_of_eight():
    (length,) = struct.unpack_from("<I", SAMPLE, 4)
    assert (8 + length) % 8 == 0
    table = json.loads(SAMPLE[8 : 8 + length])["arrays"]
    assert [offset % 8 for *_, offset in table] == [0, 0]


@pytest.mark.parametrize("kind", ["O", "S3", "c8", "M8[s]", "m8[s]", "V4", "i4,f4"])
def test_arrays_of_other_kinds_are_refused_on_both_ends(kind):
    with pytest.raises(FrameError, match="allowed: booleans, numbers and text"):
        pack({}, {"a": np.zeros(2, kind)})
    with pytest.raises(FrameError):
        unpack(frame_of([["a", kind, [1], 0]]))


def test_a_pickle_is_refused():
    with pytest.raises(FrameError):
        unpack(pickle.dumps({"a": 1}))
    with pytest.raises(FrameError):
        unpack(MAGIC + pickle.dumps({"a": 1}))


def frame_of(table, body=bytes(64), **header) -> bytes:
    text = json.dumps({"version": 1, **header, "arrays": table}).encode()
    text += b" " * (-(8 + len(text)) % 8)
    return MAGIC + struct.pack("<I", len(text)) + text + body


@pytest.mark.parametrize(
    "table",
    [
        None, 5, [5], [["a"]], [["a", "f4", [2]]], [["a", "f4", 2, 0]], [["a", "f4", [-1], 0]],
        [["a", "f4", [2], -8]], [["a", "f4", [2.0], 0]], [["a", "f4", [True], 0]], [["a", "f4", [17], 0]],
        [["a", "f4", [1], 64]], [["a", "f4", [2**62, 4], 0]], [["a", "f4", [2**32, 2**32], 0]],
        [["a", "f4", [10**400], 0]], [["a", "f4", [1], 10**400]], [["a", "no", [1], 0]], [["a", None, [1], 0]],
        [["a", {"names": ["b"], "formats": ["O"]}, [1], 0]], [["a", "O", [1], 0]], [["a", "U0", [1], 0]],
        [[["a"], "f4", [1], 0]], [["a", "f4", [1] * 100, 0]], [["a", "f4", ["1"], 0]], [["a", "f4", None, 0]],
    ],
    ids=str,
)  # fmt: skip
def test_a_table_of_arrays_that_makes_no_sense_is_refused(table):
    with pytest.raises(FrameError):
        unpack(frame_of(table))


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version_is_refused(version):
    with pytest.raises(FrameError, match="reads version 1"):
        unpack(frame_of([], version=version))


@pytest.mark.parametrize("text", [b"[]", b"7", b"null", b"{}", b'{"version": 1}', b"[" * 100_000, b"\xff\xfe", b""])
def test_a_header_that_is_none_is_refused(text):
    with pytest.raises(FrameError):
        unpack(MAGIC + struct.pack("<I", len(text)) + text)


@pytest.mark.parametrize("length", range(len(SAMPLE)))
def test_a_frame_that_is_cut_off_is_refused(length):
    with pytest.raises(FrameError):
        unpack(SAMPLE[:length])


@given(st.integers(0, len(SAMPLE) - 1), st.binary(min_size=1, max_size=6))
def test_a_damaged_frame_is_read_or_refused(place, damage):
    try:
        header, arrays = unpack(SAMPLE[:place] + damage + SAMPLE[place + len(damage) :])
    except FrameError:  # and nothing else
        return
    assert isinstance(header, dict)
    assert isinstance(arrays, dict)


@given(st.binary() | st.binary().map(lambda rest: MAGIC + rest))
def test_bytes_that_are_no_frame_are_refused(data):
    with pytest.raises(FrameError):
        unpack(data)


READ = """
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
const { unpack } = await import(pathToFileURL(process.argv[1]).href);
const told = [];
for (const path of process.argv.slice(2)) {
  const bytes = readFileSync(path);
  try {
    const { header, arrays } = unpack(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    for (const [name, a] of Object.entries(arrays)) arrays[name] = { shape: a.shape, values: Array.from(a) };
    told.push({ header, arrays });
  } catch (error) {
    told.push({ error: error.message });
  }
}
process.stdout.write(JSON.stringify(told));
"""


def read_in_javascript(folder: Path, frames: list[bytes]) -> list[dict]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the JavaScript twin can only be compared where it is")
    paths = [folder / f"{number}.bpf" for number in range(len(frames))]
    for path, frame in zip(paths, frames, strict=True):
        path.write_bytes(frame)
    words = [node, "--input-type=module", "--eval", READ, "--", str(TWIN), *map(str, paths)]
    return json.loads(subprocess.run(words, capture_output=True, check=True, timeout=60).stdout)


def test_the_javascript_twin_reads_the_frames_of_a_run_identically(tmp_path):
    frames = []
    for dataset in ("circle", "spiral3", "hills", "wine", "digits"):
        for dtype in ("float32", "float64"):
            run = Run(Experiment(dataset=dataset, samples=60, hidden=(3,), dtype=dtype))
            frames += [run.frame({}), run.frame({"build": run.build_number, "frame": run.frame_number})]
            run.step()
            frames.append(run.frame({"build": run.build_number}))
    frames += [pack({"text": "Zürich 5 µm"}, {"none": np.zeros((0, 3), np.float32), "one": np.float32(2.5)})]
    for frame, told in zip(frames, read_in_javascript(tmp_path, frames), strict=True):
        header, arrays = unpack(frame)
        assert told["header"] | {"version": 0, "arrays": 0} == header | {"version": 0, "arrays": 0}
        assert told["arrays"].keys() == arrays.keys()
        for name, array in arrays.items():
            assert told["arrays"][name] == {"shape": list(array.shape), "values": array.ravel().tolist()}


def test_the_javascript_twin_refuses_what_python_refuses(tmp_path):
    bad = [b"", b"BPF", b"XXXX" + SAMPLE[4:], SAMPLE[:40], SAMPLE[:-8], frame_of([], version=2),
           frame_of([["a", "O", [1], 0]]), frame_of([["a", "f4", [17], 0]])]  # fmt: skip
    for frame, told in zip(bad, read_in_javascript(tmp_path, bad), strict=True):
        with pytest.raises(FrameError):
            unpack(frame)
        assert told.keys() == {"error"}
