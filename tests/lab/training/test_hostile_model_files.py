"""Damaged or forged model files: each is refused in a sentence, and the run does not change."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
import safetensors.numpy

from lab.experiment.experiment import ExperimentError
from lab.queries import downloads
from lab.training.build import build
from lab.training.model_file import MAX_FILE_BYTES, ModelFileError, from_bytes, restore
from lab.training.run import Run
from tests.lab.helpers import RICH, SMALL, saved


def with_header(content: bytes, change) -> bytes:
    """The file with another header."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    text = change(header)
    text = text if isinstance(text, bytes) else json.dumps(text or header).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + length :]


def with_fact(name, value):
    return lambda content: with_header(content, lambda header: header["__metadata__"].__setitem__(name, value))


def with_line(tensor, name, value):
    return lambda content: with_header(content, lambda header: header[tensor].__setitem__(name, value))


def with_tensor(name, change):
    """The file with one tensor replaced, or removed by None."""

    def make(content):
        (length,) = struct.unpack("<Q", content[:8])
        facts = json.loads(content[8 : 8 + length])["__metadata__"]
        arrays = safetensors.numpy.load(content)
        made = change(arrays.pop(name, None))
        return safetensors.numpy.save(arrays if made is None else {**arrays, name: made}, metadata=facts)

    return make


def put(value, *place):
    def change(array):
        array[place or ...] = value
        return array

    return change


def another(experiment):
    return lambda content: with_fact("experiment", experiment)(content)


FINITE = "holds numbers that are not finite; only finite ones are allowed."
HOSTILE = {
    "nothing": (lambda c: b"", "This is no safetensors file; allowed: a model saved by Backprop Playground."),
    "a picture": (lambda c: b"\x89PNG\r\n\x1a\n" + bytes(100), "This is no safetensors file"),
    "a pickle": (lambda c: b"\x80\x04\x95" + bytes(50), "This is no safetensors file"),
    "too large": (lambda c: c + bytes(MAX_FILE_BYTES), f"at most {MAX_FILE_BYTES:,} are allowed."),
    "a huge header": (lambda c: struct.pack("<Q", 1 << 62) + c[8:], "The header claims 4,611,686,018,427,387,904"),
    "a long header": (lambda c: struct.pack("<Q", 5_000_000) + c[8:], "at most 4,000,000 are allowed."),
    "cut off in the header": (lambda c: c[:200], "The file is cut off within its header"),
    "cut off in the tensors": (lambda c: c[:-9], "The file is cut off: its tensors need "),
    "a byte too much": (lambda c: c + b"\0", "The file is damaged"),
    "no JSON": (lambda c: with_header(c, lambda h: b"{nonsense}"), "The header of the file is not JSON"),
    "deep JSON": (lambda c: with_header(c, lambda h: b'{"a":' * 30_000), "The header of the file is not JSON"),
    "a name twice": (lambda c: with_header(c, lambda h: b'{"a": 1, "a": 2}'), "The header of the file is not JSON"),
    "a foreign file": (lambda c: safetensors.numpy.save({"w": np.zeros(3)}), "comes from another program"),
    "another format": (with_fact("format", "pt"), "comes from another program"),
    "another version": (with_fact("version", "2"), "has format version 2; this program reads version 1."),
    "no experiment": (with_fact("experiment", ""), "The experiment in the file is not one."),
    "a wrong experiment": (another('{"hidden": [99999]}'), "hidden: [99999] is not allowed; allowed: at most 8"),
    "a huge experiment": (another('{"hidden": [1024, 1024, 1024, 1024]}'), "at most 2,000,000 parameters in all."),
    "an unknown rule": (with_fact("stopped_by", "<b>hi</b>"), "names an unknown stop rule; allowed: patience,"),
    "unknown rules": (with_fact("silent", '["x"]'), "names an unknown stop rule"),
    "rules in disguise": (with_fact("silent", "[" * 50_000), "names an unknown stop rule"),
    "halves": (with_line("network.0.W", "dtype", "F16"), "network.0.W holds F16; allowed: F32, F64, I32, I64, U64."),
    "a made-up kind": (with_line("network.0.W", "dtype", {"a": 1}), "network.0.W holds {'a': 1}; allowed"),
    "another size": (with_line("network.0.W", "shape", [2, 400]), "The file is damaged: its tensors do not lie"),
    "a negative size": (with_line("network.0.W", "shape", [-2, -4]), "The file is damaged"),
    "an overflowing size": (with_line("network.0.W", "shape", [2**40, 2**40]), "The file is damaged"),
    "lying offsets": (with_line("network.0.W", "data_offsets", [0, 10]), "The file is damaged"),
    "offsets beyond": (with_line("network.0.W", "data_offsets", [0, 10**7]), "its tensors need 10,000,000 bytes"),
    "no offsets": (with_line("network.0.W", "data_offsets", "all"), "The file is damaged"),
    "two at one place": (
        lambda c: with_header(c, lambda h: h.__setitem__("network.2.b", h["network.0.b"])), "The file is damaged"),
    "many tensors": (
        lambda c: safetensors.numpy.save(
            {f"t{i}": np.zeros(1) for i in range(300)}, metadata={"format": "backprop-playground", "version": "1"}),
        "has 300 tensors; at most 200 are allowed."),
    "no weights": (with_tensor("network.0.W", lambda _: None), "The file lacks network.0.W; allowed: the tensors of"),
    "no order": (with_tensor("training.order", lambda _: None), "The file lacks training.order"),
    "one tensor more": (with_tensor("x", lambda _: np.zeros(2)), "The file has too much: x; allowed"),
    "other weights": (
        with_tensor("network.0.W", lambda _: np.zeros((3, 4), np.float32)),
        "network.0.W is 3 x 4; the experiment's network needs 2 x 4."),
    "doubles": (
        with_tensor("network.0.W", lambda w: w.astype(np.float64)),
        "network.0.W holds float64; the experiment's network needs float32."),
    "the weights of another experiment": (another('{"samples": 40, "hidden": [5]}'), "needs 2 x 5."),
    "no number": (with_tensor("network.0.W", put(np.nan, 0, 0)), f"network.0.W {FINITE}"),
    "infinity": (with_tensor("network.2.b", put(np.inf)), f"network.2.b {FINITE}"),
    "a scaling of nan": (with_tensor("data.x_scale", put(np.nan)), f"data.x_scale {FINITE}"),
    "an order that names one twice": (with_tensor("training.order", put(0)), "does not name each sample once."),
    "a huge count": (with_tensor("training.counters", put(2**62, 1)), "an impossible count"),
    "a negative count": (with_tensor("training.counters", put(-1, 0)), "A counter in the checkpoint is out of range."),
    "a position beyond": (with_tensor("training.counters", put(30, 2)), "A counter in the checkpoint is out of range."),
    "endless seconds": (with_tensor("training.numbers", put(np.inf, 0)), "training.numbers holds numbers that"),
    "a curve out of order": (with_tensor("history.epochs", put(3)), "history.epochs is out of order"),
    "a curve of the future": (with_tensor("history.epochs", put(9, 3)), "history.epochs is out of order"),
    "a curve without an end": (with_tensor("history.values", put(np.inf, 0, 1)), "a loss that is not finite"),
    "half a curve": (with_tensor("history.values", lambda v: v[:, :2].copy()), "curve in the checkpoint is incomplete"),
    "a curve in one row": (with_tensor("history.values", lambda v: v[0].copy()), "history.values is 4; the"),
    "a stride of nothing": (with_tensor("history.stride", put(0)), "history.stride is out of range"),
    "a generator of nothing": (with_tensor("training.rng.batches", put(9, 4)), "no state of a random generator"),
}  # fmt: skip


