"""The labelling app in a real browser: a study, its server, Chromium, and all that it receives.

What tests and measurements need to find on the pages stands here alone: roles and visible words.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Dialog,
    Error,
    Locator,
    Page,
    Response,
    WebSocket,
    sync_playwright,
)
from small_audit import Answered

from annotator import accounts
from samples import records
from samples.audit import Drawn, freeze
from samples.cli import opened
from samples.store import Store

ROOT = Path(__file__).parents[1]
CHROMIUM = os.environ.get("BENCHWARRANT_CHROMIUM", "/usr/bin/chromium")
ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE, PHONE = (1280, 800), (390, 844)
MODELS = ("model-zebra-7b", "model-okapi-135m")
JUDGE, SAID, STRATEGY = "judge-walrus", "walrus-said-so", "strategy-heron"
NAME = "study-pelican"
HIDDEN = (*MODELS, JUDGE, SAID, STRATEGY)  # no annotator's browser may ever receive these


# --- the study ---------------------------------------------------------------------------------

STUDY = """name = "{name}"
seed = 7
[rubric]
question = "{question}"
labels = {labels}
guidance = "guidance.md"
"""


@dataclass(frozen=True)
class Study:
    """A study on disk, and the access keys of its people by name."""

    path: Path
    keys: Mapping[str, str]

    @property
    def database(self) -> Path:
        return self.path.with_name("study.db")

    def link(self, url: str, person: str) -> str:
        """The personal link that lets somebody in."""
        return f"{url}/?key={self.keys[person]}"


def numbered(questions: int) -> list[Answered]:
    """As many questions as said, each with an answer of each model; "no. 2.1" is of the second."""
    return [
        Answered(
            f"Question no. {q}. What is {q} + {q + 7}?",
            str(2 * q + 7),
            tuple(f"Answer no. {q}.{m}. It is {2 * q + 7 + m}." for m in range(len(MODELS))),
        )
        for q in range(questions)
    ]


def study(
    folder: Path,
    *,
    cases: int = 12,
    people: Mapping[str, str] | Sequence[str] = ("ada",),
    texts: Sequence[Answered] = (),
    raters: int = 1,
    overlap: float = 1.0,
    labels: Sequence[str] = ("incorrect", "correct"),
    question: str = "Is the final answer correct?",
    guidance: str = "Judge the *final* answer only.",
) -> Study:
    """A study whose first so many answers are the audit set, each judged by a judge already.

    ``texts`` hold an answer of each model to each question; ``people`` are names, or names with
    their roles. ``overlap`` is the share of cases that want ``raters`` people; the others want one.
    """
    path = folder / "study.toml"
    path.write_text(STUDY.format(name=NAME, question=question, labels=list(labels)), "utf-8")
    (folder / "guidance.md").write_text(guidance, "utf-8")
    asked = texts or numbered(-(-cases // len(MODELS)))
    with opened(path, create=True) as (loaded, store):
        with store.transaction():
            answers = add_answers(store, asked)
        rubric = loaded.rater_question
        shared = [int((n + 1) * overlap) > int(n * overlap) for n in range(cases)]
        drawn = [
            Drawn(answer, NAME, 1.0, raters if wanted else 1)
            for answer, wanted in zip(answers, shared, strict=False)
        ]
        freeze(store, rubric, drawn, {"allocation": "equal"}, now().isoformat())
        judge = records.Spec("judge", JUDGE, {"kind": "auto"})
        store.add([judge])
        store.add(
            records.Verdict(case.response, rubric.id, JUDGE, judge.id, rubric.positive, raw=SAID)
            for case in drawn
        )
        return Study(path, add_people(store, people))


def add_answers(store: Store, asked: Sequence[Answered]) -> list[str]:
    """The questions with an answer of each model; the answers' ids, question by question."""
    specs = [records.Spec("model", model, {}) for model in MODELS]
    store.add(specs)
    found = []
    for number, one in enumerate(asked):
        item = records.Item(
            "quiz", str(number), one.question, (one.reference,), choices=one.choices
        )
        rows = [
            records.Response(item.id, spec.name, spec.id, STRATEGY, 0, text)
            for spec, text in zip(specs, one.texts, strict=True)
        ]
        store.add([item, *rows])
        found += [row.id for row in rows]
    return found


def add_people(store: Store, people: Mapping[str, str] | Sequence[str]) -> dict[str, str]:
    roles = people if isinstance(people, Mapping) else dict.fromkeys(people, "annotator")
    return {name: accounts.add(store, name, role, now()) for name, role in roles.items()}


