"""An estimate of the longest piece of work of a run that nothing can interrupt, made before it is built.

A step, an evaluation, a map or the making of the data is one piece; a worker that carries it out does nothing else.
"""

from __future__ import annotations

from math import prod

from engine.step.data import MAX_EVALUATED_SAMPLES
from lab.experiment.architecture import Architecture, architecture_of
from lab.experiment.experiment import Experiment

MULTIPLY_ADDS_PER_S = 2e10  # of a slow core in float32, in large matrices; new ones reach 1e11
UNIT = 200  # multiply-adds that take as long as the activation of one unit
NUMBER = 4000  # the same for one number of the data, when it is made
PARAMETER = 300  # the same for one parameter, when it is drawn
FORWARD_AND_BACKWARD = 3
MAP_POINTS = 10_000  # of the plane, in each frame


def seconds_of_training(e: Experiment) -> float:
    """Approximate seconds of the longest piece while the run trains and is watched."""
    samples = e.samples or e.source.samples
    one = per_sample(architecture_of(e))
    in_training = samples * e.train_share
    others = samples - in_training * (1 - e.validation_share)  # the test part and the validation part
    longest = max(
        FORWARD_AND_BACKWARD * min(e.batch_size or in_training, in_training),
        others + min(in_training, MAX_EVALUATED_SAMPLES),
        MAP_POINTS if e.source.plane else 0,
    )
    return one * longest * (2 if e.dtype == "float64" else 1) / MULTIPLY_ADDS_PER_S


def seconds_of_building(e: Experiment) -> float:
    """Approximate seconds to make the data and the network."""
    samples = e.samples or e.source.samples
    return (NUMBER * samples * e.inputs + PARAMETER * e.parameters) / MULTIPLY_ADDS_PER_S


def per_sample(architecture: Architecture) -> int:
    """Multiply-adds of a forward pass of one sample, with what activations cost."""
    total = 0
    for spec in (spec for layer in architecture.layers for spec in layer.walk()):
        if "W" in spec.parameters:
            height, width = (spec.output_shape[0], spec.output_shape[-1]) if spec.kind == "conv" else (1, 1)
            total += prod(spec.parameters["W"]) * height * width + UNIT * prod(spec.output_shape)
    return total