def load(run, content):
    model = from_bytes(content)
    downloads.load(run, model, model.experiment)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused(name, content):
    make, sentence = HOSTILE[name]
    made = make(content)
    assert made != content
    run = Run(SMALL)
    run.step()
    trainer, losses = run.trainer, run.trainer.history.values.copy()
    with pytest.raises(ModelFileError) as refused:
        load(run, made)
    text = str(refused.value)
    assert sentence in text
    assert text.endswith(".")
    assert len(text) < 400
    assert run.trainer is trainer
    np.testing.assert_array_equal(run.trainer.history.values, losses)


@pytest.mark.parametrize("name", ["square", "variance"])
def test_a_mean_of_squares_below_zero_is_refused(name):
    content = saved(RICH)
    tensor = {"square": "optimizer.square", "variance": "network.1.variance"}[name]
    made = with_tensor(tensor, put(-1, 0))(content)
    with pytest.raises(ModelFileError, match="negative numbers; a mean of squares is never negative"):
        restore(build(RICH).trainer, from_bytes(made))


def test_random_damage_never_does_anything_but_refuse_or_load(content):
    rng = np.random.default_rng(1)
    trainer = build(SMALL).trainer
    text = []
    for _ in range(200):
        made = bytearray(content)
        for place in rng.integers(len(made), size=rng.integers(1, 4)):
            made[place] = rng.integers(256)
        try:
            restore(trainer, from_bytes(bytes(made)))
        except (ModelFileError, ExperimentError) as problem:
            text.append(str(problem))
    assert len(text) > 20
    assert all(sentence.endswith(".") for sentence in text)
