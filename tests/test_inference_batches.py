"""Batches of both providers, by their SDKs on the loopback: nothing is lost or paid for twice."""

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice
from threading import Event, Thread
from typing import Any

import pytest
from batch_provider import Provider, provider, refused
from quick_server import KEY, chats

from inference.anthropic_api import AnthropicEngine
from inference.batch_services import Batch
from inference.batches import ROUNDS, growing, named, parted
from inference.engine import Completion, EngineSpec, Sampling
from inference.ledger import Ledger, Purse
from inference.openai_api import OpenAIEngine
from inference.prices import Price
from samples.errors import BenchwarrantError, Refused

ENGINES = {"openai": OpenAIEngine, "anthropic": AnthropicEngine}
CREATE = {"openai": "POST /batches", "anthropic": "POST /messages/batches"}
ASKED = tuple(f"question {n}" for n in range(7))
SCHEMA = {"type": "object", "properties": {"verdict": {"enum": ["yes", "no"]}}}

Connect = Callable[..., Any]


class Notes:
    """A journal in memory."""

    def __init__(self) -> None:
        self.stopped = Event()
        self.entries: list[tuple[str, Batch]] = []
        self.done: list[Batch] = []

    def open(self) -> list[Batch]:
        found: dict[str, Batch] = {}
        for state, batch in self.entries:
            found[batch.key] = batch
            if state in ("dropped", "failed", "settled"):
                del found[batch.key]
        return list(found.values())

    def ids(self) -> set[str]:
        return {batch.id for _, batch in self.entries if batch.id}

    def note(self, state: str, batch: Batch) -> None:
        self.entries.append((state, batch))

    def collected(self, batch: Batch) -> None:
        self.done.append(batch)

    @property
    def states(self) -> list[str]:
        return [state for state, _ in self.entries]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEST_KEY", KEY)


@pytest.fixture
def there() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture
def journal() -> Notes:
    return Notes()


