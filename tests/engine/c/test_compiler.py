"""The compiler, its cache of programs, and what the programs may do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from engine.blas import product_address
from engine.c import compiler, language
from engine.c.executor import CompiledExecutor
from engine.c.runtime import load_program

TEXT = "int answer(void) { return 42; }\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "backprop-playground/compiled"


@pytest.fixture
def child(monkeypatch):
    """The commands that were started."""
    commands, run = [], subprocess.run

    def counted(command, **options):
        commands.append(command)
        return run(command, **options)

    monkeypatch.setattr(compiler.subprocess, "run", counted)
    return commands


def test_a_program_is_compiled_once(c, folder, child):
    assert compiler.library(TEXT).answer() == 42
    assert compiler.library(TEXT).answer() == 42
    assert len(child) == 1
    assert compiler.library(TEXT.replace("42", "43")).answer() == 43


@pytest.mark.parametrize("harm", ["writable by others", "a link"])
def test_a_file_that_others_could_have_written_is_replaced(harm, c, folder, child, tmp_path):
    assert compiler.library(TEXT).answer() == 42
    (file,) = [file for file in folder.iterdir() if file.is_file()]
    file.unlink()
    if harm == "a link":
        file.symlink_to(tmp_path / "elsewhere")
    else:
        file.write_bytes(b"not a library")
        file.chmod(0o777)
    assert compiler.library(TEXT).answer() == 42
    assert not file.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o700
    assert len(child) == 2


def test_a_folder_that_others_may_write_to_is_not_used(folder, monkeypatch):
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    used = compiler.cache_folder()
    assert used != folder
    assert used.stat().st_mode & 0o077 == 0


def test_a_failing_compiler_is_reported_in_a_sentence(c, folder):
    with pytest.raises(compiler.NoCompiler, match=r"failed with exit status 1\.$"):
        compiler.library("this is not C")


def test_a_machine_without_a_compiler_says_what_to_install(monkeypatch):
    monkeypatch.setattr(compiler.shutil, "which", lambda name: None)
    compiler._search.cache_clear()
    try:
        with pytest.raises(compiler.NoCompiler, match="There is no C compiler"):
            compiler.compiler()
    finally:
        compiler._search.cache_clear()


@pytest.mark.parametrize("limits", [{"MAX_FILES": 2}, {"MAX_MB": 0.02}])
def test_programs_not_used_for_the_longest_time_are_deleted(limits, c, folder, child, monkeypatch):
    for name, limit in limits.items():
        monkeypatch.setattr(compiler, name, limit)
    for number in (1, 2, 1, 3, 1):
        compiler.library(TEXT.replace("42", str(number)))
    assert len(list(folder.iterdir())) == 2
    assert len(child) == 3


def test_what_a_killed_process_left_behind_is_deleted(c, folder):
    (folder / "unfinished").mkdir(parents=True)
    folder.chmod(0o700)
    compiler.library(TEXT)
    assert [path.is_file() for path in folder.iterdir()] == [True]


def test_processes_that_want_the_same_program_compile_it_once(c, folder, child):
    compiler.library(TEXT)
    (file,) = folder.iterdir()
    other, started = file.rename(folder.parent / "made"), len(child)
    with compiler._turn(folder):  # of another process
        asking = threading.Thread(target=compiler.library, args=(TEXT,))
        asking.start()
        other.rename(file)
    asking.join()
    assert len(child) == started


def test_a_class_that_opens_one_link_compiles_it_once(c, folder, child, build_trainer):
    trainers = [build_trainer(executor=CompiledExecutor, batch_size=size) for size in (9, 9, 12, 20)]
    for trainer in trainers:
        trainer.prepare()
    for trainer in trainers:
        trainer.step()
    assert {trainer.executor.way for trainer in trainers} == {"compiled"}
    assert len(child) == 2  # what all programs share, and the one of these networks


def test_a_full_disk_is_reported_in_a_sentence(c, folder, monkeypatch):
    monkeypatch.setattr(compiler, "MIN_FREE_MB", 1e12)
    with pytest.raises(compiler.NoCompiler, match=r"^There is no space left for compiled programs\.$"):
        compiler.library(TEXT)


def test_a_folder_that_cannot_be_made_is_replaced_by_a_temporary_one(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert compiler.cache_folder().is_dir()


FUNCTIONS = {"exp": np.exp, "log": np.log, "log1p": np.log1p, "tanh": np.tanh}


@pytest.mark.parametrize("optimization", ["-O2"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_as_exact_as_those_of_numpy(name, dtype, c):
    each = f"for (int64_t i = 0; i < n; i++) y[i] = {name}(x[i]);"
    loop = f"void all(const real *x, real *y, int64_t n) {{\n{language.SIMD}\n{each} }}"
    library = compiler.library(language.definitions(np.dtype(dtype)) + loop)
    x = np.concatenate([np.random.default_rng(0).normal(0, size, 2000) for size in (1e-6, 0.1, 1, 10, 60)])
    x = np.concatenate([abs(x) if name.startswith("log") else x, [0, np.inf, -np.inf, np.nan, -800, 800]]).astype(dtype)
    y = np.empty_like(x)
    library.all.argtypes = [compiler.ctypes.c_void_p] * 2 + [compiler.ctypes.c_int64]
    library.all(x.ctypes.data, y.ctypes.data, len(x))
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(y, FUNCTIONS[name](x), rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny)


PRODUCT = """
void attempt(int M, int N, int K, const real *A, int am, int ak, const real *B, int bk, int bn, const real *row,
             real *C) {
  multiply(M, N, K, A, am, ak, B, bk, bn, row, C);
}
"""


def product_of(dtype, is_clang=False):
    """a, b, row or None -> a @ b + row, as a program multiplies; and the runtime that it uses."""
    definitions = language.definitions(dtype)
    if is_clang:
        assert "#ifdef __clang__" in definitions
        definitions = definitions.replace("#ifdef __clang__", "#if 1")
    program, runtime, _ = load_program(definitions + PRODUCT, dtype)
    address, count = compiler.ctypes.c_void_p, compiler.ctypes.c_int
    program.attempt.argtypes = [*[count] * 3, address, count, count, address, count, count, address, address]

    def multiply(a, b, row):
        found = np.full((len(a), b.shape[1]), np.nan, dtype)
        steps = [[step // a.itemsize for step in array.strides] for array in (a, b)]
        program.attempt(*found.shape, a.shape[1], a.ctypes.data, *steps[0], b.ctypes.data, *steps[1],
                        None if row is None else row.ctypes.data, found.ctypes.data)  # fmt: skip
        return found

    return multiply, runtime


@pytest.mark.parametrize("is_clang", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_of_all_shapes_are_those_of_numpy(dtype, is_clang, c):
    multiply, _ = product_of(np.dtype(dtype), is_clang)
    rng = np.random.default_rng(0)
    tolerance = {"rtol": 1e-4, "atol": 1e-3} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-12}
    usual = product((1, 2, 4, 5, 9, 70), (1, 2, 3, 8, 9, 17, 128), (1, 2, 4, 7, 8, 33))
    for rows, columns, depth in (*usual, *product((1, 2), (1, 3), (9000,))):
        a, b = rng.normal(size=(rows, depth)).astype(dtype), rng.normal(size=(depth, columns)).astype(dtype)
        for left, right in product((a, a.T.copy().T), (b, b.T.copy().T)):
            for row in (None, rng.normal(size=columns).astype(dtype)):
                np.testing.assert_allclose(multiply(left, right, row), a @ b + (0 if row is None else row), **tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("rows", "columns", "depth"), [(64, 128, 784), (784, 100, 64), (130, 512, 33), (1, 70, 900), (67, 128, 531)]
)
def test_a_product_with_few_terms_needs_no_others(dtype, rows, columns, depth, c, request):
    multiply, runtime = product_of(np.dtype(dtype))
    runtime.use_blas(0)  # dense products would crash
    request.addfinalizer(lambda: runtime.use_blas(product_address(np.dtype(dtype))))
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(rows, depth)).astype(dtype)
    few = np.where(rng.random(dense.shape) < 0.2, dense, 0).astype(dtype)
    few[0], few[:, 1] = 0, 0
    b = rng.normal(size=(depth, columns)).astype(dtype)
    b[1] = np.nan  # what is multiplied by zeros alone
    for row in (None, rng.normal(size=columns).astype(dtype)):
        for a in (few, np.asfortranarray(few)):
            found = multiply(a, b, row)
            wanted = few @ np.nan_to_num(b) + (0 if row is None else row)
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4 if dtype == np.float32 else 1e-12)


def test_a_program_consists_of_plain_words_and_numbers(c, build_trainer):
    trainer = build_trainer("dropout", executor=CompiledExecutor, l2=0.1)
    trainer.step()
    text = trainer.executor._program.text.replace(language.definitions(trainer.network.dtype), "")
    text = re.sub(r'_Pragma\("omp simd( reduction\(\+ : sum\))?"\)', "", text)
    assert set(re.findall(r"[^\w\s]", text)) <= set("(){}[]<>=+-*/%!?:;,.&|")


SANITIZED = """
import os
del os.environ["LD_PRELOAD"]  # for the compiler
from engine.c import compiler
compiler.TIMEOUT_S = 100
compiler.FLAGS = (*compiler.FLAGS, "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")
compiler.LIBRARY = tuple(flag for flag in compiler.LIBRARY if flag != "-nostdlib")
from lab.experiment.experiment import Experiment
from lab.training.build import build
CASES = (
    {}, {"dropout": 0.3, "batch_norm": True, "residual": True, "batch_size": 7, "dtype": "float64"},
    {"dataset": "iris", "batch_size": 1, "l1": 0.01, "max_norm": 1.0, "clip_norm": 0.1, "optimizer": "adamw"},
    {"dataset": "digits", "hidden": (128, 64), "samples": 200, "batch_size": 64, "dropout": 0.8},
    {"dataset": "digits", "hidden": (512, 128), "samples": 100, "batch_size": 64, "dropout": 0.8},
    {"dataset": "digits", "conv": (5,), "hidden": (8,), "samples": 101, "batch_size": 10, "batch_norm": True},
    {"dataset": "digits", "conv": (3,), "hidden": (), "samples": 60, "batch_size": 1, "dtype": "float64"},
)
for fields in CASES:
    trainer = build(Experiment(**fields)).trainer
    trainer.run_for(60, epochs=2)
    assert trainer.executor.way == "compiled", trainer.executor.reason
print("clean")
"""


def test_sanitizers_find_nothing(c, folder, tmp_path):
    command = compiler.compiler().command[0]
    found = subprocess.run([command, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    if not os.path.isabs(library := found.stdout.strip()):
        pytest.skip("the compiler has no address sanitizer")
    environment = os.environ | {
        "LD_PRELOAD": library, "ASAN_OPTIONS": "detect_leaks=0", compiler.SWITCH_VARIABLE: "on",
        "XDG_CACHE_HOME": str(tmp_path),
    }  # fmt: skip
    result = subprocess.run([sys.executable, "-c", SANITIZED], env=environment, capture_output=True, text=True,
                            cwd=Path(__file__).parents[3])  # fmt: skip
    assert result.stdout == "clean\n", result.stderr[-4000:]
