"""The Save page: saved models are loaded and trained further, and downloads hold the trained run."""

from __future__ import annotations

import csv
import io
import zipfile

import numpy as np
import pytest

from data.files import user_data
from data.files.table_report import read_for_training
from lab.experiment.experiment import Experiment
from lab.training import model_file
from lab.training.build import build
from lab.training.model_file import capture, to_bytes
from tests.browser.controls import own_controls, save_menus, saved
from tests.browser.playground import Playground, some

pytestmark = pytest.mark.browser

SMALL = Experiment(samples=60, hidden=(4,))
QUERY = "samples=60&hidden=4"
CONTROLS = {
    "Keep the run",
    *("Save the model", "Everything", "Weights only", "file upload"),
    *("Curves as CSV", "Curves as HTML", "Confusion matrix as CSV", "NumPy", "PyTorch", "Keras", "C"),
    *("Code and data as zip", "Trained network as ONNX", "Predict", "Delete the file", "Predictions as CSV"),
}
SCORES = ("epoch", "trainLoss", "testLoss")


def trained(experiment: Experiment, epochs: int):
    dataset, trainer = build(experiment)
    for _ in range(epochs):
        trainer.epoch()
    return dataset, trainer


@pytest.mark.everything
def test_downloads_hold_the_run_and_training_continues_from_a_saved_model(playground):
    playground.open(QUERY).step(1)
    saved = some(playground.step(2), *SCORES)
    playground.go("Save")
    content = playground.download("Save the model")
    assert model_file.from_bytes(content).experiment == SMALL
    check_downloads(playground)
    playground.go("Playground")
    playground.enter("Seed", 7)
    playground.linked(seed="7")
    playground.until("facts.epoch == 0")
    playground.go("Save")
    playground.upload("mine.safetensors", content)
    playground.reads("Loaded mine.safetensors.")
    playground.linked(seed=None, samples="60")
    playground.go("Playground")
    assert some(playground.until("facts.epoch == 2"), *SCORES) == saved
    playground.slide("Learning rate", "ArrowRight")
    playground.linked(learning_rate="0.1")
    trainer = trained(SMALL, 2)[1]
    trainer.set(learning_rate=0.1)
    trainer.epoch()
    assert float(playground.step(3)["trainLoss"]) == trainer.evaluate().train_loss


def test_unusable_models_change_nothing_and_weights_alone_are_loaded(playground):
    other = SMALL.change(optimizer="adam", seed=5)
    dataset, trainer = trained(other, 2)
    content = to_bytes(capture(other, dataset, trainer))
    before = some(playground.open(QUERY).step(1), *SCORES)
    playground.go("Save")
    playground.upload("evil.safetensors", content[:-20])
    alert = playground.page.get_by_role("alert").filter(has_text="Not accepted")
    alert.get_by_text("The file is cut off: its tensors need").wait_for()
    predict_with_a_model_whose_data_is_gone(playground)
    playground.go("Playground")
    playground.linked(dataset=None, samples="60")
    assert some(playground.facts, *SCORES) == before
    playground.go("Save")
    playground.page.get_by_role("radio", name="Weights only").locator("xpath=ancestor::label").click()
    playground.settle()
    playground.upload("<b>good</b>.safetensors", content)
    playground.reads("Loaded the weights of <b>good</b>.safetensors.")
    alert.wait_for(state="detached")
    playground.go("Playground")
    playground.linked(seed=None, optimizer=None, samples="60")
    facts = playground.until("facts.epoch == 0 && facts.status === 'idle'")
    fresh = build(SMALL).trainer
    fresh.network.parameters[:] = trainer.network.parameters
    fresh.parameters_changed()
    assert float(facts["trainLoss"]) == fresh.evaluate().train_loss