@pytest.fixture(params=ENGINES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def connect(there: Provider, name: str, journal: Notes) -> Iterator[Connect]:
    opened: list[Any] = []

    def connect(options: dict[str, Any] | None = None, **run: Any) -> Any:
        settings = {"base_url": getattr(there, name), "api_key_env": "TEST_KEY", "poll": 0.01}
        spec = EngineSpec(name, "tiny", options=options or {})
        opened.append(ENGINES[name](spec, {"journal": journal, **settings, **run}))
        return opened[-1]

    yield connect
    for engine in opened:
        engine.close()


def ask(engine: Any, asked: Sequence[str] = ASKED, **sampling: Any) -> list[Completion]:
    return list(engine.generate(chats(*asked), Sampling(**sampling)))


def texts(found: Sequence[Completion]) -> dict[int, str | None]:
    return {one.index: one.text for one in found}


def right(asked: Sequence[str] = ASKED) -> dict[int, str]:
    return {index: f"re: {text}" for index, text in enumerate(asked)}


def only(words: str, what: str) -> Callable[[dict[str, Any]], str]:
    """Rows whose question has these words fare so."""
    return lambda body: what if words in json.dumps(body) else "ok"


# What comes back


def test_every_chat_gets_its_answer_from_one_batch(
    connect: Connect, there: Provider, journal: Notes
) -> None:
    engine = connect()
    found = ask(engine)
    assert texts(found) == right()
    assert {(one.finish, one.prompt_tokens, one.completion_tokens) for one in found} == {
        ("stop", 11, 7)
    }
    assert found[0].prompt == f'[{{"content":"{ASKED[found[0].index]}","role":"user"}}]'
    assert len(there.batches) == 1
    assert journal.states == ["planned", "sent"]
    assert [batch.id for batch in journal.done] == list(there.batches)
    assert engine.facts()["batches"] == list(there.batches)
    assert engine.facts()["served"] == ["tiny-2026-01-01"]


def test_custom_ids_fit_both_providers(connect: Connect, there: Provider, journal: Notes) -> None:
    ask(connect())
    [made], (_, planned) = there.batches.values(), journal.entries[0]
    assert all(re.fullmatch(rf"{planned.key}-[0-9a-f]{{24}}", row) for row in made.rows)


def test_the_batch_is_noted_before_it_is_created_and_its_id_before_anything_waits(
    connect: Connect, there: Provider, name: str, journal: Notes
) -> None:
    seen: list[tuple[str, list[str]]] = []

    def look(when: str, call: str) -> None:
        if when == "before":
            seen.append((call, list(journal.states)))

    there.trouble = look  # type: ignore[assignment]
    ask(connect())
    states = dict(reversed(seen))
    assert states[CREATE[name]] == ["planned"]
    assert all(s == ["planned", "sent"] for call, s in seen if re.search("GET .*batch_", call))


def test_it_waits_while_the_batch_runs(connect: Connect, there: Provider) -> None:
    there.looks = 4
    assert texts(ask(connect())) == right()


@pytest.mark.parametrize(
    ("what", "finish", "error"),
    [
        ("400 no such thing", "error", "no such thing"),
        ("400 prompt is too long: 9 tokens > 8 maximum", "too_long", "prompt is too long"),
    ],
)
def test_a_row_s_own_fault_is_its_outcome(
    connect: Connect, there: Provider, what: str, finish: str, error: str
) -> None:
    there.rule = only("question 3", what)
    found = {one.index: one for one in ask(connect())}
    assert (found[3].text, found[3].finish) == (None, finish)
    assert error in (found[3].error or "")
    assert {**texts(list(found.values())), 3: "re: question 3"} == right()
    assert len(there.batches) == 1


@pytest.mark.parametrize("what", ["expired", "500"])
def test_only_what_is_missing_is_sent_again(connect: Connect, there: Provider, what: str) -> None:
    there.rule = lambda body: what if not there.batches and "question 3" in str(body) else "ok"
    if what == "expired":
        there.state = "expired"
    assert texts(ask(connect())) == right()
    assert [len(made.rows) for made in there.batches.values()] == [7, 1]
    assert set(there.paid.values()) == {1}


def test_a_trouble_of_all_rows_says_what_to_check(
    connect: Connect, there: Provider, name: str
) -> None:
    there.rule = only("question 3", "401 your key sk-sec... is wrong")
    with pytest.raises(BenchwarrantError, match=r"401: no key.*check the key in TEST_KEY"):
        ask(connect())
    there.rule = only("", "ok")  # mended: the rows of the earlier batch are no reason to stop
    assert texts(ask(connect(), ASKED[3:4])) == {0: "re: question 3"}


def test_rounds_that_bring_nothing_come_to_an_end(
    connect: Connect, there: Provider, journal: Notes
) -> None:
    there.rule = only("question 3", "500 out of order")
    found: list[Completion] = []
    with pytest.raises(BenchwarrantError, match=r"3 times in a row.*out of order.*run the same"):
        found.extend(connect().generate(chats(*ASKED), Sampling()))
    assert len(there.batches) == 1 + ROUNDS
    assert set(there.paid.values()) == {1, 0}


@pytest.mark.parametrize("name", ["openai"], indirect=True)
def test_a_batch_that_fails_as_a_whole_is_reported_in_the_provider_s_words(
    connect: Connect, there: Provider, journal: Notes
) -> None:
    there.problems = [{"code": "model_not_found", "message": "The model has no batches."}]
    with pytest.raises(BenchwarrantError, match=r"could not run batch batch_0 .The model has no"):
        ask(connect())
    assert journal.states == ["planned", "sent", "failed"]
    assert journal.open() == []
    there.problems = []
    assert texts(ask(connect())) == right()


@pytest.mark.parametrize("name", ["openai"], indirect=True)
def test_a_full_queue_is_waited_for(connect: Connect, there: Provider) -> None:
    there.problems = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached."}]

    def enough(when: str, call: str) -> None:
        if len(there.batches) == 2:
            there.problems = []

    there.trouble = enough  # type: ignore[assignment]
    assert texts(ask(connect())) == right()


@pytest.mark.parametrize("name", ["openai"], indirect=True)
def test_a_cancelled_batch_is_merged_with_what_it_lacks(connect: Connect, there: Provider) -> None:
    there.state = "cancelled"
    there.rule = lambda body: "ok" if there.batches or "3" not in str(body) else "expired"
    assert texts(ask(connect())) == right()
    assert set(there.paid.values()) == {1}


def test_twins_are_two_rows_and_seeds_tell_repeats_apart(connect: Connect, there: Provider) -> None:
    assert texts(ask(connect(), ["a", "b", "a"])) == {0: "re: a", 1: "re: b", 2: "re: a"}
    assert len(next(iter(there.batches.values())).rows) == 3
    ask(connect(), ["a", "b", "a"], seed=1)
    assert len(there.batches) == 2


def test_many_rows_go_in_several_batches_all_before_anything_waits(
    connect: Connect, there: Provider, name: str
) -> None:
    assert texts(ask(connect(batch_rows=3))) == right()
    assert [len(made.rows) for made in there.batches.values()] == [3, 3, 1]
    looks = [n for n, call in enumerate(there.calls) if call.startswith("GET")]
    creates = [n for n, call in enumerate(there.calls) if call == CREATE[name]]
    assert max(creates) < min(looks)


def test_answers_in_json_come_by_batch_too(connect: Connect, there: Provider) -> None:
    found = list(connect().generate_json(chats("a"), Sampling(), SCHEMA))
    assert texts(found) == {0: "re: a"}
    [(body, _)] = next(iter(there.batches.values())).rows.values()
    assert '"enum": ["yes", "no"]' in json.dumps(body)


@pytest.mark.parametrize("name", ["openai"], indirect=True)
def test_scores_come_by_batch_and_decisions_do_not(connect: Connect, there: Provider) -> None:
    with pytest.raises(BenchwarrantError, match="no log-probabilities"):
        list(connect().score(chats("a"), ["yes", "no"]))
    [(body, _)] = next(iter(there.batches.values())).rows.values()
    assert body["top_logprobs"] == 20
    with pytest.raises(BenchwarrantError, match="decisions are not made by batch"):
        list(connect({"decisions": True}).score(chats("a"), ["yes", "no"]))


PRICE = Price(
    input=1e6, output=1e6, cached=1e6, written=1e6, written_1h=1e6, batch=0.5, source="here"
)  # a dollar a token, half of it by batch


def ledger(limit: float | None = None) -> tuple[Ledger, Purse]:
    purse = Purse(limit)
    return Ledger("b2:judge", "verdict", PRICE, purse, lambda: "now"), purse


def test_each_paid_answer_is_booked_before_it_is_handed_on(connect: Connect) -> None:
    books, purse = ledger()
    engine = connect(ledger=books)
    for number, _ in enumerate(engine.generate(chats(*ASKED), Sampling()), 1):
        assert len(purse.booked) == number
    charges = purse.drain()
    assert all(c.batch and c.outcome == "answered" and not c.estimated for c in charges)
    assert purse.spent == sum(c.input_tokens + c.output_tokens for c in charges) / 2 > 0
    assert len({charge.id for charge in charges}) == len(charges)


def test_a_ceiling_sends_what_it_pays_for_and_then_what_is_left_pays_for(
    connect: Connect, there: Provider
) -> None:
    """The dearest answer is some 200 tokens, at half a dollar, and a real one a tenth of that."""
    books, purse = ledger(limit=600.0)
    engine = connect(ledger=books)
    asked = [f"question {number}" for number in range(40)]
    assert len(list(engine.generate(chats(*asked), Sampling(max_tokens=100)))) == 40
    assert len(there.batches) > 1
    assert 0 < purse.spent <= 600.0


def test_a_ceiling_that_pays_for_no_row_stops(connect: Connect, there: Provider) -> None:
    books, purse = ledger(limit=20.0)
    engine = connect(ledger=books)
    with pytest.raises(Refused, match=r"stopped before the ceiling: \$0.00 of \$20.00 are spent"):
        list(engine.generate(chats(*ASKED), Sampling(max_tokens=100)))
    assert not there.batches and purse.spent == 0


# Troubles on the way


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_passes_is_waited_out(connect: Connect, there: Provider, status: int) -> None:
    first: set[str] = set()

    def once(when: str, call: str) -> Any:
        if when == "before" and call not in first:
            first.add(call)
            return refused(status, "later")
        return None

    there.trouble = once
    assert texts(ask(connect())) == right()
    assert set(there.paid.values()) == {1}
    assert len(there.batches) == 1


def test_a_batch_whose_creation_was_not_heard_of_is_found(
    connect: Connect, there: Provider, name: str, journal: Notes
) -> None:
    def unheard(when: str, call: str) -> Any:
        is_first = when == "after" and call == CREATE[name] and len(there.batches) == 1
        return refused(502, "bad gateway") if is_first else None

    there.trouble = unheard
    assert texts(ask(connect())) == right()
    assert journal.states == ["planned", "sent"]
    assert len(there.batches) == 1


def test_no_room_for_more_batches_is_room_for_the_first(
    connect: Connect, there: Provider, name: str, journal: Notes
) -> None:
    def full(when: str, call: str) -> Any:
        looked = any(call.startswith("GET") for call in there.calls)
        is_full = when == "before" and call == CREATE[name] and there.batches and not looked
        return refused(429, "too many batches") if is_full else None

    there.trouble = full
    assert texts(ask(connect(batch_rows=4, max_retries=1))) == right()
    assert journal.states == ["planned", "sent", "planned", "dropped", "planned", "sent"]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "401: no key, or one that is not accepted.; check the key in TEST_KEY"),
        (400, "takes no such batch .400: .* is wrong.; check model and options"),
        (404, "404: .*check base_url and model"),
    ],
)
def test_a_refusal_is_one_line_without_the_key(
    connect: Connect, there: Provider, name: str, status: int, said: str
) -> None:
    there.trouble = lambda when, call: (
        refused(status, f"{KEY} is wrong") if call == CREATE[name] else None
    )
    with pytest.raises(BenchwarrantError, match=said) as caught:
        ask(connect())
    assert KEY not in str(caught.value) and "\n" not in str(caught.value)
    assert there.paid == {}


