"""People who label in Chromium, several at once, by their keys; for the measurements."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from browser import ARGS, CHROMIUM, DONE, LISTENING, SHOWN, WATCH, WIDE, Server, Study
from playwright.async_api import Browser, Page, async_playwright

LABELS = ("incorrect", "correct")
PAUSE = 0.7  # seconds that a fast reader takes over a case


class Press(NamedTuple):
    """One label: the key was pressed at case ``name``; 0 ms is the key's own event."""

    painted: float  # ms until the next case and its buttons were painted
    there: float  # ms until the next case's text was among the page's elements
    name: str
    next: str
    saved: bool  # whether the page then said so
    value: str


@dataclass
class Labeller:
    """One person at one tab of a browser profile of their own."""

    name: str
    page: Page
    random: Random
    presses: list[Press] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def come(self, link: str) -> None:
        await self.page.goto(link)
        await self.settle()

    async def settle(self) -> None:
        await self.page.get_by_text(DONE).first.wait_for()
        await self.page.locator("[data-test-script-state=notRunning]").wait_for()
        await self.page.evaluate(LISTENING)
        await self.page.evaluate(WATCH, list(LABELS))

    async def label(self) -> Press:
        """Press a label's key, and wait for what comes."""
        shown = await self.page.evaluate("watched.shown.length")
        digit = self.random.randrange(len(LABELS))
        await self.page.keyboard.press(str(digit + 1))
        seen = await self.page.evaluate(SHOWN, shown)
        if seen is None:
            raise AssertionError(f"{self.name}: no next case in 20 s")
        press = Press(*seen, LABELS[digit])
        self.presses.append(press)
        return press

    async def work(self, times: int, pause: float = PAUSE) -> None:
        """Label so often with a person's pauses, or until nothing is left."""
        for _ in range(times):
            await asyncio.sleep(pause * self.random.uniform(0.7, 1.3))
            if (await self.label()).next == "end":
                return


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGS))
        try:
            yield opened
        finally:
            await opened.close()


async def seated(browser: Browser, study: Study, server: Server, name: str) -> Labeller:
    """Somebody who has come in by their link."""
    context = await browser.new_context(viewport={"width": WIDE[0], "height": WIDE[1]})
    person = Labeller(name, await context.new_page(), Random(name))
    person.page.on("pageerror", lambda error: person.errors.append(str(error)))
    await person.come(study.link(server.url, name))
    return person


async def all_at_once(study: Study, server: Server, times: int, pause: float) -> list[Labeller]:
    """Everybody of the study labels so often, each in a browser profile of their own."""
    async with chromium() as browser:
        people = [await seated(browser, study, server, name) for name in study.keys]
        await asyncio.gather(*(person.work(times, pause) for person in people))
        return people


async def in_turn(tables: list[tuple[Study, Server]], times: int, pause: float) -> list[Labeller]:
    """The first person of each study; they take turns, so that both meet the same machine."""
    async with chromium() as browser:
        people = [await seated(browser, *table, next(iter(table[0].keys))) for table in tables]
        for _ in range(times):
            for person in people:
                await person.work(1, pause)
        return people


async def until_killed(
    study: Study,
    server: Server,
    name: str,
    restart: Callable[[], Server],
    kills: int,
    random: Random,
) -> list[Press]:
    """Label without a pause, kill the app at a random moment, start it, come back, go on."""
    async with chromium() as browser:
        person = await seated(browser, study, server, name)
        for _ in range(kills):
            end = time.monotonic() + random.uniform(0.3, 2.0)
            work = asyncio.create_task(person.work(10**6, pause=0))
            await asyncio.sleep(end - time.monotonic())
            server.kill()
            await asyncio.sleep(0.2)  # what is on its way may still be painted
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            server = restart()
            await person.come(study.link(server.url, name))
        await person.work(3, pause=0)
        return person.presses
