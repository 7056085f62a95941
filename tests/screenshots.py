"""`make screenshots`: every page of the labelling app as a picture in docs/screenshots/.

The study is made up for it, and the same each time. Another page is one line in
``FRESH`` or ``LABELLED``.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from browser import (
    PHONE,
    ROOT,
    WIDE,
    Server,
    Study,
    browser,
    button,
    door,
    now,
    page,
    serving,
    settle,
    study,
)
from playwright.sync_api import Browser, Page
from small_audit import Answered

from samples.records import Label
from samples.store import Store

FOLDER = ROOT / "docs" / "screenshots"
LIMIT = 150_000  # bytes a picture
GUIDANCE = """Judge the **final answer** only, not the way to it.

- Another form of the same number is right: 0.5, 1/2 and 50% are one answer.
- An answer that is cut off before it says its result is wrong.
"""
TEXTS = [
    Answered(
        "A parallel-plate capacitor of capacitance $C$ is charged to a voltage $U$. By what factor"
        " does its energy grow when the voltage is doubled?",
        "4",
        (
            "The energy of a capacitor is\n\n$$E = \\frac{1}{2} C U^2.$$\n\nWith $2U$ in place of"
            " $U$ it is\n\n$$E' = \\frac{1}{2} C (2U)^2 = 4 \\cdot \\frac{1}{2} C U^2 = 4E.$$\n\n"
            "The answer is **4**: the energy grows fourfold.",
            "Energy and voltage go hand in hand, so twice the voltage is twice the energy. The"
            " factor is $2$.",
        ),
    ),
    Answered(
        "A bakery sells rolls at €0.45 and loaves at €3.20. On Monday it sold 120 rolls and 35"
        " loaves. How much money did it take?",
        "€166",
        (
            "| what | sold | price | money |\n|---|---|---|---|\n| rolls | 120 | €0.45 | €54.00 |\n"
            "| loaves | 35 | €3.20 | €112.00 |\n\nTogether the bakery took **€166.00**.",
            "120 + 35 = 155 pieces were sold. At about one euro each that makes €155.",
        ),
    ),
    Answered(
        "Which planet of the solar system has the shortest day?",
        "C",
        (
            "Jupiter turns once in just under ten hours, faster than any other planet: C.",
            "The small ones turn fastest. Mercury is the smallest, so the answer is A.",
        ),
        choices=(("A", "Mercury"), ("B", "Earth"), ("C", "Jupiter"), ("D", "Neptune")),
    ),
]


@dataclass(frozen=True)
class Picture:
    """Who sees what, on which screen; ``steps`` are done before the picture is taken."""

    name: str
    person: str | None  # None: nobody has signed in
    size: tuple[int, int] = WIDE
    dark: bool = False
    steps: Callable[[Page], None] = settle


def at_the_case(words: str) -> Callable[[Page], None]:
    """One case is labelled, and then skipped as far as the answer with these words."""

    def steps(page: Page) -> None:
        button(page, "correct").click()
        page.get_by_text("1 of").first.wait_for()
        settle(page)
        for _ in range(len(TEXTS) * 2):
            if page.get_by_text(words).count():
                return
            button(page, "Skip").click()
            page.wait_for_timeout(1000)
            settle(page)
        raise AssertionError(f"no case says {words!r}")

    return steps


def at_team(page: Page) -> None:
    page.get_by_role("link", name="Team").click()
    page.get_by_text("Agreement").first.wait_for()
    settle(page)


# Before anybody has labelled, and after two people have.
FRESH = (
    Picture("sign-in", None),
    Picture("label", "ada", steps=at_the_case("The energy of a capacitor")),
    Picture("label-dark", "ben", dark=True, steps=at_the_case("The energy of a capacitor")),
    Picture("label-phone", "cleo", PHONE, steps=at_the_case("Together the bakery")),
)
LABELLED = (
    Picture("review", "jo"),
    Picture("team", "lina", steps=at_team),
)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="screenshots-") as folder, browser() as chromium:
        for name, pictures, people, raters in (
            ("fresh", FRESH, dict.fromkeys(("ada", "ben", "cleo"), "annotator"), 3),
            ("labelled", LABELLED, {"jo": "adjudicator", "lina": "lead"}, 2),
        ):
            (Path(folder) / name).mkdir()
            made = study(
                Path(folder) / name,
                cases=2 * len(TEXTS),
                people=people,
                texts=TEXTS,
                raters=raters,
                guidance=GUIDANCE,
            )
            if pictures is LABELLED:
                label_all(made)
            with serving(made) as server:
                for picture in pictures:
                    draw(chromium, made, server, picture)


def label_all(made: Study) -> None:
    """Two people have labelled everything a minute apart; they differ on the first case."""
    with Store(made.database) as store:
        (rubric,) = store.rubrics()
        for number, response in enumerate(list(store.responses())):
            for name, wrong in (("ada", number % 2), ("ben", number % 2 or not number % 3)):
                at = (now() - timedelta(minutes=20 - 2 * number)).isoformat()
                value = rubric.labels[not wrong]
                given = Label(response.id, rubric.id, name, value=value, seconds=31.0)
                store.add([replace(given, created_at=at)])


def draw(chromium: Browser, made: Study, server: Server, picture: Picture) -> None:
    url = made.link(server.url, picture.person) if picture.person else server.url
    ready = None if picture.person else door
    more = {"dark": picture.dark, "ready": ready, "reduced_motion": "reduce"}
    with page(chromium, url, picture.size, **more) as visit:
        picture.steps(visit.page)
        take(visit.page, FOLDER / f"{picture.name}.png")


def take(page: Page, path: Path) -> None:
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement?.blur()")
    page.evaluate("document.fonts.ready.then(() => null)")
    page.wait_for_timeout(500)  # Streamlit's own fading
    page.screenshot(path=path, animations="disabled", caret="hide")
    size = path.stat().st_size
    assert size <= LIMIT, f"{path} has {size:,} bytes; make its content shorter"
    print(f"{path.relative_to(ROOT)}: {size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
