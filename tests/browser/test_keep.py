"""The page Save: a saved model can be loaded and trained on, and every download is complete."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lab.experiment.experiment import Experiment
from lab.training import model_file
from lab.training.build import build
from lab.training.model_file import capture, to_bytes
from tests.browser.playground import Playground, some

pytestmark = pytest.mark.browser

SMALL = Experiment(samples=60, hidden=(4,))
QUERY = "samples=60&hidden=4"
SCORES = ("epoch", "trainLoss", "testLoss")


def keep(playground: Playground) -> Playground:
    playground.go("Save")
    playground.page.get_by_role("heading", name="Save", exact=True).wait_for()
    playground.settle()
    return playground


def back(playground: Playground) -> Playground:
    playground.go("Playground")
    playground.until("facts.frame > 0")
    playground.settle()
    return playground


def download(playground: Playground, button: str) -> bytes:
    with playground.page.expect_download() as caught:
        playground.press(button)
    return Path(caught.value.path()).read_bytes()


def upload(playground: Playground, box: int, name: str, content: bytes) -> None:
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    playground.page.locator("input[type=file]").nth(box).set_input_files(file)


def reads(playground: Playground, text: str) -> None:
    """Wait until the page says so."""
    playground.page.get_by_test_id("stMain").get_by_text(text).first.wait_for()


def trained(experiment: Experiment, epochs: int):
    dataset, trainer = build(experiment)
    for _ in range(epochs):
        trainer.epoch()
    return dataset, trainer


def test_a_saved_model_is_loaded_over_another_and_trained_on(playground):
    playground.open(QUERY).step(1)
    saved = some(playground.step(2), *SCORES)
    content = download(keep(playground), "Save the model")
    assert model_file.from_bytes(content).experiment == SMALL
    back(playground)
    playground.enter("Seed", 7)
    playground.linked(seed="7")
    playground.until("facts.epoch == 0")
    upload(keep(playground), 0, "mine.safetensors", content)
    reads(playground, "Loaded mine.safetensors.")
    playground.linked(seed=None, samples="60")
    back(playground)
    assert some(playground.until("facts.epoch == 2"), *SCORES) == saved
    playground.slide("Learning rate", "ArrowRight")
    playground.linked(learning_rate="0.1")
    trainer = trained(SMALL, 2)[1]
    trainer.set(learning_rate=0.1)
    trainer.epoch()
    assert float(playground.step(3)["trainLoss"]) == trainer.evaluate().train_loss


def test_a_file_that_does_not_fit_is_rejected_and_weights_alone_are_loaded(playground):
    other = SMALL.change(optimizer="adam", seed=5)
    dataset, trainer = trained(other, 2)
    content = to_bytes(capture(other, dataset, trainer))
    before = some(playground.open(QUERY).step(1), *SCORES)
    upload(keep(playground), 0, "evil.safetensors", content[:-20])
    alert = playground.page.get_by_role("alert").filter(has_text="Not accepted")
    alert.get_by_text("The file is cut off: its tensors need").wait_for()
    assert some(back(playground).facts, *SCORES) == before
    keep(playground).page.get_by_role("radio", name="Weights only").locator("xpath=ancestor::label").click()
    playground.settle()
    upload(playground, 0, "<b>good</b>.safetensors", content)
    reads(playground, "Loaded the weights of <b>good</b>.safetensors.")
    alert.wait_for(state="detached")
    back(playground).linked(seed=None, optimizer=None, samples="60")
    facts = playground.until("facts.epoch == 0 && facts.status === 'idle'")
    fresh = build(SMALL).trainer
    fresh.network.parameters[:] = trainer.network.parameters
    fresh.changed()
    assert float(facts["trainLoss"]) == fresh.evaluate().train_loss


def test_every_download_is_complete(playground):
    playground.open(QUERY).step(1)
    keep(playground)
    trainer = trained(SMALL, 1)[1]
    lines = download(playground, "Curves as CSV").decode().splitlines()
    assert lines[0] == "epoch,train_loss,test_loss,train_accuracy,test_accuracy"
    assert np.float32(lines[2].split(",")[2]) == np.float32(trainer.evaluate().test_loss)
    page = download(playground, "Curves as HTML").decode()
    assert page.count("Plotly.newPlot") >= 2
    assert "src=" not in page.partition("Plotly.newPlot")[0][:300]
    table = list(csv.reader(io.StringIO(download(playground, "Confusion matrix as CSV").decode())))
    assert sum(int(cell) for row in table[1:] for cell in row[1:]) == len(trainer.y_test)
    assert b"backprop_playground" in download(playground, "Trained network as ONNX")
    with zipfile.ZipFile(io.BytesIO(download(playground, "Code and data as zip"))) as archive:
        assert set(archive.namelist()) >= {"train_numpy.py", "train_pytorch.py", "train_keras.py", "data.npz"}
        assert Experiment.from_json(archive.read("experiment.json").decode()) == SMALL
        script = archive.read("train_numpy.py").decode()
    code = playground.page.get_by_test_id("stCode").first
    assert "import numpy as np" in code.inner_text()
    assert "= np.float32, [2, 4, 1], [(tanh, tanh_back)]" in script
    playground.page.get_by_role("radio", name="PyTorch").click()
    code.get_by_text("nn.Linear").first.wait_for()


def test_a_file_of_examples_is_predicted_in_kaggles_format(playground):
    playground.open("dataset=digits&samples=100&hidden=4").step(1)
    keep(playground)
    dataset, trainer = trained(Experiment(dataset="digits", samples=100, hidden=(4,)), 1)
    pixels = np.rint(dataset.x_test * dataset.x_scale + dataset.x_mean).astype(int)
    header = ",".join(f"pixel{number}" for number in range(64))
    body = "\n".join(",".join(map(str, row)) for row in pixels)
    upload(playground, 1, "test.csv", f"{header[:-2]}\n{body}\n".encode())
    playground.press("Predict")
    reads(playground, "The file lacks pixel63; it needs 64 columns")
    reads(playground, "Your uploads: 0.0 of 64 MB.")
    upload(playground, 1, "test.csv", f"{header}\n{body}\n".encode())
    playground.page.get_by_text("The file lacks").wait_for(state="detached")
    playground.press("Predict")
    reads(playground, "25 rows, predicted by the network after 1 epochs.")
    found = download(playground, "Predictions as CSV").decode().splitlines()
    expected = trainer.objective.predict(trainer.network.forward(trainer.x_test))
    assert found == ["ImageId,Label", *(f"{number},{label}" for number, label in enumerate(expected, 1))]
    playground.press("Delete the file")
    playground.button("Predictions as CSV").wait_for(state="detached")
    playground.button("Predict").wait_for(state="detached")