def predict_with_a_model_whose_data_is_gone(playground: Playground) -> None:
    with user_data.new_folder():
        text = "size;kind\n" + "".join(f"{i % 2 + i / 1000:.3f};{('<b>', '=c')[i % 2]}\n" for i in range(40))
        prepared, _ = read_for_training(text.replace(".", ",").encode(), "things.csv")
        gone = Experiment(dataset="table", own=user_data.save(prepared), hidden=(4,), optimizer="adam")
        content = to_bytes(capture(gone, *trained(gone, 60)))
    playground.upload("<i>gone</i>.safetensors", content)
    playground.reads(
        "Opened <i>gone</i>.safetensors for predictions only: the data that it was trained on is not here."
    )
    playground.reads("A CSV file with 1 column: size.")
    playground.upload("new.csv", b"size\n0,1\n1,1\n", box=1)
    playground.press("Predict")
    playground.reads("2 rows, predicted by the model")
    assert playground.download("Predictions as CSV").decode() == "Id,kind\n1,<b>\n2,'=c\n"
    playground.press("Close the model")
    playground.reads("A CSV file with 2 columns: x1, x2.")
    playground.button("Close the model").wait_for(state="detached")
    playground.button("Predictions as CSV").wait_for(state="detached")


def check_downloads(playground: Playground) -> None:
    """Each download of the page Save holds the run of two epochs."""
    trainer = trained(SMALL, 2)[1]
    lines = playground.download("Curves as CSV").decode().splitlines()
    assert lines[0] == "epoch,train_loss,test_loss,train_accuracy,test_accuracy"
    assert np.float32(lines[3].split(",")[2]) == np.float32(trainer.evaluate().test_loss)
    page = playground.download("Curves as HTML").decode()
    assert page.count("Plotly.newPlot") >= 2
    assert "src=" not in page.partition("Plotly.newPlot")[0][:300]
    table = list(csv.reader(io.StringIO(playground.download("Confusion matrix as CSV").decode())))
    assert sum(int(cell) for row in table[1:] for cell in row[1:]) == len(trainer.y_test)
    assert b"backprop_playground" in playground.download("Trained network as ONNX")
    with zipfile.ZipFile(io.BytesIO(playground.download("Code and data as zip"))) as archive:
        scripts = {"train_numpy.py", "train_pytorch.py", "train_keras.py", "train.c"}
        assert set(archive.namelist()) >= {*scripts, "data.npz", "data.bin"}
        assert Experiment.from_json(archive.read("experiment.json").decode()) == SMALL
        script = archive.read("train_numpy.py").decode()
    playground.page.locator(".st-key-curves .js-plotly-plot .main-svg").first.wait_for()
    assert len(save_menus(playground)) == 2
    assert "epoch" in saved(playground, "Training and test loss", "SVG")[1].decode()
    playground.page.get_by_text("Show me the code").click()
    code = playground.page.get_by_test_id("stCode").first
    code.get_by_text("import numpy as np").wait_for()
    assert "import numpy as np" in code.inner_text()
    assert "= np.float32, [2, 4, 1], [(tanh, tanh_back)]" in script
    words_of = {"PyTorch": "nn.Linear", "Keras": "import keras", "C": "int main", "NumPy": "np.load"}
    for language, words in words_of.items():
        playground.page.get_by_role("radio", name=language, exact=True).click()
        code.get_by_text(words).first.wait_for()


def test_predictions_are_downloaded_in_kaggle_format(playground):
    playground.open("dataset=digits&samples=100&hidden=4").step(1)
    playground.go("Save")
    dataset, trainer = trained(Experiment(dataset="digits", samples=100, hidden=(4,)), 1)
    pixels = np.rint(dataset.x_test * dataset.x_scale + dataset.x_mean).astype(int)
    header = ",".join(f"pixel{number}" for number in range(64))
    body = "\n".join(",".join(map(str, row)) for row in pixels)
    playground.upload("test.csv", f"{header[:-2]}\n{body}\n".encode(), box=1)
    playground.press("Predict")
    playground.reads("The file lacks pixel63; it needs 64 columns")
    playground.page.get_by_role("progressbar").wait_for(state="detached")
    playground.reads("Your uploads: 0.0 of 64 MB.")
    playground.upload("test.csv", f"{header}\n{body}\n".encode(), box=1)
    playground.page.get_by_text("The file lacks").wait_for(state="detached")
    playground.press("Predict")
    playground.reads("25 rows, predicted by the network after 1 epoch.")
    found = playground.download("Predictions as CSV").decode().splitlines()
    expected = trainer.objective.predict(trainer.network.forward(trainer.x_test))
    assert found == ["ImageId,Label", *(f"{number},{label}" for number, label in enumerate(expected, 1))]
    assert own_controls(playground) == CONTROLS
    playground.press("Delete the file")
    playground.button("Predictions as CSV").wait_for(state="detached")
    playground.button("Predict").wait_for(state="detached")
