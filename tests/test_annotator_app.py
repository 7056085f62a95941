"""The door of the labelling app: who is let in, who is put out, what the browser gets to see."""

import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from small_audit import SECRETS, build_study, numbered
from streamlit.testing.v1 import AppTest

from annotator import accounts, sessions
from samples.records import Label, Spec, Verdict
from samples.store import Store

APP = Path(__file__).parents[1] / "annotator" / "app.py"


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = build_study(tmp_path, numbered(3))
    monkeypatch.setattr(sys, "argv", ["app.py", str(path)])
    return path


@pytest.fixture
def store(study: Path) -> Iterator[Store]:
    with Store(study.with_name("study.db")) as opened:
        yield opened


@pytest.fixture
def key(store: Store) -> str:
    return accounts.add(store, "ann", "annotator", datetime.now(UTC))


def open_app() -> AppTest:
    return AppTest.from_file(str(APP), default_timeout=30)


def shown(at: AppTest) -> str:
    """All that is sent to the browser: each element's and block's message, ids included."""
    waiting, texts = [at._tree], []
    while waiting:
        node = waiting.pop()
        waiting += getattr(node, "children", {}).values()
        texts.append(str(getattr(node, "proto", "")))
    return "\n".join(texts)


def is_in(at: AppTest) -> bool:
    assert not at.exception
    return not at.text_input and "question" in shown(at)


def test_nobody_is_in_without_a_key(key: str) -> None:
    at = open_app().run()
    assert not is_in(at)
    assert [box.label for box in at.text_input] == ["Name", "Password", "Or paste your key"]
    assert "question" not in shown(at)


@pytest.mark.parametrize("wrong", ["nonsense", "", "<script>alert(1)</script>", "x" * 5000])
def test_a_wrong_key_stays_outside(key: str, wrong: str) -> None:
    at = open_app().run()
    at.text_input[2].input(wrong)
    at.button[1].click().run()
    assert not is_in(at)
    assert ("opens nothing" in shown(at)) == bool(wrong)
    by_link = open_app()
    by_link.query_params["key"] = wrong
    assert not is_in(by_link.run())


def test_a_pasted_key_lets_in(key: str) -> None:
    at = open_app().run()
    at.text_input[2].input(f" {key} ")
    at.button[1].click().run()
    assert is_in(at)
    assert key not in shown(at)


def test_a_link_lets_in_and_its_key_leaves_the_address(key: str) -> None:
    at = open_app()
    at.query_params["key"] = key
    assert is_in(at.run())
    assert key not in shown(at)
    assert is_in(at.run())
    assert "key" not in at.query_params
    assert is_in(at.run())


def test_a_revoked_person_is_out_at_the_next_click_and_saves_nothing(
    store: Store, key: str
) -> None:
    at = open_app()
    at.query_params["key"] = key
    assert is_in(at.run())
    accounts.revoke(store, "ann", datetime.now(UTC))
    next(button for button in at.button if button.label == "correct").click().run()
    assert not is_in(at)
    assert "question" not in shown(at)
    assert store.labels() == []


def sign_in(at: AppTest, name: str, password: str) -> None:
    at.text_input[0].input(name)
    at.text_input[1].input(password)
    at.button[0].click().run()


def test_a_name_and_its_password_let_in(store: Store) -> None:
    accounts.add_with_password(store, "ann", "annotator", "correct horse", datetime.now(UTC))
    at = open_app().run()
    for wrong in ("battery staple", "", "correct horse "):
        sign_in(at, "ann", wrong)
        assert not is_in(at)
    sign_in(at, "nobody", "correct horse")
    assert not is_in(at) and "do not fit together" in shown(at)
    sign_in(at, "ann", "correct horse")
    assert is_in(at)
    assert "correct horse" not in shown(at)


def test_whoever_guesses_has_to_wait(store: Store) -> None:
    accounts.add_with_password(store, "ann", "annotator", "correct horse", datetime.now(UTC))
    at = open_app().run()
    for _ in range(5):
        sign_in(at, "ann", "battery staple")
    sign_in(at, "ann", "correct horse")
    assert not is_in(at)
    assert "Try again in 15 min" in shown(at) and len(store.events("failed sign-in")) == 5


def test_the_browser_gets_a_token_that_dies_at_sign_out(store: Store, key: str) -> None:
    at = open_app()
    at.query_params["key"] = key
    at.run()
    (token,) = re.findall(r'TOKEN = \\?"([\w-]{43})', shown(at))
    assert sessions.who(store, token, datetime.now(UTC)) is not None
    next(button for button in at.button if button.label == "Sign out").click().run()
    assert sessions.who(store, token, datetime.now(UTC)) is None
    assert token in shown(at)  # which cookie to take away


def test_a_session_ends_after_its_hours(study: Path, store: Store, key: str) -> None:
    with study.open("a", encoding="utf-8") as file:
        file.write("[login]\nsession_hours = 0.0001\n")
    at = open_app()
    at.query_params["key"] = key
    at.run()
    time.sleep(0.5)
    assert not is_in(at.run())
    assert "Your session has ended" in shown(at)
    assert store.labels() == []


def test_a_new_password_ends_what_the_old_one_began(store: Store, key: str) -> None:
    at = open_app()
    at.query_params["key"] = key
    assert is_in(at.run())
    accounts.set_password(store, "ann", "correct horse", datetime.now(UTC))
    next(button for button in at.button if button.label == "correct").click().run()
    assert not is_in(at) and store.labels() == []


def test_signing_out(key: str) -> None:
    at = open_app()
    at.query_params["key"] = key
    assert is_in(at.run())
    next(button for button in at.button if button.label == "Sign out").click().run()
    assert not is_in(at)
    assert "Signed out." in shown(at)
    assert not is_in(at.run())


def test_a_study_that_cannot_be_shown_says_why(study: Path) -> None:
    study.with_name("study.db").unlink()
    at = open_app().run()
    assert not at.exception
    assert "does not exist yet" in shown(at)


def test_nothing_shown_tells_who_answered_or_what_others_think(store: Store, key: str) -> None:
    """Walk the whole page, from the door to the end, past other people's labels and verdicts."""
    accounts.add(store, "other-person", "lead", datetime.now(UTC))
    (rubric,) = store.rubrics()
    judge = Spec("judge", SECRETS[3], {})
    responses = list(store.responses())
    store.add([judge])
    for response in responses:
        note = "others-note"
        store.add([Label(response.id, rubric.id, "third-person", "skipped", note=note)])
        store.add(
            [Verdict(response.id, rubric.id, SECRETS[3], judge.id, "correct", raw="verdict-text")]
        )
    hidden = [*SECRETS, "other-person", "third-person", "others-note", "verdict-text", key]
    hidden += [response.id for response in responses] + [response.item for response in responses]
    hidden += [judge.id, *(account.secret for account in accounts.listing(store) if account.secret)]

    at = open_app()
    pages = [shown(at.run())]
    at.query_params["key"] = key
    pages.append(shown(at.run()))
    for press in ("Unsure", "Skip", "Undo", "correct", "incorrect", "Undo", "correct", "correct"):
        next(button for button in at.button if button.label == press).click().run()
        assert not at.exception
        pages.append(shown(at))
    assert "Finished" in pages[-1]
    # The walk did see the cases, so that what it did not see was not there.
    everything = "\n".join(pages)
    assert all(f"answer {n}.0" in everything and f"reference {n}" in everything for n in range(3))
    assert [secret for secret in hidden if secret in everything] == []
    assert "meta:" not in everything and "quiz" not in everything
