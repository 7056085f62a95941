"""The labelling pages by their keys: a press, what comes of it, and what the study then holds."""

import re
from collections import Counter
from dataclasses import dataclass

from browser import CASE, Server, Study, button, settle
from playwright.sync_api import Page, expect

from annotator.presses import GLANCE
from samples.records import Event, Label
from samples.store import Store

MAIN = "[data-testid=stMain]"
# The number in the keys of a case's buttons, another one at each showing; "end" where none is left.
TURN = r"""(old) => {
  const state = document.querySelector("[data-test-script-state]")?.dataset.testScriptState;
  if (state !== "notRunning") return false;
  const keys = [...document.querySelectorAll(".st-key-labels > *")].map(x => x.className);
  const found = new Set([...keys.join().matchAll(/st-key-\w+(?:-\w+)?-(\d+)/g)].map(x => x[1]));
  const over = document.querySelector("[data-testid=stMain]").innerText.includes("Finished:");
  const now = over ? "end" : found.size === 1 && [...found][0];
  return now !== old && now;
}"""


@dataclass(frozen=True)
class Table:
    """A study and the server that serves it."""

    study: Study
    server: Server

    def link(self, person: str) -> str:
        return self.study.link(self.server.url, person)


def annotation(study: Study, block: str) -> None:
    """Say in the study file how the page asks."""
    with study.path.open("a", encoding="utf-8") as file:
        file.write(f"\n[annotation]\n{block}\n")


def shown(page: Page) -> str:
    """The case on screen, "2.1" say, or "Finished"."""
    text = page.locator(MAIN).inner_text()
    found = CASE.search(text)
    return found[2] if found else re.findall(r"Finished|$", text)[0]


def turn(page: Page) -> str:
    return str(page.wait_for_function(TURN, arg="").json_value())


def next_turn(page: Page, old: str) -> None:
    """Wait until something else than at that turn is there to be answered."""
    page.wait_for_function(TURN, arg=old)


def answer(page: Page, key: str) -> str:
    """Press a key that answers, and wait for what comes; returns the case that was answered."""
    case, old = shown(page), turn(page)
    if not key.isdigit():  # nothing is put off at a glance
        page.wait_for_timeout(1100 * GLANCE)
    page.keyboard.press(key)
    next_turn(page, old)
    return case


def note(page: Page, text: str) -> None:
    """Write a note and leave its field."""
    page.keyboard.press("n")
    page.locator("textarea:focus").wait_for()
    page.keyboard.type(text)
    page.keyboard.press("Escape")
    page.locator("textarea:not(:focus)").wait_for()


def toggled(page: Page, key: str, word: str, *, on: bool) -> None:
    """Press a key that switches something, and see that its button says so."""
    page.keyboard.press(key)
    expect(button(page, word)).to_have_attribute("kind", "primary" if on else "secondary")
    settle(page)


def scrolls_sideways(page: Page) -> bool:
    ask = "(e) => e.scrollWidth > e.clientWidth"
    return any(page.locator(place).evaluate(ask) for place in ("html", MAIN))


def names(study: Study) -> dict[str, str]:
    """A response's id -> the case that its text names."""
    with Store(study.database) as store:
        texts = store.db.execute("SELECT id, text FROM responses").fetchall()
    found = ((id_, re.search(r"Answer no\. (\d+\.\d+)", text)) for id_, text in texts)
    return {id_: match[1] for id_, match in found if match}


def events(study: Study, person: str | None = None) -> list[Label]:
    """All that a person, or everybody, has said, oldest first."""
    with Store(study.database) as store:
        found = [x for x in store.labels() if person in (None, x.annotator)]
    return sorted(found, key=lambda label: label.created_at or "")


def flags(study: Study) -> list[Event]:
    with Store(study.database) as store:
        return store.events("flag")


def standing(study: Study, person: str) -> dict[str, Label]:
    """What a person says now, by case."""
    named = names(study)
    return {named[label.response]: label for label in events(study, person)}


def doubled(study: Study, person: str) -> list[str]:
    """Cases with more than one answer and nothing taken back."""
    named = names(study)
    seen = Counter(named[x.response] for x in events(study, person) if x.status != "retracted")
    return [case for case, times in seen.items() if times > 1]
