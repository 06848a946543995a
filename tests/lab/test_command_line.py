"""The command line: input, output and refusals."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.formulas.metrics import Scores
from lab.__main__ import main, read, show_progress
from lab.experiment.experiment import Experiment, ExperimentError
from lab.training import headless, model_file
from lab.training.build import build

KEYS = ["epochs", "train_loss", "test_loss", "train_accuracy", "test_accuracy", "validation_loss",
        "validation_accuracy", "seconds", "steps", "parameters", "device", "stopped", "train_samples",
        "train_evaluated"]  # fmt: skip
SMALL = Experiment(dataset="xor", samples=40, hidden=(5,), noise=0.1, epochs=3)
DIGITS = Experiment(dataset="digits", hidden=(32,), activations="relu", optimizer="adam", learning_rate=0.003,
                    batch_size=32, epochs=40)  # fmt: skip


@pytest.fixture
def lab(capsys):
    """Runs the command line in this process: (exit code, stdout, stderr)."""

    def lab(*words):
        code = main(["run", *map(str, words)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return lab


def result_of(answer):
    """The JSON object of a successful run, without its duration."""
    code, out, err = answer
    assert (code, err) == (0, "")
    (line,) = out.splitlines()
    found = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert found.pop("seconds") >= 0
    return found


def link(experiment):
    return "&".join(f"{name}={value}" for name, value in experiment.to_query().items())


SOURCES = {
    "file": lambda folder: _file(folder / "a b=c.json", SMALL.to_json().encode()),
    "file with a mark": lambda folder: _file(folder / "bom.json", b"\xef\xbb\xbf" + SMALL.to_json().encode()),
    "text": lambda folder: " " + SMALL.to_json(),
    "link": lambda folder: f"http://localhost:8501/playground?{link(SMALL)}&speed=max&show_test=false",
    "query": lambda folder: link(SMALL),
    "query with a question mark": lambda folder: "?" + link(SMALL),
}


def _file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("source", SOURCES)
def test_an_experiment_is_read_from(source, tmp_path, lab):
    words = SOURCES[source](tmp_path)
    assert read(str(words)) == SMALL
    found = result_of(lab(words, "--json"))
    assert list(found) == [key for key in KEYS if key != "seconds"]
    assert (found["epochs"], found["steps"], found["parameters"]) == (3, 9, SMALL.parameters)
    assert (found["device"], found["stopped"]) == ("cpu", "Stopped after 3 epochs.")


def test_a_long_link_is_no_file_name():
    names = ("leaky_relu",) * 7 + ("relu",)
    long = Experiment(dataset="digits", hidden=(8,) * 8, activations=names, learning_rate=1 / 3, l1=1 / 7, l2=1 / 9,
                      dropout=1 / 11, max_norm=1 / 13, clip_norm=1 / 17, optimizer="adamw")  # fmt: skip
    assert len(link(long)) > 255
    assert read("http://localhost:8501/?" + link(long)) == long


def test_a_link_without_hidden_layers_has_none():
    assert read("http://localhost/?hidden=&seed=3") == Experiment(hidden=(), seed=3)


def test_numbers_are_those_of_the_same_experiment_elsewhere(lab):
    trainer = build(SMALL).trainer
    for _ in range(3):
        trainer.epoch()
    found, scores = result_of(lab(SMALL.to_json(), "--json")), trainer.evaluate()
    assert [found[key] for key in ("train_loss", "test_loss", "train_accuracy", "test_accuracy")] == list(scores[:4])
    assert found["validation_loss"] is found["validation_accuracy"] is None


def test_the_validation_part_has_numbers_of_its_own(lab):
    e = SMALL.change(validation_share=0.2)
    found, (dataset, trainer) = result_of(lab(e.to_json(), "--json")), build(e)
    trainer.run_for(60)
    predicted = trainer.objective.predict(trainer.network.forward(dataset.x_validation))
    assert found["validation_accuracy"] == np.mean(predicted == dataset.y_validation)
    assert found["validation_loss"] == trainer.evaluate().validation_loss


def test_regression_has_r2_instead_of_accuracy(lab):
    found = result_of(lab("dataset=plane&samples=40&epochs=2", "--json"))
    assert found["train_r2"] <= 1
    assert found["test_r2"] <= 1
    assert not {"train_accuracy", "test_accuracy"} & found.keys()


def test_errors_of_a_regression_are_in_the_unit_of_the_target(lab):
    words = Experiment(dataset="diabetes", hidden=(4,), epochs=2, loss="mse").to_json(), "--json", "--report"
    found = result_of(lab(*words))
    report, scale = found["report"]["metrics"], found["target_scale"]
    assert 50 < scale < 100  # the disease progression has a standard deviation of 77
    assert found["test_rmse"] == pytest.approx(scale * found["test_loss"] ** 0.5, rel=1e-5)
    assert (report["rmse"], report["mae"], report["r2"]) == (found["test_rmse"], found["test_mae"], found["test_r2"])
    assert scale / 4 < found["test_mae"] < found["test_rmse"]


def test_constant_test_targets_have_no_r2_in_json(lab, tmp_path):
    rows = "\n".join(f"{i * 37 % 101},{5.3 if i == 1 else 0.1}" for i in range(200))
    (tmp_path / "t.csv").write_text("x,y\n" + rows + "\n", encoding="utf-8")
    words = "epochs=2&train_share=0.5", "--table", tmp_path / "t.csv", "--target", "y", "--json", "--report"
    found = [result_of(lab(f"seed={seed}&{words[0]}", *words[1:])) for seed in range(6)]
    constant = [each for each in found if each["test_r2"] is None]
    assert constant  # the one other value is in the training part
    assert all(each["report"]["metrics"]["r2"] is None and each["test_rmse"] >= 0 for each in constant)
    assert all(each["test_r2"] is None or abs(each["test_r2"]) < 1e6 for each in found)


def test_a_large_training_part_is_evaluated_in_part(lab):
    found = result_of(lab("dataset=xor&samples=2500&train_share=0.9&epochs=1&hidden=2", "--json"))
    assert (found["train_samples"], found["train_evaluated"]) == (2250, 2000)


def test_digits_learn_and_the_same_command_prints_the_same():
    words = [sys.executable, "-W", "error", "-m", "lab", "run", DIGITS.to_json(), "--json"]
    runs = [subprocess.run(words, cwd=Path(__file__).parents[2], capture_output=True, text=True) for _ in range(2)]
    first, second = (result_of((done.returncode, done.stdout, done.stderr)) for done in runs)
    assert first == second
    assert first["test_accuracy"] >= 0.96
    assert first["parameters"] == 64 * 32 + 32 + 32 * 10 + 10


def test_options_come_before_what_the_experiment_says(lab):
    assert result_of(lab(SMALL.to_json(), "--json", "--epochs", 5))["epochs"] == 5
    narrow, wide = (result_of(lab(SMALL.to_json(), "--json", "--dtype", dtype)) for dtype in ("float32", "float64"))
    assert narrow["train_loss"] != wide["train_loss"]
    assert narrow["train_loss"] == pytest.approx(wide["train_loss"], rel=1e-4)


def test_without_a_stop_rule_it_stops_after_a_hundred_epochs(lab):
    assert result_of(lab("samples=40&hidden=2", "--json"))["stopped"] == "Stopped after 100 epochs."


def test_other_stop_rules_end_a_run_as_well(lab):
    target = result_of(lab("dataset=gauss&target_accuracy=0.8&validation_share=0", "--json"))
    assert target["stopped"].startswith("The training accuracy")
    patience = result_of(lab("samples=40&patience=2&learning_rate=1e-9&validation_share=0.3", "--json"))
    assert patience["stopped"].startswith("The validation loss has not improved")


@pytest.mark.parametrize(
    "source", ["patience=9&epochs=2", "target_accuracy=1&epochs=2", '{"patience": 9, "epochs": 2}']
)
def test_a_stop_rule_of_an_old_link_gets_a_validation_part(source, lab):
    code, out, err = lab(source, "--json")
    assert code == 0
    assert json.loads(out)["validation_loss"] > 0
    (sentence,) = err.splitlines()
    assert sentence.startswith("Stop rules no longer look at the test part: 20% of the training part was set aside")


def test_progress_names_the_parts_in_their_order(capsys):
    show_progress(7, Scores(1.0, 3.0, 0.1, 0.3, 2.0, 0.2))
    show_progress(8, Scores(1.0, 3.0, 0.1, float("nan")))
    first, second = capsys.readouterr().err.splitlines()
    assert first == "epoch      7  loss 1.0000 / 2.0000 / 3.0000  score 0.1000 / 0.2000 / 0.3000"
    assert second == "epoch      8  loss 1.0000 / 3.0000  score 0.1000 / nan"


def test_a_run_that_diverges_says_so_in_json_without_nan(lab):
    found = result_of(lab("dataset=plane&hidden=8,8&activations=relu&learning_rate=10", "--json"))
    assert found["stopped"].startswith("Diverged at step ")
    assert found["steps"] > 0


REFUSED = {
    "dataset=cirlce": "dataset: cirlce is not allowed; allowed: one of gauss, circle, xor,",
    '{"optimizer": "adamax"}': "optimizer: adamax is not allowed; allowed: one of sgd, momentum,",
    '{"optimiser": "adam"}': "optimiser is no field of an experiment; allowed: dataset, noise,",
    "http://localhost:8501/?activations=rely": "activations: rely is not allowed; allowed: one name",
    '{"seed": 1': "This is not JSON.",
    "nowhere.json": "nowhere.json cannot be read. Allowed: a JSON file, a link,",
    "digits": "digits cannot be read.",
    ".": ". cannot be read.",
    "http://[::1?seed=2": "cannot be read.",
    "device=cuda:9": "device: cuda:9 cannot be used here. There is no such device.",
    "seed=1&seed=x": "seed: x is not allowed; allowed: a whole number from 0 to 999,999.",
}


@pytest.mark.parametrize("source", REFUSED)
def test_what_cannot_be_run_is_refused_in_words(source, lab):
    code, out, err = lab(source, "--json")
    assert (code, out) == (2, "")
    assert REFUSED[source] in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [("--epochs", -1, "epochs: -1 is not allowed"), ("--dtype", "float16", "allowed: one of float32, float64"),
     ("--device", "gpu", "allowed: cpu or cuda:0"), ("--device", "cuda:8", "cannot be used here")],
)  # fmt: skip
def test_bad_options_are_refused_in_words(option, value, words, lab):
    code, out, err = lab(SMALL.to_json(), "--json", option, value)
    assert (code, out) == (2, "")
    assert words in err


@pytest.mark.parametrize("words", [[], ["fly"], ["run"], ["run", "{}", "--epochs", "many"], ["run", "{}", "--fast"]])
def test_other_words_are_refused_with_the_usage(words, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert capsys.readouterr().err.startswith("usage: python -m lab")


def test_bytes_that_are_no_text_are_refused(tmp_path):
    with pytest.raises(ExperimentError, match="cannot be read"):
        read(str(_file(tmp_path / "a.json", b"\xff\xfe\x00{")))


def test_a_saved_run_can_be_read_back_and_goes_on(tmp_path, lab):
    path = tmp_path / "run.safetensors"
    experiment = DIGITS.change(samples=100, dropout=0.1, epochs=2)
    found = result_of(lab(experiment.to_json(), "--json", "--save", path))
    model = model_file.from_bytes(path.read_bytes())
    again = model.experiment
    assert again == experiment
    trainer, straight = build(again).trainer, build(again).trainer
    model_file.restore(trainer, model)
    assert (trainer.epochs, trainer.evaluate().test_loss) == (2, found["test_loss"])
    for _ in range(2):
        straight.epoch()
    for each in (trainer, straight):
        each.epoch()
    np.testing.assert_array_equal(trainer.network.parameters, straight.network.parameters)


def test_a_file_that_cannot_be_written_is_said_in_words(tmp_path, lab):
    code, out, err = lab(SMALL.to_json(), "--json", "--save", tmp_path / "no" / "such.safetensors")
    assert (code, out) == (2, "")
    assert "cannot be written" in err


def test_progress_is_told_beside_the_result(lab, monkeypatch):
    times = iter(range(10_000))
    monkeypatch.setattr("lab.training.headless.time.perf_counter", lambda: next(times))
    code, out, err = lab(SMALL.to_json())
    assert code == 0
    assert json.loads(out)["epochs"] == 3
    assert err.splitlines()[0].startswith("epoch      1  loss ")


def test_a_target_that_is_never_reached_ends_all_the_same(monkeypatch):
    monkeypatch.setattr(headless, "MAX_EPOCHS", 3)
    experiment = Experiment(dataset="circle", hidden=(), samples=40, target_accuracy=1.0)
    result = pickle.loads(pickle.dumps(headless.run(experiment)))  # as another process gets it
    assert (result["epochs"], result["stopped"]) == (3, "Stopped after 3 epochs.")


def test_the_limit_of_the_command_line_restores_the_best_weights(monkeypatch):
    monkeypatch.setattr(headless, "MAX_EPOCHS", 12)
    experiment = Experiment(dataset="circle", samples=40, label_noise=0.5, patience=1000, validation_share=0.3, seed=2,
                            optimizer="adam", learning_rate=0.1)  # fmt: skip
    result, _, trainer = headless.train(experiment)
    best = int(trainer.history.values[4, 1:].argmin()) + 1
    assert best < result["epochs"] == 12
    assert result["stopped"] == f"Stopped after 12 epochs; the best weights, of epoch {best}, are restored."
    assert np.float32(result["validation_loss"]) == trainer.history.values[4, best]
