"""One annotator's day in a real browser: by keyboard alone, through reloads, in two tabs."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser import (
    CHROMIUM,
    Study,
    browser,
    button,
    done,
    numbered,
    page,
    progress,
    saved,
    serving,
    settle,
    study,
)
from keyboard import (
    Table,
    annotation,
    answer,
    doubled,
    events,
    flags,
    names,
    next_turn,
    note,
    shown,
    standing,
    toggled,
    turn,
)
from playwright.sync_api import Browser, Page, expect

from annotator.presses import GLANCE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Chromium is not here: `make browser`"),
]
CASES = 40
PEOPLE = ("ada", "ben", "cleo", "dan")  # each has all cases to do
LONG = "3.0"  # the case whose answer is not shown at once
BEGINNING = "In the beginning there was a sum."


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    """A study in which everybody labels everything, so that nobody is in another's way."""
    texts = numbered(CASES // 2)
    first, second = texts[3].texts
    padding = "\n\n".join(f"Step {n}: we count on." for n in range(300))
    texts[3] = replace(texts[3], texts=(f"{BEGINNING}\n\n{padding}\n\n{first}", second))
    made = study(
        tmp_path_factory.mktemp("label"),
        cases=CASES,
        people=PEOPLE,
        texts=texts,
        raters=len(PEOPLE),
    )
    annotation(made, 'reasons = {"cannot judge" = ["cut off", "no reference"]}')
    with serving(made) as server:
        yield Table(made, server)
    assert server.errors == ""


class Day:
    """Ada's day: what she presses, and what the study must hold because of it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: dict[str, tuple[str, str | None, bool, str]] = {}
        self.presses = 0

    def label(self, key: str, unsure: bool = False, noted: str = "") -> str:
        case = answer(self.page, key)
        value = {"1": "incorrect", "2": "correct"}[key]
        self.said[case] = ("labelled", value, unsure, noted)
        self.presses += 1
        assert saved(self.page).is_visible()
        assert done(self.page) == len(self.said)
        return case

    def other(self, key: str) -> str:
        """Skip or take back."""
        self.presses += 1
        return answer(self.page, key)


def test_a_whole_day_by_keyboard_alone(chromium: Browser, table: Table) -> None:
    with page(chromium, table.link("ada")) as visit:
        day = Day(visit.page)
        skipped = _first_hour(day)
        flagged = _flags_and_notes(day)
        unjudgeable = _cannot_judge(day)
        looked = False
        while len(day.said) < CASES - len(skipped):
            if shown(day.page) == LONG:
                _read_all(day.page)
                looked = True
            day.label("12"[len(day.said) % 2])
        assert looked or LONG in day.said
        assert [day.label("2") for _ in skipped] == skipped  # the longest put off first
        expect(day.page.get_by_text("Finished: nothing is left")).to_be_visible()
        assert done(day.page) == CASES
        assert button(day.page, "Undo").is_visible()
        assert not button(day.page, "correct").is_visible()
        assert visit.errors == []
    now = standing(table.study, "ada")
    assert {c: (x.status, x.value, x.unsure, x.note) for c, x in now.items()} == day.said
    assert len(events(table.study, "ada")) == day.presses
    assert now[unjudgeable].meta == {"reason": "no reference"}
    assert all(x.seconds is not None and x.seconds > 0 for x in now.values())
    assert [(names(table.study)[x.subject], x.body["on"]) for x in flags(table.study)] == flagged


def _first_hour(day: Day) -> list[str]:
    """Label, take back, skip, doubt, get help; returns what was skipped."""
    day.label("1")
    slip = day.label("2")
    assert day.other("u") != slip
    assert shown(day.page) == slip
    assert day.page.get_by_text("Taken back").is_visible()
    day.said.pop(slip)
    assert day.label("1") == slip
    skipped = [day.other("s")]
    day.label("2")
    skipped.append(day.other("s"))
    hasty = day.other("s")
    day.other("u")
    assert shown(day.page) == hasty
    day.label("1")
    toggled(day.page, "d", "Unsure", on=True)
    day.label("2", unsure=True)
    toggled(day.page, "d", "Unsure", on=True)
    toggled(day.page, "d", "Unsure", on=False)
    day.label("2")
    day.page.keyboard.press("h")
    day.page.get_by_text("put the case off; it comes back at the end").wait_for()
    day.page.keyboard.press("h")
    expect(day.page.get_by_text("put the case off")).to_have_count(0)
    toggled(day.page, "m", "Raw text", on=True)
    assert day.page.locator("pre").last.inner_text().startswith("Answer no. " + shown(day.page))
    toggled(day.page, "m", "Raw text", on=False)
    return skipped


def _flags_and_notes(day: Day) -> list[tuple[str, bool]]:
    """Returns the flags, set and taken back."""
    toggled(day.page, "f", "Flag", on=True)
    flagged = [(day.label("1"), True)]
    toggled(day.page, "f", "Flag", on=True)
    toggled(day.page, "f", "Flag", on=False)
    slip = day.label("2")
    flagged += [(slip, True), (slip, False)]
    before = shown(day.page)
    note(day.page, "1 or 2? s, u, x.")
    assert shown(day.page) == before
    day.label("2", noted="1 or 2? s, u, x.")
    day.page.keyboard.press("n")
    day.page.keyboard.type("12x")  # the field is not there yet: lost, but they label nothing
    day.page.locator("textarea:focus").wait_for()
    day.page.keyboard.type("late")
    day.page.keyboard.press("Escape")
    case, old = shown(day.page), turn(day.page)
    day.page.keyboard.press("1")  # at once
    next_turn(day.page, old)
    expect(day.page.locator("textarea")).to_have_count(0)  # the next case has no note
    day.said[case] = ("labelled", "incorrect", False, "late")
    day.presses += 1
    return flagged


def _cannot_judge(day: Day) -> str:
    """Changes her mind about it once; gives the second reason."""
    case = shown(day.page)
    for key in ("u", "2"):
        day.page.wait_for_timeout(1100 * GLANCE)
        day.page.keyboard.press("x")
        day.page.get_by_text("cannot judge: why?").wait_for()
        settle(day.page)
        if key == "u":
            day.page.keyboard.press(key)
            button(day.page, "Skip").wait_for()
            settle(day.page)
    day.page.keyboard.press("2")
    day.page.get_by_text("Saved: cannot judge").wait_for()
    turn(day.page)
    day.said[case] = ("unjudgeable", None, False, "")
    day.presses += 1
    return case


def _read_all(page: Page) -> None:
    assert page.get_by_text("characters are left out").is_visible()
    assert not page.get_by_text(BEGINNING).is_visible()
    page.keyboard.press("e")
    page.get_by_text(BEGINNING).wait_for()
    settle(page)


def test_a_reload_amid_a_save_loses_and_doubles_nothing(chromium: Browser, table: Table) -> None:
    person = "ben"
    with page(chromium, table.link(person)) as visit:
        for pause in (0, 15, 40, 80, 150, 0):
            _cut_off(visit.page, table.study, person, pause, lambda: visit.page.reload())
        for pause in (0, 40):
            _cut_off(visit.page, table.study, person, pause, lambda: _back_and_forth(visit.page))
        first, home = visit.page, visit.page.url
        second = first.context.new_page()
        case = shown(first)
        first.keyboard.press("1")
        first.close()
        second.goto(home)
        _same_or_next(second, table.study, person, case)
        answer(second, "2")
        assert done(second) == len(standing(table.study, person))
    assert doubled(table.study, person) == []


def _back_and_forth(page: Page) -> object:
    page.go_back()
    return page.go_forward()


def _cut_off(page: Page, made: Study, person: str, pause: int, cut: Callable[[], object]) -> None:
    case = shown(page)
    page.keyboard.press("1")
    page.wait_for_timeout(pause)
    said = saved(page).is_visible() and shown(page) != case
    cut()
    _same_or_next(page, made, person, case)
    assert not said or case in standing(made, person)


def _same_or_next(page: Page, made: Study, person: str, case: str) -> None:
    """Either the press was saved and another case is there, or it was not and the same one is."""
    progress(page).first.wait_for()
    settle(page)
    turn(page)
    held = standing(made, person)
    assert done(page) == len(held)
    assert (shown(page) == case) == (case not in held)


def test_a_key_held_down_and_a_double_press_label_one_case(chromium: Browser, table: Table) -> None:
    with page(chromium, table.link("cleo")) as visit:
        old = turn(visit.page)
        for _ in range(25):
            visit.page.keyboard.down("2")  # from the second on it is a repetition
            visit.page.wait_for_timeout(40)
        visit.page.keyboard.up("2")
        next_turn(visit.page, old)
        visit.page.wait_for_timeout(300)
        assert done(visit.page) == len(events(table.study, "cleo")) == 1
        old = turn(visit.page)
        visit.page.keyboard.press("1")
        visit.page.keyboard.press("1")
        next_turn(visit.page, old)
        visit.page.wait_for_timeout(300)
        assert done(visit.page) == len(events(table.study, "cleo")) == 2
        answer(visit.page, "2")
        assert done(visit.page) == 3


def test_two_tabs_of_one_person_give_one_label_each_case(chromium: Browser, table: Table) -> None:
    with page(chromium, table.link("dan")) as visit:
        one, two = visit.page, visit.page.context.new_page()
        two.goto(one.url)
        progress(two).first.wait_for()
        assert shown(two) == shown(one)  # the case that is kept for him
        answered = answer(one, "1")
        assert answer(two, "2") == answered  # too late: nothing is saved, and the next case comes
        assert standing(table.study, "dan")[answered].value == "incorrect"
        assert not saved(two).is_visible()
        for tab in (one, two, one, two):
            answer(tab, "2")
        assert doubled(table.study, "dan") == []
