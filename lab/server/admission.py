"""What a command asks of the server, and whether one visitor may have it: every change of a run passes here."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from engine.backend import known_devices
from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.replay import with_fields
from lab.experiment.work_estimate import seconds_of_training
from lab.protocol.messages import Change, Command, GetState, Load, Open, Preview, Repeat, Resume
from lab.server.memory_estimate import megabytes


def resolved(command: Command, current: Experiment) -> Command:
    """The command as the worker gets it: a slider on its way becomes a change of the current experiment.

    Raises ExperimentError.
    """
    if isinstance(command, Preview):
        experiment = command.applied_to(current)
        return GetState() if experiment == current else Change(experiment)
    return command


def experiment_after(command: Command) -> Experiment | None:
    """The experiment that a run will have after a command, or None where it keeps its own."""
    match command:
        case Open(experiment) | Change(experiment) | Load(_, experiment):
            return experiment
        case Repeat():
            return largest(command)
    return None


def largest(replay: Repeat) -> Experiment:
    """The experiment of a replay that needs the most memory: of what changes while it trains, only batches count."""
    sizes = {change["fields"]["batch_size"] for change in replay.changes if "batch_size" in change.get("fields", {})}
    return max((with_fields(replay.experiment, {"batch_size": n} if n is not None else {}) for n in (None, *sizes)),
               key=megabytes)  # fmt: skip


def check_visitor_limits(limits: SimpleNamespace, experiment: Experiment) -> None:
    """Raises ExperimentError for more than one visitor may have."""
    if experiment.parameters > limits.parameters:
        allowed = f"layers with at most {limits.parameters:,.0f} parameters in all on this server"
        raise ExperimentError([f"hidden: {experiment.parameters:,} parameters are not allowed; allowed: {allowed}."])
    if (need := megabytes(experiment)) > limits.run_mb:
        allowed = f"an experiment of at most {limits.run_mb:,.0f} MB; fewer samples, units or a smaller batch help"
        raise ExperimentError([f"hidden: this needs about {need:,.0f} MB of memory; allowed: {allowed}."])
    if experiment.device == "cpu" and (seconds := seconds_of_training(experiment)) > limits.piece_s:
        allowed = f"at most {limits.piece_s:g} s; a smaller batch, fewer samples or fewer units help"
        raise ExperimentError(
            [f"hidden: a step or an evaluation of this takes about {seconds:,.0f} s; allowed: {allowed}."]
        )


def with_device_info(command: Command) -> Command:
    """A command about a GPU with what this process knows of it, so that no worker has to try it: all its runs would
    wait for as long."""
    match command:
        case Open(experiment) | Change(experiment) | Repeat(experiment) if experiment.device != "cpu":
            return replace(command, devices=tuple(known_devices()))
        case Resume(state) if state.experiment.device != "cpu":
            return replace(command, devices=tuple(known_devices()))
    return command
