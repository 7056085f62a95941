"""The pages on a phone, wide and dark in a real browser, and that everybody can use them (axe)."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from browser import CHROMIUM, PHONE, axe, browser, button, door, now, page, serving, settle, study
from keyboard import (
    Table,
    annotation,
    names,
    next_turn,
    note,
    scrolls_sideways,
    shown,
    standing,
    toggled,
    turn,
)
from playwright.sync_api import Browser, Locator, Page, expect

from annotator import session
from annotator.session import Answer
from annotator.turns import Sight
from samples.store import Store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Chromium is not here: `make browser`"),
]
ANNOTATORS = ("ada", "ben", "cleo", "dan")
both = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    """Three people differ on every case and have flagged one; half of them want a fourth."""
    people = dict.fromkeys(ANNOTATORS, "annotator") | {"dora": "adjudicator", "lea": "lead"}
    made = study(tmp_path_factory.mktemp("layout"), cases=6, people=people, raters=4, overlap=0.5)
    annotation(made, 'reasons = {"cannot judge" = ["cut off", "no reference"]}')
    with Store(made.database) as store:
        desks = [session.sit_down(store, name, 7) for name in ANNOTATORS[1:]]
        for response in names(made):
            for desk, value in zip(desks, ("incorrect", "correct", "correct"), strict=True):
                said = Answer(value, note="why so", unsure=value == "incorrect", seconds=2.0)
                session.submit(store, desk, Sight(response), said, now())
        session.flag(store, desks[0], Sight(response), now())
    with serving(made) as server:
        yield Table(made, server)
    assert server.errors == ""


def test_a_phone_shows_all_without_sideways_scrolling(chromium: Browser, table: Table) -> None:
    with page(chromium, table.link("ada"), PHONE) as visit:
        at = _places(visit.page)
        assert at[0]["y"] + at[0]["height"] <= at[1]["y"]
        assert not scrolls_sideways(visit.page)
        for word in ("incorrect", "correct"):
            box = button(visit.page, word).bounding_box()
            assert box and box["x"] >= 0 and box["x"] + box["width"] <= PHONE[0]
            assert box["height"] >= 44 and box["y"] + box["height"] <= PHONE[1]
        for word in ("Skip", "Undo", "Help", "Sign out"):
            button(visit.page, word).scroll_into_view_if_needed()
            expect(button(visit.page, word)).to_be_in_viewport(ratio=0.9)
        assert not scrolls_sideways(visit.page)
        old, case = turn(visit.page), shown(visit.page)
        button(visit.page, "correct").tap()
        next_turn(visit.page, old)
        assert standing(table.study, "ada")[case].value == "correct"


def _places(page: Page) -> Sequence[dict[str, float]]:
    """Of the question's text and the answer's."""
    found = [
        page.get_by_text(start).last.bounding_box() for start in ("Question no.", "Answer no.")
    ]
    return [dict(box) for box in found if box]


def test_wide_the_question_stands_beside_the_answer(chromium: Browser, table: Table) -> None:
    with page(chromium, table.link("ada")) as visit:
        question, given = _places(visit.page)
        assert question["x"] + question["width"] <= given["x"]
        assert abs(question["y"] - given["y"]) < 25
        assert not scrolls_sideways(visit.page)


@both
def test_every_state_of_the_labelling_page_is_accessible(
    chromium: Browser, table: Table, dark: bool
) -> None:
    with page(chromium, table.link("ada"), dark=dark) as visit:
        ground = visit.page.locator(".stApp").evaluate("e => getComputedStyle(e).backgroundColor")
        light = sum(int(part) for part in ground.strip("rgb()").split(",")) / 3
        assert light < 60 if dark else light > 200
        assert axe(visit.page) == []
        if not dark:
            assert _tab_order(visit.page, 5) == [
                "Guidance",
                "incorrect",
                "correct",
                "Unsure",
                "Cannot",
            ]
        for key, word in (("h", "Help"), ("m", "Raw text"), ("d", "Unsure"), ("f", "Flag")):
            toggled(visit.page, key, word, on=word != "Flag" or not dark)
        note(visit.page, "a note")
        assert axe(visit.page) == []
        visit.page.keyboard.press("x")
        visit.page.get_by_text("cannot judge: why?").wait_for()
        settle(visit.page)
        assert axe(visit.page) == []


def _tab_order(page: Page, stops: int) -> list[str]:
    """What Tab reaches in the page after its main part, by the first word that is seen."""
    seen: list[str] = []
    words = r"document.activeElement.innerText.replace(/^keyboard_\w+/, '').trim().split(/\s/)[0]"
    while len(seen) < stops + 2:
        page.keyboard.press("Tab")
        seen.append(str(page.evaluate(words)))
    return seen[2:]  # the link that skips, and the main part itself, which scrolls


@both
def test_the_sign_in_page_is_accessible(chromium: Browser, table: Table, dark: bool) -> None:
    with page(chromium, table.server.url, dark=dark, ready=door) as visit:
        assert axe(visit.page) == []
        visit.page.get_by_label("Or paste your key").fill("wrong")
        visit.page.get_by_role("button", name="Sign in with the key").click()
        visit.page.get_by_text("opens nothing").wait_for()
        settle(visit.page)
        assert axe(visit.page) == []


def settled(page: Page) -> Locator:
    return page.get_by_text(re.compile(r"\d of \d settled"))


@both
def test_the_review_page_is_accessible(chromium: Browser, table: Table, dark: bool) -> None:
    with page(chromium, table.link("dora"), dark=dark, ready=settled) as visit:
        visit.page.get_by_text("History").click()
        visit.page.locator("table").nth(1).wait_for()
        assert axe(visit.page) == []
        visit.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        visit.page.wait_for_timeout(300)
        assert not scrolls_sideways(visit.page)
        assert axe(visit.page) == []
        number = 0
        while button(visit.page, "incorrect").is_visible():
            number += 1
            press(visit.page, "12"[number % 2], number)
        assert number >= 3
        assert visit.page.get_by_text("Nothing to settle").is_visible()
        assert axe(visit.page) == []
        for left in reversed(range(number)):  # as it was
            press(visit.page, "u", left)


def press(page: Page, key: str, number: int) -> None:
    """A key of the review page, after which so many cases are settled."""
    page.keyboard.press(key)
    page.get_by_text(f"{number} of").wait_for()
    settle(page)


@both
def test_the_team_page_is_accessible(chromium: Browser, table: Table, dark: bool) -> None:
    with page(chromium, table.link("lea"), dark=dark) as visit:
        assert axe(visit.page) == []  # a lead's labelling page has the pages' names above
        visit.page.get_by_role("link", name="Team").click()
        visit.page.get_by_text("Guidance (Markdown)").wait_for()
        settle(visit.page)
        for title in visit.page.locator("summary").all():
            title.click()
        visit.page.locator("summary").last.wait_for()
        assert axe(visit.page) == []
        assert not scrolls_sideways(visit.page)
        visit.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        visit.page.wait_for_timeout(300)
        assert not scrolls_sideways(visit.page)
        # A table that scrolls has the focus at the Tab key in Chromium and Firefox of themselves.
        assert [x for x in axe(visit.page) if "scrollable-region-focusable" not in x] == []
