"""The search for devices on simulated machines: a fake `cupy` is on the path of the trial's process."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from engine import backend
from engine.cards import LIBRARY_OF_TRIAL

HEALTHY = """
import numpy as np

class _Array(np.ndarray):
    pass

def arange(n, dtype): {kernel}
def dot(a, b): {product}

class random:
    class RandomState:
        def __init__(self, seed): pass
        def random_sample(self, n): {random}

class _Error(RuntimeError):
    def __init__(self, status, text):
        super().__init__(text)
        self.status = status

class cuda:
    class Device:
        def __init__(self, number): pass
        def __enter__(self): return self
        def __exit__(self, *_): return False
    class nvrtc:
        def getVersion(): return ({nvrtc}, 9)
    class runtime:
        def runtimeGetVersion(): return 12090
        def getDeviceCount(): {count}
        def getDeviceProperties(number): return {{"name": b"Pretended Card"}}
        def memGetInfo(): return (1 << 30, 2 << 30)
"""
WORKS = {
    "kernel": "return np.arange(n, dtype=dtype)",
    "product": "return np.dot(a, b)",
    "random": "return np.zeros(n)",
    "nvrtc": "12",
    "count": "return 1",
}
NVRTC = "raise RuntimeError('Failure finding \"libnvrtc.so.13 or libnvrtc.so.12\"')"
CUBLAS = "raise ImportError('libcublas.so.12: cannot open shared object file: No such file or directory')"
LEFT = "_core/left_behind.so"
GONE = "raise ModuleNotFoundError(\"No module named 'cupy'\")"  # as if no file of it were left
CURAND = "raise ImportError('libcurand.so.10: cannot open shared object file: No such file or directory')"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """`machine(source, packages, driver)` -> the detected graphics cards."""

    def look(source=None, packages=("cupy-cuda12x",), driver=True, seconds=backend.TRIAL_TIMEOUT_S, folder="."):
        if source is not None:
            (tmp_path / "cupy").mkdir()
            (tmp_path / "cupy/__init__.py").write_text(source, encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / folder))
        monkeypatch.delenv(backend.DEVICES_VARIABLE, raising=False)
        monkeypatch.setattr(backend, "installed", lambda: list(packages))
        monkeypatch.setattr(backend, "driver", lambda: driver)
        monkeypatch.setattr(backend.sys, "platform", "linux")
        return backend.graphics_cards(seconds)

    return look


def pretended(**parts):
    return HEALTHY.format(**(WORKS | parts))


def test_a_working_card_is_usable_with_name_and_memory(machine):
    assert machine(pretended(count="return 2")) == [
        backend.Device("cuda:0", "GPU 0: Pretended Card", memory=2 << 30),
        backend.Device("cuda:1", "GPU 1: Pretended Card", memory=2 << 30),
    ]


@pytest.mark.parametrize(
    ("parts", "reason", "fix"),
    [
        ({"kernel": NVRTC}, "GPU found, NVRTC missing.", backend.INSTALL_COMMAND),
        ({"product": CUBLAS}, "GPU found, cuBLAS missing.", backend.INSTALL_COMMAND),
        ({"random": CURAND}, "GPU found, cuRAND missing.", backend.INSTALL_COMMAND),
        ({"product": CUBLAS, "nvrtc": "13"},
         "GPU found, cuBLAS missing: the CUDA libraries are of version 13, this CuPy is for 12.", "cupy-cuda13x"),
        ({"product": "return np.dot(a, b) + 1"}, "a sum of products is 159, not 155", "Update"),
        ({"kernel": "raise ValueError('an illegal address')"}, "(kernel): ValueError: an illegal address.", "Update"),
        ({"count": "raise _Error(35, 'cudaErrorInsufficientDriver')"}, "missing or too old", "driver 525 or newer"),
        ({"count": "raise _Error(100, 'cudaErrorNoDevice')"}, "it finds no GPU", "CUDA_VISIBLE_DEVICES"),
        ({"count": "raise _Error(999, 'unknown error')"}, "CuPy finds no GPU: _Error: unknown error.", ""),
        ({"count": "import os; os.abort()"}, "The trial of the GPU crashed (exit status -6).", "Update"),
    ],
)  # fmt: skip
def test_an_unusable_card_has_a_reason_and_a_fix(machine, parts, reason, fix):
    (card,) = machine(pretended(**parts))
    assert not card.usable
    assert reason in card.reason
    assert fix in card.fix


@pytest.mark.parametrize(
    ("left", "problem"),
    [
        ("__init__.py", "AttributeError: module 'cupy' has no attribute 'cuda'"),  # the folder, without its contents
        (LEFT, "AttributeError: module 'cupy' has no attribute 'cuda'"),  # an import finds a folder
        (None, "ModuleNotFoundError: No module named 'cupy'"),  # another CuPy package was removed with its files
    ],
)
def test_a_half_removed_package_is_reported_with_the_fix(machine, tmp_path, left, problem):
    if left == LEFT and importlib.util.find_spec("cupy"):
        pytest.skip("a whole CuPy further down the path would be imported instead")
    (tmp_path / "broken/cupy/_core").mkdir(parents=True)
    (tmp_path / "broken/cupy" / left).write_text("") if left else (tmp_path / "cupy.py").write_text(GONE)
    (card,) = machine(folder="broken" if left else ".")
    assert card.reason == f"CuPy is only partly installed: {problem}."
    assert card.fix == f"pip uninstall -y cupy-cuda12x && {backend.INSTALL_COMMAND}"


def test_a_trial_that_hangs_is_ended(machine):
    (card,) = machine("import time\ntime.sleep(600)", seconds=0.3)
    assert card.reason == "The GPU did not answer within 0.3 seconds."
    assert not backend._unkillable


def test_an_unkillable_trial_is_left_alone(machine, monkeypatch):
    kill = backend.subprocess.Popen.kill
    monkeypatch.setattr(backend.subprocess.Popen, "kill", lambda child: None)  # it hangs inside the driver
    monkeypatch.setattr(backend, "KILL_TIMEOUT_S", 0.01)
    monkeypatch.setattr(backend, "_unkillable", left := [])
    (card,) = machine("import time\ntime.sleep(600)", seconds=0.3)
    assert card.reason == "The GPU did not answer within 0.3 seconds."
    (child,) = left
    assert child.poll() is None
    kill(child)
    child.communicate()


def test_what_another_process_has_found_is_taken_over(monkeypatch):
    monkeypatch.setattr(backend, "_found", [])
    monkeypatch.setattr(backend, "graphics_cards", None)
    found = [backend.CPU, backend.Device("cuda:0", "A card", memory=5)]
    backend.adopt_devices([list(device) for device in found])
    assert backend.available_devices() == found


@pytest.mark.parametrize(
    ("name", "status", "full"),
    [("CUDARuntimeError", 2, True), ("CUBLASError", 3, True), ("CUDARuntimeError", 700, False), ("Other", 2, False)],
)
def test_every_library_error_for_full_memory_is_recognized(name, status, full):
    assert backend.is_out_of_memory(type(name, (RuntimeError,), {"status": status})()) == full


def test_the_named_requirements_file_holds_all_missing_libraries():
    text = (Path(backend.__file__).parents[1] / backend.INSTALL_COMMAND.split()[-1]).read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("cuda-toolkit[")]
    parts = line.partition("[")[2].partition("]")[0].split(",")
    assert {"nvrtc", "cublas", "curand"} == {library.lower() for library in LIBRARY_OF_TRIAL.values()}
    assert set(parts) == {
        "cudart",
        *(library.lower() for library in LIBRARY_OF_TRIAL.values()),
    }  # cudart: NVRTC's headers
    assert line.partition("]")[2].startswith("==12.")
    assert "-r requirements.txt" in text


@pytest.mark.parametrize(
    ("packages", "driver", "reason", "fix"),
    [
        ((), True, "CuPy is not installed on this machine (it needs an NVIDIA GPU).", backend.INSTALL_COMMAND),
        (("cupy-cuda12x",), False, backend.NO_DRIVER, "driver 525 or newer"),
        (("cupy-cuda12x", "cupy-cuda13x"), True,
         "Several CuPy packages overwrite each other: cupy-cuda12x, cupy-cuda13x.",
         f"pip uninstall -y cupy-cuda12x cupy-cuda13x && {backend.INSTALL_COMMAND}"),
    ],
)  # fmt: skip
def test_known_problems_start_no_process(machine, monkeypatch, packages, driver, reason, fix):
    monkeypatch.setattr(backend.subprocess, "Popen", None)
    (card,) = machine(packages=packages, driver=driver)
    assert card.reason == reason
    assert fix in card.fix


def test_the_graphics_card_can_be_switched_off(monkeypatch):
    monkeypatch.setenv(backend.DEVICES_VARIABLE, "cpu")
    (card,) = backend.graphics_cards()
    assert "switched off" in card.reason


def test_a_failing_search_gives_a_reason(machine, monkeypatch):
    def break_down(*_, **__):
        raise OSError("no more processes")

    monkeypatch.setattr(backend.subprocess, "Popen", break_down)
    (card,) = machine()
    assert card.reason == "Looking for a GPU failed: OSError: no more processes"


def test_devices_are_searched_for_once(monkeypatch):
    looks = []
    monkeypatch.setattr(backend, "_found", [])
    monkeypatch.setattr(backend, "graphics_cards", lambda: looks.append(1) or [backend.Device("cuda:0", "GPU")])
    cpu, card = backend.known_devices()
    assert cpu.usable
    assert not card.usable
    assert "Searching" in card.reason
    assert not looks
    assert backend.available_devices() == [backend.CPU, backend.Device("cuda:0", "GPU")]
    backend.available_devices().clear()
    assert backend.known_devices() == backend.available_devices() == [backend.CPU, backend.Device("cuda:0", "GPU")]
    assert len(looks) == 1


def test_installed_packages_are_found_by_name():
    assert set(backend.installed()) <= set(backend.PACKAGES)
    assert isinstance(backend.driver(), bool)
