"""Several people at once in real browsers, and what each of them gets to know."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import (
    CHROMIUM,
    HIDDEN,
    NAME,
    Study,
    Visit,
    browser,
    button,
    done,
    door,
    now,
    page,
    progress,
    serving,
    settle,
    study,
)
from keyboard import (
    Table,
    annotation,
    answer,
    events,
    names,
    next_turn,
    note,
    shown,
    standing,
    toggled,
    turn,
)
from playwright.sync_api import Browser, Locator, Page, expect

from annotator import accounts, session
from annotator.session import Answer
from annotator.turns import Sight
from samples.store import Store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Chromium is not here: `make browser`"),
]
PEOPLE = {"quokka": "annotator", "numbat": "annotator", "dingo": "adjudicator", "emu-lead": "lead"}
NOTE = "quoll"  # stands in each of the first person's notes, with the case's name
CASES, UNFINISHED = 6, 2


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


# --- at once -----------------------------------------------------------------------------------


def test_people_at_once_never_get_the_same_case(chromium: Browser, tmp_path: Path) -> None:
    made = study(tmp_path, cases=18, people=("ada", "ben", "cleo"))
    with serving(made) as server:
        table = Table(made, server)
        with page(chromium, table.link("ada")) as ada, page(chromium, table.link("ben")) as ben:
            for _ in range(3):
                all_press([ada, ben])
            with page(chromium, table.link("cleo")) as cleo:  # comes late
                everybody = [ada, ben, cleo]
                while still := [visit for visit in everybody if shown(visit.page) != "Finished"]:
                    on_screen = [shown(visit.page) for visit in still]
                    assert len(set(on_screen)) == len(on_screen)
                    all_press(still)
                for visit in everybody:
                    visit.page.get_by_text("Finished: nothing is left").wait_for()
                assert sum(done(visit.page) for visit in everybody) == 18
        assert server.errors == ""
    said = [names(made)[label.response] for label in events(made)]
    assert len(said) == len(set(said)) == 18


def all_press(people: list[Visit]) -> None:
    """Everybody, before anybody's page has changed."""
    before = [turn(visit.page) for visit in people]
    for visit in people:
        visit.page.keyboard.press("1")
    for visit, old in zip(people, before, strict=True):
        next_turn(visit.page, old)


def test_what_is_kept_for_somebody_who_leaves_comes_to_others(
    chromium: Browser, tmp_path: Path
) -> None:
    made = study(tmp_path, cases=6, people=("ada", "ben", "cleo"))
    annotation(made, "lease_minutes = 0.1")  # the shortest in which a slow machine labels a case
    with serving(made) as server:
        table = Table(made, server)
        with page(chromium, table.link("ada")) as ada:
            first = answer(ada.page, "1")
            hers = shown(ada.page)
        with page(chromium, table.link("cleo")) as cleo:  # says that she goes
            cleos = shown(cleo.page)
            assert cleos not in (first, hers)
            button(cleo.page, "Sign out").click()
            expect(cleo.page.get_by_text("Signed out.")).to_be_visible()
        with page(chromium, table.link("ben")) as ben:
            for _ in range(60):
                if len(events(made)) == 6:
                    break
                if shown(ben.page) == "Finished":  # until what is kept has run out
                    ben.page.wait_for_timeout(500)
                    ben.page.reload()
                    progress(ben.page).first.wait_for()
                    turn(ben.page)
                else:
                    answer(ben.page, "2")
        assert server.errors == ""
    said = {names(made)[label.response]: label.annotator for label in events(made)}
    assert len(events(made)) == len(said) == 6
    assert (said[first], said[hers], said[cleos]) == ("ada", "ben", "ben")


# --- what each gets to know --------------------------------------------------------------------


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    """One person has labelled all, the other all but two; they differ on every second case."""
    made = study(tmp_path_factory.mktemp("team"), cases=CASES, people=PEOPLE, raters=2)
    cases = list(names(made).items())
    with Store(made.database) as store:
        desks = [session.sit_down(store, name, 7) for name in ("quokka", "numbat")]
        for number, (response, case) in enumerate(cases):
            noted = f"{NOTE} {case}"
            for desk, value in zip(desks, ("incorrect", "correct"), strict=True):
                if desk.annotator == "numbat" and number >= CASES - UNFINISHED:
                    continue
                said = Answer("correct" if number % 2 else value, note=noted, seconds=1.5)
                session.submit(store, desk, Sight(response), said, now())
                noted = ""
    with serving(made) as server:
        yield Table(made, server)
    assert server.errors == ""


def received(visit: Visit, *forbidden: str) -> list[str]:
    """What of these, of models, judges, ids and keys has come to this browser."""
    everything = visit.received
    assert b"Answer no." in everything  # what is searched is what is shown
    return [word for word in (*HIDDEN, *forbidden) if word.encode() in everything]


