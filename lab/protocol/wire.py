"""Messages as bytes: what goes through the connection between the server and a worker (lab/protocol/frames.py).

Only a process with the key can open that connection, so an experiment on it was validated before and is not again.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from lab.experiment.experiment import Experiment
from lab.experiment.rules import short
from lab.protocol.errors import BadMessage
from lab.protocol.frames import VERSION, pack, unpack
from lab.protocol.messages import COMMANDS, NAMES, Arrays, Checkpoint, Command, Reply, RunState

GOODBYE = b""  # from the server: send what is not saved yet, and leave


def encode_command(number: int, run: str, command: Command, arrays: Arrays | None = None) -> bytes:
    """number: comes back in the reply; 0 asks for none."""
    values: dict[str, Any] = vars(command)
    if (experiment := values.get("experiment")) is not None:
        values = {**values, "experiment": experiment_text(experiment)}
    if (state := values.get("state")) is not None:
        values = {**values, "state": _state(state)}
    return pack({"id": number, "run": run, "do": NAMES[type(command)], "values": values}, arrays)


def decode_command(message: bytes) -> tuple[int, str, Command | BadMessage, Arrays]:
    """Number, run, command and arrays; in the place of a command what is wrong with it. Raises FrameError."""
    header, arrays = unpack(message)
    number, run, values = header.get("id", 0), header.get("run", ""), header.get("values", {})
    try:
        if "experiment" in values and values["experiment"] is not None:
            values["experiment"] = experiment_from_text(values["experiment"])
        if "state" in values:
            values["state"] = _run_state(values["state"])
        return number, run, COMMANDS[header["do"]](**values), arrays
    except Exception as problem:  # whatever comes of values that are not those of a command
        return number, run, BadMessage(f"This is no command of version {VERSION}: {short(str(problem))}."), arrays


def encode_reply(number: int, reply: Reply) -> bytes:
    header: dict[str, Any] = {"id": number}
    if reply.header:
        header["header"] = reply.header
    if reply.state:
        header["state"] = _state(reply.state)
    if reply.error:
        header |= {"error": reply.error, "sentence": reply.sentence}
    return pack(header, reply.arrays)


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    return pack({"checkpoint": checkpoint.run, "state": _state(checkpoint.state)}, checkpoint.arrays)


def decode_from_worker(message: bytes) -> tuple[int, Reply] | Checkpoint:
    """What a worker said: a checkpoint, or a reply with the number of its command. Raises FrameError."""
    header, arrays = unpack(message)
    state = _run_state(header["state"]) if "state" in header else None
    if "checkpoint" in header:
        assert state is not None, "a checkpoint has a state"
        return Checkpoint(header["checkpoint"], state, arrays)
    reply = Reply(header.get("header", {}), arrays, state, header.get("error", ""), header.get("sentence", ""))
    return header["id"], reply


def _state(state: RunState) -> list[Any]:
    experiment, *others = vars(state).values()
    return [experiment_text(experiment), *others]


def _run_state(values: list[Any]) -> RunState:
    experiment, *others = values
    return RunState(experiment_from_text(experiment), *others)


def experiment_text(experiment: Experiment) -> str:
    """The fields that are not at their defaults, as JSON; equal experiments have the same text."""
    return _text(experiment)  # a frozen model can be hashed


@lru_cache(maxsize=1024)
def _text(experiment: Experiment) -> str:
    return experiment.model_dump_json(exclude_defaults=True)


experiment_from_text = lru_cache(maxsize=1024)(Experiment.from_valid_json)
"""The experiment of `experiment_text`, without validating it a second time."""
