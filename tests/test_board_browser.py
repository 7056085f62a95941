"""The leaderboard's page in Chromium: sorting, filters and commands, by mouse and keyboard."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_board import board, entry

from judges.board_page import html

CHROMIUM = "/usr/bin/chromium"
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
ARGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
HOSTILE = 'it\'s "<b>" $(rm -rf x)'

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no Chromium here"),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    value = board(
        entry("a", sums="1110" * 5, words="10", family="X", size="7B"),
        entry("b", sums="1000" * 5, words="11", parent="a", kind="quantised", family="X"),
        entry(HOSTILE, sums="10" * 10, family="Y"),
    )
    path = tmp_path_factory.mktemp("page") / "leaderboard.html"
    path.write_text(html(value), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        opened = browser.new_page()
        asked: list[str] = []
        errors: list[str] = []
        opened.on("request", lambda request: asked.append(request.url))
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.on("console", lambda said: errors.append(said.text))
        opened.goto(path.as_uri())
        yield opened
        assert asked == [path.as_uri()] and errors == []
        browser.close()


def models(page: Any) -> list[str]:
    rows = page.locator("#board tbody tr:visible")
    return [rows.nth(n).get_attribute("data-model") for n in range(rows.count())]


def test_columns_sort_by_keyboard_and_missing_ones_stay_last(page: Any) -> None:
    head = page.get_by_role("button", name="words", exact=True)
    head.focus()
    page.keyboard.press("Enter")
    assert models(page) == ["b", "a", HOSTILE]
    assert page.locator("th[data-task=words]").get_attribute("aria-sort") == "descending"
    page.keyboard.press("Enter")
    assert models(page) == ["a", "b", HOSTILE]
    assert page.locator("th[data-task=words]").get_attribute("aria-sort") == "ascending"


def test_filters_hide_rows_and_say_how_many_are_left(page: Any) -> None:
    page.locator("select[name=kind]").select_option("=quantised")
    assert models(page) == ["b"] and page.locator("#count").inner_text() == "1 of 3 shown"
    page.locator("select[name=kind]").select_option("")
    page.locator("select[name=family]").select_option("=X")
    page.locator("#filters input").fill("A")
    assert models(page) == ["a"]
    page.locator("#filters input").fill("")
    page.locator("select[name=family]").select_option("")
    assert len(models(page)) == 3


def test_a_figure_gives_the_command_behind_it(page: Any) -> None:
    row = page.locator('#board tr[data-model="a"]')
    row.locator("td").nth(3).click()
    said = page.locator("#said")
    assert said.inner_text() == (
        "benchwarrant export cell a sums --strategy direct --out cell.jsonl"
    )
    row.locator("td").nth(3).hover()
    assert row.locator("td").nth(3).get_attribute("title") == said.inner_text()


def test_a_hostile_name_is_quoted_for_the_shell(page: Any) -> None:
    import shlex

    page.locator("button.model", has_text="it's").focus()
    page.keyboard.press("Enter")
    lines = page.locator("#said").inner_text().splitlines()
    assert [shlex.split(line)[3:5] for line in lines] == [[HOSTILE, "sums"], [HOSTILE, "words"]]


def test_the_page_has_no_fault_that_axe_finds(page: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:100]) for one in found] == []
