"""The documentation names only files, folders, modules and links that exist."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from lab.experiment.recipes import RECIPES

ROOT = Path(__file__).resolve().parent.parent
FILES = (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "bench/README.md")
PAGES = sorted(file.relative_to(ROOT).as_posix() for file in FILES)
FOLDERS = ("bench", "data", "docs", "engine", "examples", "lab", "pages", "tests", "ui", ".ci", ".streamlit")
IN_FOLDER = rf"(?<![\w/.])(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./*-]*"
PATH = re.compile(rf"{IN_FOLDER}|(?<![\w/.-])[\w-]+\.(?:py|toml|txt|md)\b")
LINK = re.compile(r"\[[^]]*\]\(([^)#\s]+)[^)]*\)")
MODULE = re.compile(r"python -m ([a-z][\w.]*)")
RECIPE = re.compile(r"^### (Add .+)$", re.MULTILINE)


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def missing_paths(page: str, text: str) -> list[str]:
    """Paths in code spans and code blocks that exist neither in the repository nor next to the page."""
    spans = [*re.findall(r"```.*?```", text, re.DOTALL), *re.findall(r"`[^`\n]+`", text)]
    named = {path.rstrip("./") for span in spans for path in PATH.findall(span)}
    roots = (ROOT, (ROOT / page).parent)
    return sorted(path for path in named if not any(list(root.glob(path)) for root in roots))


def missing_links(page: str, text: str) -> list[str]:
    links = [link for link in LINK.findall(text) if "://" not in link]
    return [link for link in links if not ((ROOT / page).parent / link).exists()]


def missing_modules(text: str) -> list[str]:
    return [name for name in sorted(set(MODULE.findall(text))) if importlib.util.find_spec(name) is None]


@pytest.mark.parametrize("page", PAGES)
def test_every_path_named_in_the_documentation_exists(page):
    assert missing_paths(page, text_of(page)) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_to_a_file(page):
    assert missing_links(page, text_of(page)) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_module_named_in_a_command_exists(page):
    assert missing_modules(text_of(page)) == []


def test_every_recipe_names_its_files_and_its_test():
    text = text_of("CONTRIBUTING.md")
    recipes = dict(zip(RECIPE.findall(text), RECIPE.split(text)[2::2], strict=True))
    wanted = "activation, layer, data set, field of an experiment, page, live chart, query, exporter"
    assert [name.removeprefix("Add an ").removeprefix("Add a ") for name in recipes] == wanted.split(", ")
    for name, recipe in recipes.items():
        steps, checks = recipe.split("Checked by", 1)
        assert PATH.search(steps), name
        assert "tests/" in checks, name


def test_every_result_in_the_readme_names_its_command_and_machine():
    text = text_of("README.md")
    rows = [line for line in text.split("## Results")[1].split("\n## ")[0].splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 5
    assert all("`python -m bench " in row and re.search(r"AMD|Intel", row) for row in rows)


@pytest.mark.parametrize("page", ["README.md", "docs/measurements.md"])
def test_accuracies_of_mnist_are_those_of_the_recipes(page):
    for name in ("modern", "conv"):
        (row,) = [line for line in text_of(page).splitlines() if re.search(rf"\b{name}`", line)]
        assert RECIPES[name].reached in row


def test_a_missing_file_a_broken_link_and_a_missing_module_are_found():
    assert missing_paths("README.md", "`engine/nowhere.py` and `engine/`") == ["engine/nowhere.py"]
    assert missing_links("docs/gpu.md", "[a](../README.md) [b](nowhere.md)") == ["nowhere.md"]
    assert missing_modules("`python -m lab run`, `python -m nowhere`") == ["nowhere"]
