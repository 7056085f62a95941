"""The door in a real browser: what it keeps, what comes back in, what is over."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from small_audit import QUESTION, build_study, numbered

from annotator import accounts, sessions
from samples.store import Store

ROOT = Path(__file__).parents[1]
CHROMIUM = "/usr/bin/chromium"
FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
QUIET = "--disable-background-networking --disable-component-update"
PASSWORD = "correct horse"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Chromium is not here: `make browser`"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        flags = [*FLAGS.split(), *QUIET.split()]
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield opened
        opened.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def process(command: list[str], up: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A server of our own, from when that address answers until the block ends."""
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True) as started:
        try:
            for _ in range(300):
                try:
                    urlopen(up, timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.1)
            else:
                pytest.fail(f"{up} does not answer")
            yield started
        finally:
            os.killpg(started.pid, signal.SIGTERM)
            started.wait(30)


def annotate(study: Path, port: int, base: str = "") -> Any:
    words = ["annotate", "--study", str(study), "--port", str(port)]
    words += ["--base-url-path", base] if base else []
    call = f"import benchwarrant; benchwarrant.main({words!r})"
    health = f"http://127.0.0.1:{port}/{base + '/' if base else ''}_stcore/health"
    return process([sys.executable, "-c", call], health)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return build_study(tmp_path, numbered(3))


@pytest.fixture
def store(study: Path) -> Iterator[Store]:
    with Store(study.with_name("study.db")) as opened:
        yield opened


def seen(page: Page, words: str = QUESTION) -> None:
    expect(page.get_by_text(words)).to_be_visible(timeout=30_000)


def sign_in(page: Page, name: str, password: str) -> None:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def cookie(context: BrowserContext, study: Path) -> dict[str, Any]:
    """The session's, which a script sets a moment after the page shows."""
    name = sessions.cookie_name(study.with_name("study.db"))
    for _ in range(200):
        for one in context.cookies():
            if one.get("name") == name:
                return dict(one)
        time.sleep(0.1)
    pytest.fail("no cookie was set")


def await_gone(context: BrowserContext, words: str) -> None:
    """Cookies go by a script, or by an answer of the server, a moment after the page shows."""
    for _ in range(200):
        if words not in str(context.cookies()):
            return
        time.sleep(0.1)
    pytest.fail(f"{words} is still in a cookie")


def test_a_password_signs_in_and_the_cookie_is_all_the_browser_keeps(
    browser: Browser, study: Path, store: Store
) -> None:
    accounts.add_with_password(store, "ann", "annotator", PASSWORD, datetime.now(UTC))
    port = free_port()
    address = f"http://127.0.0.1:{port}/label/"
    context = browser.new_context()
    page = context.new_page()
    with annotate(study, port, "label"):
        page.goto(address)
        sign_in(page, "ann", "battery staple")
        seen(page, "do not fit together")
        sign_in(page, "ann", PASSWORD)
        seen(page)
        kept = cookie(context, study)
        assert (kept["path"], kept["sameSite"]) == ("/label", "Strict")
        assert 0 < kept["expires"] - time.time() <= 12 * 3600 and not kept["secure"]
        stored = page.evaluate("JSON.stringify([localStorage, sessionStorage])")
        assert PASSWORD not in stored and kept["value"] not in stored
        page.reload()
        seen(page)
        another = context.new_page()
        another.goto(address)
        seen(another)
    with annotate(study, port, "label"):  # a restart ends no session
        for tab in (page, another):
            tab.reload()
            seen(tab)
        stolen = browser.new_context()
        stolen.add_cookies([{"name": kept["name"], "value": kept["value"], "url": address[:-1]}])
        copy = stolen.new_page()
        copy.goto(address)
        seen(copy)
        page.get_by_role("button", name="Sign out").click()
        seen(page, "Signed out.")
        await_gone(context, kept["value"])
        page.reload()
        seen(page, "Or paste your key")
        copy.reload()
        seen(copy, "Or paste your key")  # the copied token is dead
        another.get_by_role("button", name=re.compile("^incorrect")).click()
        seen(another, "Your session has ended")
    assert store.labels() == []


def test_a_link_leaves_the_address_and_the_history(
    browser: Browser, study: Path, store: Store
) -> None:
    key = accounts.add(store, "ann", "annotator", datetime.now(UTC))
    port = free_port()
    context = browser.new_context()
    page = context.new_page()
    with annotate(study, port):
        page.goto(f"http://127.0.0.1:{port}/_stcore/health")
        page.goto(f"http://127.0.0.1:{port}/?key={key}")
        seen(page)
        page.wait_for_url(f"http://127.0.0.1:{port}/")
        assert cookie(context, study)["value"]
        assert key not in page.content() and key not in str(context.cookies())
        page.go_back()
        page.go_forward()
        assert "key" not in page.url
        seen(page)
        accounts.revoke(store, "ann", datetime.now(UTC))
        page.reload()
        seen(page, "Or paste your key")
        page.goto(f"http://127.0.0.1:{port}/?key={key}")
        seen(page, "opens nothing")
        page.wait_for_url(f"http://127.0.0.1:{port}/")


@contextmanager
def provider(*people: dict[str, object]) -> Iterator[str]:
    """An organisation that knows these people, on this machine."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "-p", str(port)]
    for person in people:
        command += ["--user-claims", json.dumps(person)]
    address = f"http://127.0.0.1:{port}/.well-known/openid-configuration"
    with process(command, address):
        yield address


def with_organisation(page: Page, address: str, who: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Sign in with your organisation").click()
    page.get_by_role("button", name=who, exact=True).click()


def test_an_organisation_signs_in_whom_the_study_knows(
    browser: Browser, study: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts.add_with_email(store, "ann", "annotator", "ann@uni.example", datetime.now(UTC))
    accounts.add_with_email(store, "bob", "annotator", "bob@uni.example", datetime.now(UTC))
    monkeypatch.setenv("LABEL_CLIENT_SECRET", "s3cret")
    port = free_port()
    address = f"http://127.0.0.1:{port}/label/"
    people = [
        {"sub": "ann", "email": "Ann@uni.example", "email_verified": True},
        {"sub": "bob", "email": "bob@uni.example", "email_verified": False},
        {"sub": "eve", "email": "eve@uni.example", "email_verified": True},
    ]
    with provider(*people) as metadata:
        study.write_text(
            study.read_text("utf-8")
            + f'[login]\nmetadata_url = "{metadata}"\nclient_id = "benchwarrant"\n'
            'client_secret_env = "LABEL_CLIENT_SECRET"\n'
            f'redirect_uri = "{address}oauth2callback"\n',
            encoding="utf-8",
        )
        with annotate(study, port, "label"):
            for who, said in (("bob", "email_verified"), ("eve", "has no account")):
                context = browser.new_context()
                page = context.new_page()
                with_organisation(page, address, who)
                seen(page, said)
                await_gone(context, "_streamlit_user")
                page.reload()
                seen(page, "Or paste your key")
                expect(page.get_by_text(QUESTION)).to_have_count(0)
            context = browser.new_context()
            page = context.new_page()
            with_organisation(page, address, "ann")
            seen(page)
            await_gone(context, "_streamlit_user")
            assert cookie(context, study)["value"]
            page.reload()
            seen(page)
            page.get_by_role("button", name="Sign out").click()
            seen(page, "Signed out.")
            page.reload()
            seen(page, "Or paste your key")
    (event,) = store.events("session")
    assert event.body["account"] == "ann" and "s3cret" not in str(event)
