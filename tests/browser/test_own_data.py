"""Own data on the page: a messy file, read as a person wants it, that stays where that person goes."""

from __future__ import annotations

import pytest

from tests.browser.test_data import show_section, train, unfold_reading

pytestmark = pytest.mark.browser

MESSY = ("Export of the garden;;\n\nlength; colour ;species;grown\ncm;;;%\n"
         + "".join(f"1.{i % 3}{i % 7}{i % 5};{('red', 'green')[i % 2]};{('lily', 'rose', 'iris')[i % 3]};{i % 9} %\n"
                   for i in range(90)))  # fmt: skip


def check_section(page) -> None:
    """The section Your table is as it was left."""
    page.page.get_by_role("radio", name="Your table", exact=True, checked=True).wait_for()
    page.reads("90 rows and 4 columns, separated by semicolons")
    page.button("Remove garden.csv").wait_for()
    assert page.page.get_by_role("combobox", name="Target column").input_value() == "species"
    assert page.page.get_by_role("button", name="Remove grown").count() == 0  # not among the inputs


def test_own_data_stays_where_its_visitor_goes(playground):
    visitor = show_section(playground.open_page("Data"), "Your table")
    visitor.upload("garden.csv", MESSY.encode("cp1252"))
    visitor.reads("90 rows and 4 columns")
    unfold_reading(visitor)
    visitor.choose("Thousands mark", "none")
    visitor.page.get_by_text("The point marks thousands").wait_for(state="detached")
    visitor.choose("Target column", "species")
    visitor.page.get_by_role("combobox", name="Input columns").press("Backspace")
    visitor.page.get_by_role("button", name="Remove grown").wait_for(state="detached")
    visitor.settle()
    link = train(visitor)
    visitor.play()
    visitor.until("facts.epoch > 20")
    visitor.page.reload()
    visitor.until("facts.epoch > 20 && facts.status === 'running'", 60)  # the same run
    visitor.settle()
    visitor.slide("Learning rate", "End")
    visitor.linked(own=link["own"], dataset="table", learning_rate="10")
    assert visitor.page.get_by_role("combobox", name="Data set").input_value() == "Your table: garden.csv"
    visitor.go("Data")
    check_section(visitor)
    visitor.page.reload()
    check_section(visitor)
    first = visitor.page
    visitor.page = visitor.context.new_page()
    visitor.page.goto(f"{visitor.url}data")
    check_section(visitor)
    unfold_reading(visitor)
    assert visitor.page.get_by_role("combobox", name="Thousands mark").input_value() == "none"
    visitor.page.close()
    visitor.page = first


def test_a_link_to_data_that_is_gone_says_so(playground):
    playground.page.goto(f"{playground.url}?dataset=table&own={'a' * 32}&seed=5")
    playground.reads("Your table aaaaaaaa is not on this server.")
    assert playground.link == {"dataset": "table", "own": "a" * 32, "seed": "5"}
    assert playground.page.get_by_test_id("live").count() == 0
    playground.page.get_by_role("link", name="Upload the file again on the page Data").click()
    playground.page.get_by_text("Source of the examples").wait_for()
    playground.choose("Use another data set", "Spiral")
    playground.page.get_by_text("is not on this server").wait_for(state="detached")
    playground.go("Playground")
    playground.until("facts.frame > 0", 60)
    playground.linked(dataset="spiral", own=None, seed="5")