def test_results_that_break_off_are_fetched_again(
    connect: Connect, there: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = connect()
    service, tries = engine._batches._service, count(1)
    whole = service.results

    def broken(batch: str) -> Iterator[Any]:
        yield from islice(whole(batch), 3 * next(tries))

    monkeypatch.setattr(service, "results", broken)  # 3 lines, then 6, then all 7
    assert texts(ask(engine)) == right()
    assert len(there.batches) == 1


def test_pages_that_are_none_of_the_api_s_come_to_an_end(connect: Connect, there: Provider) -> None:
    there.trouble = lambda when, call: (
        None if call.startswith("POST") else refused(200, f"<html> {KEY}")
    )
    with pytest.raises(BenchwarrantError, match="batches that were sent go on there") as caught:
        ask(connect())
    assert KEY not in str(caught.value)


def test_a_batch_that_the_provider_does_not_know_may_be_given_up(
    connect: Connect, there: Provider
) -> None:
    there.looks = 99
    answers = connect().generate(chats(*ASKED), Sampling())
    stopped_soon(connect, there, answers)
    [gone] = there.batches
    there.batches.clear()
    there.looks = 1
    with pytest.raises(BenchwarrantError, match=rf"has no batch {gone}.*given_up = \[\"{gone}\"\]"):
        ask(connect())
    there.make("other_", {}, {"looks": 9})
    assert texts(ask(connect(given_up=[gone]))) == right()


def stopped_soon(connect: Connect, there: Provider, answers: Iterator[Completion]) -> None:
    """Interrupt a run once its batch is there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("inference.batches.Batches._pause", interrupt)
        with pytest.raises(
            KeyboardInterrupt, match=r"the batches go on at localhost:.*same command"
        ):
            list(answers)


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def test_waiting_ends_at_once_where_nobody_waits_any_more(
    connect: Connect, there: Provider, journal: Notes
) -> None:
    there.looks = 10**6
    engine, said = connect(poll=60), list[str]()

    def wait() -> None:
        try:
            ask(engine)
        except BenchwarrantError as error:
            said.append(str(error))

    thread = Thread(target=wait)
    thread.start()
    while journal.states != ["planned", "sent"]:
        time.sleep(0.005)
    journal.stopped.set()
    thread.join(5)
    assert said == ["stopped while waiting for a batch; run the same command again"]


# A kill at any step


class Killed(BaseException):
    """The end of the process, as far as what it held goes."""


class Fuse:
    """Kills at one of the moments before and after each call of what it is put around."""

    def __init__(self, at: int) -> None:
        self.left = at

    def burn(self) -> None:
        self.left -= 1
        if self.left == -1:
            raise Killed

    def around(self, thing: Any, *names: str) -> Any:
        for name in names:
            setattr(thing, name, self._fused(getattr(thing, name)))
        return thing

    def _fused(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def fused(*told: Any) -> Any:
            self.burn()
            found = call(*told)
            self.burn()
            return self._each(found) if isinstance(found, Iterator) else found

        return fused

    def _each(self, found: Iterator[Any]) -> Iterator[Any]:
        for one in found:
            yield one
            self.burn()


def run_to(connect: Connect, journal: Notes, saved: dict[str, str], fuse: Fuse) -> None:
    """Ask what is not saved yet, and save each answer as it comes."""
    engine = connect(batch_rows=3)
    fuse.around(engine._batches._service, "upload", "create", "find", "ended", "results")
    noting = engine._batches._journal = Notes()
    noting.entries = journal.entries  # the same pages under a hand that may stop
    fuse.around(noting, "note")
    missing = [text for text in ASKED if text not in saved]
    for one in engine.generate(chats(*missing), Sampling()):
        assert missing[one.index] not in saved
        saved[missing[one.index]] = str(one.text)
        fuse.burn()


@pytest.mark.slow  # a hundred runs
def test_wherever_a_run_is_killed_the_next_one_pays_for_nothing_again(
    connect: Connect, there: Provider, journal: Notes
) -> None:
    moments = 0
    for moment in count():
        there.batches.clear()
        there.paid.clear()
        journal.entries.clear()
        expired = {"question 2", "question 5"}

        def rule(body: dict[str, Any], expired: set[str] = expired) -> str:
            question = str(body["messages"][-1]["content"])
            if question in expired:
                expired.discard(question)
                return "expired"
            return "ok"

        there.rule = rule
        saved: dict[str, str] = {}
        fuse = Fuse(moment)
        try:
            run_to(connect, journal, saved, fuse)
        except Killed:
            moments += 1
        else:
            break
        run_to(connect, journal, saved, Fuse(10**9))
        assert saved == {text: f"re: {text}" for text in ASKED}
        assert set(there.paid.values()) == {1}, moment
    assert moments > 40


def test_two_kills_in_a_row_pay_for_nothing_again(
    connect: Connect, there: Provider, journal: Notes
) -> None:
    for moments in zip(range(0, 40, 5), range(3, 50, 6), strict=False):
        there.batches.clear()
        there.paid.clear()
        journal.entries.clear()
        saved: dict[str, str] = {}
        for moment in (*moments, 10**9):
            try:
                run_to(connect, journal, saved, Fuse(moment))
            except Killed:
                continue
        assert saved == {text: f"re: {text}" for text in ASKED}
        assert set(there.paid.values()) == {1}, moments


def planned(connect: Connect, journal: Notes) -> list[str]:
    """The rows of a batch that a run has planned, and was killed before it could create it."""
    engine = connect()
    Fuse(0).around(engine._batches._service, "create")
    with pytest.raises(Killed):
        ask(engine)
    return list(journal.entries[0][1].rows)


def test_another_s_batch_of_the_same_size_is_not_taken_for_ours(
    connect: Connect, there: Provider, journal: Notes, name: str
) -> None:
    planned(connect, journal)
    body = {"model": "tiny", "messages": [{"role": "user", "content": "theirs"}]}
    about = {"looks": 0, "input_file_id": "theirs", "metadata": {"benchwarrant": "theirs"}}
    prefix = {"openai": "batch_", "anthropic": "msgbatch_"}[name]
    there.make(prefix, {f"theirs-{n}": body for n in range(7)}, about)
    assert texts(ask(connect())) == right()
    assert journal.states == ["planned", "dropped", "planned", "sent"]


def test_a_batch_of_another_host_is_left_alone(
    connect: Connect, there: Provider, journal: Notes
) -> None:
    journal.note("planned", Batch("key", "other.example", tuple(named([1]))))
    assert texts(ask(connect())) == right()
    assert journal.open()[0].host == "other.example"


def test_what_this_call_does_not_want_stays_to_be_collected(
    connect: Connect, there: Provider, journal: Notes
) -> None:
    there.looks = 3
    stopped_soon(connect, there, connect().generate(chats(*ASKED), Sampling()))
    assert texts(ask(connect(), ASKED[:2])) == right(ASKED[:2])
    assert journal.done == []  # so it is not settled
    assert texts(ask(connect())) == right()
    assert len(there.batches) == 1


# The pure parts


def test_names_follow_from_what_is_asked() -> None:
    one, two = named([["a"], ["b"], ["a"]]), named([["a"], ["a"], ["b"]])
    assert one.keys() == two.keys()
    assert list(one.values()) == [0, 1, 2]
    assert named([["c"]]).keys().isdisjoint(one)


def test_parts_are_small_enough_and_nothing_is_lost() -> None:
    rows = [(str(n), {"text": "x" * n}) for n in range(40)]
    parts = list(parted(iter(rows), 7, 200))
    assert [pair for part in parts for pair in part.items()] == rows
    assert max(map(len, parts)) == 7
    assert all(len(part) == 1 or sum(len(b["text"]) for b in part.values()) < 200 for part in parts)
    assert [list(part) for part in parted([("big", {"text": "x" * 999})], 7, 200)] == [["big"]]


def test_pauses_grow_to_the_longest() -> None:
    assert list(islice(growing(3.0), 5)) == [1, 1.5, 2.25, 3, 3]
    assert list(islice(growing(0.5), 2)) == [0.5, 0.5]
