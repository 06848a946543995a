"""The programs in examples/ run, and their output shows what they claim."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from lab.experiment.experiment import Experiment

EXAMPLES = sorted(file.stem for file in (Path(__file__).parent.parent / "examples").glob("*.py"))


@pytest.fixture
def output(request, capsys) -> str:
    """What an example prints."""
    runpy.run_module(f"examples.{request.param}", run_name="__main__")
    return capsys.readouterr().out


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"[\d.]+(?:e-?\d+)?", text)]


def test_every_example_has_a_test():
    text = Path(__file__).read_text(encoding="utf-8")
    assert EXAMPLES
    assert all(f'["{name}"], indirect' in text for name in EXAMPLES)


@pytest.mark.parametrize("output", ["xor"], indirect=True)
def test_the_engine_alone_learns_xor(output):
    assert [round(p) for p in numbers(output.partition("probabilities:")[2])] == [0, 1, 1, 0]


@pytest.mark.parametrize("output", ["experiment"], indirect=True)
def test_an_experiment_runs_to_its_stop_rule_and_prints_its_link(output):
    query = dict(pair.split("=") for pair in output.split("/?")[1].split("&"))
    experiment, refused = Experiment.from_query({name: text.strip() for name, text in query.items()})
    assert not refused
    assert experiment.epochs == 60
    assert f"{experiment.epochs} epochs" in output


@pytest.mark.parametrize("output", ["custom_layer"], indirect=True)
def test_a_custom_layer_passes_the_gradient_check_and_learns(output):
    error, accuracy = numbers(output)
    assert error < 1e-6
    assert accuracy > 0.8
