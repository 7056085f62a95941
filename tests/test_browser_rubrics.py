"""Other rubrics in a real browser: four labels, keys of one's own, confidence, reasons, steps."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, axe, browser, button, page, serving, settle, study
from keyboard import Table, annotation, answer, shown, standing, toggled, turn
from playwright.sync_api import Browser, Page, expect
from small_audit import Answered

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Chromium is not here: `make browser`"),
]
LABELS = ("wrong", "partly", "mostly", "right")
OWN_KEYS = """keys = {wrong = "q", right = "p", skip = "w", note = "b"}
confidence = ["guess", "likely", "certain"]
reasons = {wrong = ["another number", "no number"]}"""
STEPS = """steps = true
reasons = {incorrect = ["a slip", "a wrong idea"]}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


def why(page: Page, words: str) -> None:
    page.get_by_text(words).wait_for()
    settle(page)


def test_keys_of_ones_own_levels_and_reasons(chromium: Browser, tmp_path: Path) -> None:
    made = study(tmp_path, cases=8, labels=LABELS, question="How far is it right?")
    annotation(made, OWN_KEYS)
    with serving(made) as server, page(chromium, Table(made, server).link("ada")) as visit:
        seen = visit.page
        hints = [button(seen, word).locator("kbd").inner_text() for word in LABELS]
        assert hints == ["Q", "2", "3", "P"]
        seen.keyboard.press("1")  # no key here: "wrong" has another one
        mostly, right = answer(seen, "3"), answer(seen, "p")
        skipped, partly = answer(seen, "w"), answer(seen, "2")
        wrong = shown(seen)
        for level in ("likely", "guess", "certain", "likely"):
            seen.keyboard.press("d")
            expect(button(seen, "Confidence")).to_contain_text(level)
            settle(seen)
        seen.keyboard.press("q")
        why(seen, "wrong: why?")
        assert axe(seen) == []
        assert not button(seen, "right").is_visible()
        seen.keyboard.press("2")
        why(seen, "Saved: wrong")
        turn(seen)
        while shown(seen) != skipped:
            answer(seen, "p")
        answer(seen, "3")
        expect(seen.get_by_text("Finished: nothing is left")).to_be_visible()
        assert visit.errors == [] and server.errors == ""
    now = standing(made, "ada")
    assert [now[case].value for case in (mostly, right, partly, wrong, skipped)] == [
        *("mostly", "right", "partly", "wrong", "mostly")
    ]
    assert now[wrong].meta == {"confidence": "likely", "reason": "no number"}
    assert now[right].meta == {"confidence": "certain"}
    assert not now[wrong].unsure


def solution(number: int) -> Answered:
    """Four steps; "Answer no." so that a case has its name."""
    said = "\n".join(
        f"Step {step}: Answer no. {number}.{{0}}, part {step}." for step in range(1, 5)
    )
    return Answered(f"Question no. {number}. How?", "so", (said.format(0), said.format(1)))


def test_the_first_wrong_step_by_its_key(chromium: Browser, tmp_path: Path) -> None:
    made = study(tmp_path, cases=6, texts=[solution(n) for n in range(3)])
    annotation(made, STEPS)
    with serving(made) as server, page(chromium, Table(made, server).link("ada")) as visit:
        seen = visit.page
        assert seen.get_by_text("Which step is the first wrong one?").is_visible()
        assert [button(seen, str(n)).count() for n in range(1, 6)] == [1, 1, 1, 1, 0]
        assert axe(seen) == []
        right = answer(seen, "0")
        wrong = shown(seen)
        seen.keyboard.press("3")
        why(seen, "incorrect: why?")
        seen.keyboard.press("u")  # back: it was the second
        why(seen, "Which step is the first wrong one?")
        seen.keyboard.press("2")
        why(seen, "incorrect: why?")
        seen.keyboard.press("1")
        why(seen, "Saved: incorrect")
        turn(seen)
        before = shown(seen)
        seen.keyboard.press("5")  # there is no fifth step
        seen.wait_for_timeout(500)
        assert shown(seen) == before
        toggled(seen, "m", "Raw text", on=True)
        seen.keyboard.press("4")  # steps can be named while the raw text shows
        why(seen, "incorrect: why?")
        seen.keyboard.press("2")
        why(seen, "Saved: incorrect")
        turn(seen)
        assert visit.errors == [] and server.errors == ""
    now = standing(made, "ada")
    assert (now[right].value, now[right].meta) == ("correct", {})
    assert now[wrong].value == now[before].value == "incorrect"
    assert now[wrong].meta == {"step": 2, "reason": "a slip"}
    assert now[before].meta == {"step": 4, "reason": "a wrong idea"}