def secrets(made: Study) -> list[str]:
    """Every id and every secret in the study, keys included."""
    with Store(made.database) as store:
        found = {*made.keys.values()}
        for table_ in ("responses", "items", "labels", "verdicts", "specs", "audit_sets"):
            found |= {row[0] for row in store.db.execute(f"SELECT id FROM {table_}")}
        found |= {x.secret for x in store.accounts() if x.secret}
    return sorted(found)


def test_an_annotator_gets_to_know_nothing(chromium: Browser, table: Table) -> None:
    others = [name for name in PEOPLE if name != "numbat"]
    with page(chromium, table.link("numbat")) as visit:
        seen = visit.page
        for key, word in (("h", "Help"), ("m", "Raw text"), ("d", "Unsure"), ("f", "Flag")):
            toggled(seen, key, word, on=True)
        note(seen, "mine")
        answer(seen, "x")
        answer(seen, "s")
        answer(seen, "u")
        answer(seen, "1")
        expect(seen.get_by_text("Finished: nothing is left")).to_be_visible()
        answer(seen, "u")
        for place in ("/team", "/review"):
            seen.goto(table.server.url + place)
            progress(seen).first.wait_for()
            settle(seen)
            closed = seen.get_by_role("button", name="Close")
            closed.click()
            expect(closed).to_have_count(0)
        assert received(visit, *others, *secrets(table.study), NOTE, NAME, "settled") == []
        assert received(visit, "Krippendorff", "Guidance (Markdown)") == []
        answer(seen, "u")  # as it was before


def settled(page: Page) -> Locator:
    return page.get_by_text(re.compile(r"\d of \d settled"))


def test_an_adjudicator_sees_finished_cases_and_letters(chromium: Browser, table: Table) -> None:
    named = names(table.study)
    second = standing(table.study, "numbat")
    finished = {case for case, label in second.items() if label.status == "labelled"}
    open_ = [f"{NOTE} {case}" for case in named.values() if case not in finished]
    assert len(open_) == UNFINISHED
    with page(chromium, table.link("dingo"), ready=settled) as visit:
        seen = visit.page
        assert seen.get_by_text("0 of 2 settled").is_visible()
        letters = seen.locator("table").first.locator("tbody tr").all_inner_texts()
        assert [row.split()[0] for row in letters] == ["A", "B"]
        assert sorted(row.split()[1] for row in letters) == ["correct", "incorrect"]
        assert NOTE in "".join(letters)
        seen.get_by_text("History").click()
        expect(seen.locator("table").nth(1)).to_contain_text("A")
        case = shown(seen)
        seen.keyboard.press("s")
        expect(seen.locator("[data-testid=stMain]")).not_to_contain_text(f"Answer no. {case}")
        settle(seen)
        for number, key in enumerate("12", start=1):
            seen.keyboard.press(key)
            seen.get_by_text(f"{number} of 2 settled").wait_for()
            settle(seen)
        assert seen.get_by_text("Nothing to settle").is_visible()
        seen.keyboard.press("u")
        seen.get_by_text("1 of 2 settled").wait_for()
        settle(seen)
        assert shown(seen) == case  # put off, so it was the last
        hidden = ("quokka", "numbat", "emu-lead", NAME, *open_, *secrets(table.study))
        assert received(visit, *hidden) == []
        visit.page.goto(f"{table.server.url}/team")
        settled(seen).wait_for()
        assert received(visit, "Krippendorff") == []
    rulings = [(named[x.response], x.status, x.value) for x in events(table.study, "dingo")]
    assert [status for _, status, _ in rulings] == ["labelled", "labelled", "retracted"]
    assert rulings[1] == (case, "labelled", "correct")


def test_a_lead_sees_people_but_no_model_and_no_verdict(chromium: Browser, table: Table) -> None:
    with page(chromium, table.link("emu-lead")) as visit:
        seen = visit.page
        seen.get_by_role("link", name="Team").click()
        seen.get_by_text("Guidance (Markdown)").wait_for()
        settle(seen)
        seen.get_by_text("By stratum").click()
        figures = seen.locator("[data-testid=stMain]").inner_text()
        assert "quokka" in figures and "numbat" in figures
        assert "10 labels of 12 wanted" in figures
        assert received(visit, NOTE, NAME, "dingo", *secrets(table.study)) == []


def test_whoever_is_locked_out_saves_nothing_and_sees_no_more(
    chromium: Browser, table: Table
) -> None:
    before = events(table.study)
    with Store(table.study.database) as store, page(chromium, table.link("numbat")) as visit:
        seen = visit.page
        accounts.set_role(store, "numbat", "adjudicator", now())
        seen.keyboard.press("1")
        settled(seen).wait_for()
        settle(seen)
        assert not button(seen, "Skip").is_visible()
        accounts.set_role(store, "numbat", "annotator", now())
        seen.keyboard.press("u")
        progress(seen).first.wait_for()
        turn(seen)
        accounts.revoke(store, "numbat", now())
        seen.keyboard.press("1")
        door(seen).wait_for()
        settle(seen)
        assert seen.get_by_text("Your session has ended.").is_visible()
        assert not button(seen, "Skip").is_visible()
        seen.reload()
        door(seen).wait_for()
    assert events(table.study) == before
