"""What judging will take, before anything is sent: calls, tokens and dollars, judge by judge."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from inference.label_scores import LENGTH
from inference.ledger import PER_TOKEN, dollars
from inference.prices import Tokens
from judges.answers import NOT_ANSWERED
from judges.costs import price_of
from judges.grade import CHUNK, Docket
from judges.judge import open_judge
from judges.llm import checked_template, fill
from judges.panel import members_of
from samples.records import Rubric, Spec
from samples.store import Store
from samples.study import JudgeBlock, Study

COLUMNS = ("judge", "model", "cases", "calls", "input tokens", "output tokens", "dollars", "price")


@dataclass(frozen=True)
class Forecast:
    """What one judge, alone or on a panel, is going to ask; at most, where a cascade may spare it.

    Input tokens are a quarter of the prompts' bytes, or what this judge's calls have taken so far.
    Output tokens are the most that an answer may have, or what its calls have taken so far.
    """

    judge: str
    model: str | None  # None: it asks no model
    cases: int
    calls: int
    input_tokens: int
    output_tokens: int
    usd: float | None  # None: nobody knows the price
    price: str
    measured: bool  # the tokens of a call are the mean of earlier ones
    at_most: bool  # some of the calls may be spared


def forecast(study: Study, store: Store, todo: Sequence[Docket]) -> list[Forecast]:
    """What these dockets take. The free judges of a cascade are heard, so that they spare calls."""
    rubric = study.rater_question
    blocks = {block.name: block for block in study.judge}
    will_know: dict[str, set[str]] = {}  # by spec: a panel finds what was said before it
    made = []
    for docket in todo:
        members = members_of(docket.spec)
        if not members:
            made.append(_one(study, store, docket.block, docket.spec, docket.missing, rubric))
            will_know[docket.spec.id] = set(docket.missing)
            continue
        left, in_turn = list(docket.missing), docket.block.how == "cascade"
        for seat, member in enumerate(members):
            known = store.judged(member.id, rubric.id)
            have = known.keys() | will_know.setdefault(member.id, set())
            asked = [response for response in left if response not in have]
            one = _one(study, store, blocks[member.name], member, asked, rubric)
            name = f"{docket.spec.name}: {member.name}"
            made.append(replace(one, judge=name, at_most=in_turn and seat > 0))
            will_know[member.id] |= set(asked)
            if in_turn:
                decided = {response for response, (value, _) in known.items() if value is not None}
                decided |= _decided_for_nothing(store, blocks[member.name], member, asked, rubric)
                left = [response for response in left if response not in decided]
    return made


def _one(
    study: Study,
    store: Store,
    block: JudgeBlock,
    spec: Spec,
    responses: Sequence[str],
    rubric: Rubric,
) -> Forecast:
    if block.engine is None:
        return Forecast(block.name, None, len(responses), 0, 0, 0, 0.0, "", False, False)
    spent, price = store.spent(spec.id, "verdict"), price_of(study, block)
    calls = read = 0
    template = checked_template(spec.name, spec.body["prompt"])
    for case in store.cases(responses, rubric):
        if case.response.text is not None and case.response.finish not in NOT_ANSWERED:
            calls += block.repeats
            read += block.repeats * len(fill(template, case).encode())
    room = LENGTH if block.answer == "score" else block.sampling.max_tokens
    tokens = Tokens(input=read // PER_TOKEN, output=calls * room)
    if spent.calls:
        tokens = Tokens(
            input=round(calls * spent.input_tokens / spent.calls),
            output=round(calls * spent.output_tokens / spent.calls),
        )
    usd = None if price is None else price.usd(tokens)
    source = "unknown: add a [[price]] block" if price is None else price.source
    return Forecast(
        judge=block.name,
        model=block.model,
        cases=len(responses),
        calls=calls,
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        usd=usd,
        price=source,
        measured=spent.calls > 0,
        at_most=False,
    )


def _decided_for_nothing(
    store: Store, block: JudgeBlock, spec: Spec, responses: Sequence[str], rubric: Rubric
) -> set[str]:
    """The cases that a judge without a model decides: finding out costs nothing."""
    if block.engine is not None:
        return set()
    with closing(open_judge(spec, block.run)) as judge:
        return {
            verdict.response
            for start in range(0, len(responses), CHUNK)
            for verdict in judge.judge(list(store.cases(responses[start : start + CHUNK], rubric)))
            if verdict.value is not None
        }


def table(found: Sequence[Forecast]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Columns and a row per judge; what may become less is marked."""
    rows = []
    for one in found:
        most, guess = "≤ " if one.at_most else "", "≤ " if one.at_most or not one.measured else ""
        usd = "unknown" if one.usd is None else f"{guess if one.usd else ''}{dollars(one.usd)}"
        counts = [f"{most}{one.calls:,}", f"{most}{one.input_tokens:,}"]
        tokens = [*counts, f"{guess}{one.output_tokens:,}"] if one.model else ["", "", ""]
        asks = (one.judge, one.model or "", f"{one.cases:,}")
        rows.append((*asks, *tokens, usd if one.model else "", one.price))
    return COLUMNS, rows


def total(found: Sequence[Forecast]) -> str:
    """All calls and dollars in a line, and in another what the figures rest on."""
    unknown = [one.judge for one in found if one.usd is None and one.calls]
    usd = sum(one.usd or 0.0 for one in found)
    rest = f", and what {', '.join(unknown)} will cost, which nobody knows" if unknown else ""
    calls = sum(one.calls for one in found)
    return (
        f"{calls:,} calls, at most {dollars(usd)}{rest}; nothing was sent\n"
        f"a token is taken to be {PER_TOKEN} bytes, and an answer as long as it may be, until a"
        " judge's own calls tell"
    )


def as_values(found: Sequence[Forecast]) -> dict[str, Any]:
    """The forecast as JSON-like values, by judge."""
    return {
        one.judge: {name: value for name, value in vars(one).items() if name != "judge"}
        for one in found
    }