def now() -> datetime:
    return datetime.now(UTC)


# --- the server --------------------------------------------------------------------------------


@dataclass
class Server:
    """A running app; ``errors`` is all that it has written to standard error so far."""

    url: str
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def errors(self) -> str:
        return self.log.read_text("utf-8")

    def kill(self) -> None:
        """As when the machine loses its power: nothing is told, nothing gets to end its work."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def serving(served: Study, *more: str, port: int = 0) -> Iterator[Server]:
    """`benchwarrant annotate` in processes of its own, until the block ends.

    Ended in peace it must end in peace, and have written nothing to standard error but what the
    test has read itself: look at ``errors``.
    """
    port = port or free_port()
    log = served.path.with_name("server.log")
    command = [sys.executable, "-m", "benchwarrant", "annotate", "--study", str(served.path)]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*command, "--port", str(port), *more],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
    server = Server(f"http://127.0.0.1:{port}", process, log)
    try:
        wait_until_healthy(server)
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(server: Server, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if server.process.poll() is not None:
            raise AssertionError(f"the app has ended: {server.errors}")
        try:
            with urlopen(f"{server.url}/_stcore/health", timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"the app has not come up: {server.errors}")


# --- the browser -------------------------------------------------------------------------------


@contextmanager
def browser() -> Iterator[Browser]:
    """One Chromium. Open it once for a file of tests, and close it: until then no other event loop
    can run in this thread."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGS))
        try:
            yield chromium
        finally:
            chromium.close()


@dataclass
class Visit:
    """One person's browser tab and all that happened in it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)  # of the console, and uncaught ones
    dialogs: list[str] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)  # of websockets, as received
    sent: list[bytes] = field(default_factory=list)
    bodies: dict[str, bytes] = field(default_factory=dict)  # of HTTP, by address

    @property
    def received(self) -> bytes:
        """Every byte that came from the server; strings in Streamlit's messages are plain UTF-8."""
        return b"\0".join([*self.frames, *self.bodies.values()])

    @property
    def strangers(self) -> list[str]:
        """The addresses outside this machine that were asked for anything."""
        local = ("127.0.0.1", None)  # None: data: and blob: have no host
        return [url for url in self.requests if urlsplit(url).hostname not in local]


@contextmanager
def page(
    chromium: Browser,
    url: str,
    size: tuple[int, int] = WIDE,
    *,
    dark: bool = False,
    ready: Callable[[Page], Locator] | None = None,
    **more: Any,
) -> Iterator[Visit]:
    """A fresh browser profile at an address; nothing it does may leave this machine.

    ``ready`` is what to wait for; any words if nothing else is said. ``more`` goes to Playwright's
    new_context. A phone is touched, not clicked.
    """
    context = chromium.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        has_touch=size[0] < 600,
        **more,
    )
    visit = Visit(context.new_page())
    watch(visit)
    try:
        visit.page.goto(url)
        (ready or words)(visit.page).first.wait_for()
        settle(visit.page)
        yield visit
    finally:
        context.close()
    assert visit.strangers == [], "the app asks other machines for something"
    assert visit.dialogs == [], "a dialog came up"


def watch(visit: Visit) -> None:
    """Write down all that the tab does. Bodies are read at once: a reload would drop them."""

    def answered(response: Response) -> None:
        try:
            visit.bodies[response.url] = visit.bodies.get(response.url, b"") + response.body()
        except Error:  # a redirect has none; one cut off by a reload has been of no use
            visit.bodies.setdefault(response.url, b"")

    def spoke(message: ConsoleMessage) -> None:
        if message.type == "error":
            visit.errors.append(message.text)

    def asked(dialog: Dialog) -> None:
        visit.dialogs.append(dialog.message)
        dialog.dismiss()

    def connected(socket: WebSocket) -> None:
        visit.requests.append(socket.url)
        socket.on("framereceived", lambda frame: visit.frames.append(_bytes(frame)))
        socket.on("framesent", lambda frame: visit.sent.append(_bytes(frame)))

    visit.page.on("request", lambda request: visit.requests.append(request.url))
    visit.page.on("response", answered)
    visit.page.on("console", spoke)
    visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
    visit.page.on("dialog", asked)
    visit.page.on("websocket", connected)


def _bytes(frame: bytes | str) -> bytes:
    return frame if isinstance(frame, bytes) else frame.encode()


# --- what is on the pages ----------------------------------------------------------------------

DONE = re.compile(r"(\d+) of (\d+) done")
SAVED = re.compile(r"\bSaved\b")
FINISHED = re.compile(r"^Finished\b")
CASE = re.compile(r"Question no\. (\d+).*?Answer no\. (\d+\.\d+)", re.DOTALL)
DOOR = "Sign in"


def settle(page: Page) -> None:
    """Wait until the server has nothing more to say, so that the whole page is there."""
    page.locator("[data-test-script-state=notRunning]").wait_for()
    page.evaluate(LISTENING)


def words(page: Page) -> Locator:
    """Anything to read: the app has shown its first page."""
    return page.get_by_role("main").get_by_role("paragraph")


def progress(page: Page) -> Locator:
    return page.get_by_text(DONE)


def done(page: Page) -> int:
    """How many cases the page says are done."""
    found = DONE.search(progress(page).first.inner_text())
    assert found
    return int(found[1])


def saved(page: Page) -> Locator:
    return page.get_by_text(SAVED)


def button(page: Page, word: str) -> Locator:
    """By its word; its key's hint stands beside it."""
    return page.get_by_role("button", name=re.compile(rf"(?<!\w){re.escape(word)}\b"))


def door(page: Page) -> Locator:
    return page.get_by_role("heading", name=DOOR)


# In the page itself: from a key press until the next numbered case and its buttons are painted.
# `watched.shown` gets [milliseconds until painted, until in the page's elements, the case's name,
# the next one's name, whether the page says "Saved"]. The buttons count once they are new ones, or
# nothing more is to come: those of the last case may stand there for a while.
WATCH = r"""(words) => {
  const main = () => document.querySelector("[data-testid=stMain]");
  const named = () => {
    const text = main()?.textContent ?? "";
    const found = text.match(/Question no\. (\d+)[^]*?Answer no\. (\d+\.\d+)/);
    return found ? found[2] : /Finished/.test(text) ? "end" : null;
  };
  const buttons = (word) => [...document.querySelectorAll("button:not(:disabled)")].filter(
    button => new RegExp("(^|\\W)" + word + "(?![a-z])").test(button.textContent));
  const idle = () =>
    document.querySelector("[data-test-script-state]").dataset.testScriptState === "notRunning";
  const watched = window.watched = {shown: [], waiting: null, from: null};
  addEventListener("keydown", (event) => {
    if (event.repeat || watched.from?.done) return;
    watched.from = {at: event.timeStamp, name: named(), there: null, old: words.flatMap(buttons)};
  }, true);
  const look = () => {
    const from = watched.from, name = from && named();
    if (!from || from.done || name === null || name === from.name) return;
    from.there ??= performance.now();
    const fresh = (word) => buttons(word).some(button => !from.old.includes(button));
    if (!(name !== "end" && words.every(fresh)) && !idle()) return;
    from.done = true;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();  // its message comes after the frame is painted
      channel.port1.onmessage = () => {
        const says = /\bSaved\b/.test(main().textContent);
        const seen = [performance.now() - from.at, from.there - from.at, from.name, name, says];
        watched.from = null;
        watched.shown.push(seen);
        watched.waiting?.(seen);
        watched.waiting = null;
      };
      channel.port2.postMessage(null);
    });
  };
  new MutationObserver(look).observe(document, {
    subtree: true, childList: true, characterData: true, attributes: true,
    attributeFilter: ["data-test-script-state", "disabled"]});
}"""
# The keys listen a moment after the buttons are drawn.
LISTENING = "new Promise((tell) => requestAnimationFrame(() => setTimeout(tell, 150)))"
# Resolves with what was shown after press number `count`, or with null after 20 seconds.
SHOWN = """(count) => watched.shown[count] ?? new Promise((tell) => {
  watched.waiting = tell;
  setTimeout(() => tell(null), 20000);
})"""


# --- accessibility -----------------------------------------------------------------------------

WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}


def axe(page: Page) -> list[str]:
    """What breaks the rules of WCAG 2.1 A and AA, a readable line for each element."""
    found = Axe().run(page, options=WCAG)
    return [
        f"{broken['id']} ({broken['impact']}): {' '.join(node['target'][0].split())}:"
        f" {' '.join(node['failureSummary'].split())}"
        for broken in found.response["violations"]
        for node in broken["nodes"]
    ]
