"""Put probes before judges: built from the audit set's items, asked where missing, and saved."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from inference.ledger import Purse
from judges.certain import NotBuilt, Target
from judges.costs import Books
from judges.grade import chunk, named_blocks, open_block, save, tick_own
from judges.judge import judge_spec
from judges.panel import members_of
from judges.probes import PROBES, build
from samples.errors import BenchwarrantError
from samples.records import Case, Item, ProbeVerdict, Response, Rubric, Spec, Verdict
from samples.store import Store
from samples.study import JudgeBlock, Study


@dataclass(frozen=True)
class Text:
    """A probe of one item, ready to be judged."""

    item: Item
    attack: str
    text: str


@dataclass(frozen=True)
class Plan:
    """The probes that the items allow, and of how many items an attack could not be built, why."""

    texts: tuple[Text, ...]
    not_built: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Unasked:
    """One judge and the probes that it was not asked about yet."""

    block: JudgeBlock
    spec: Spec
    missing: tuple[Text, ...]


def plan(items: Sequence[Item], rubric: Rubric, seed: int, per_attack: int) -> Plan:
    """Up to so many items for each attack, in an order of its own that a larger number goes on.

    First one text of every attack, then the second of each, so that a cut run touches them all.
    """
    by_task: dict[str, list[Item]] = {}
    for item in sorted(items, key=lambda item: item.id):
        by_task.setdefault(item.task, []).append(item)
    targets = [
        Target(item, tuple(same), rubric.positive) for same in by_task.values() for item in same
    ]
    built: dict[str, list[Text]] = {}
    reasons: dict[str, Counter[str]] = {}
    for attack in PROBES:
        built[attack], reasons[attack] = [], Counter()
        for target in Random(f"{seed}/{attack}").sample(targets, len(targets)):
            try:
                text = build(attack, target, seed)
            except NotBuilt as reason:
                reasons[attack][str(reason)] += 1
            else:
                built[attack].append(Text(target.item, attack, text))
    rounds = [texts[n] for n in range(per_attack) for texts in built.values() if n < len(texts)]
    not_built = {attack: dict(why.most_common()) for attack, why in reasons.items() if why}
    return Plan(tuple(rounds), not_built)


def audit_plan(study: Study, store: Store, per_attack: int) -> Plan:
    """The plan for the audit set in force."""
    audit_set = store.audit_set()
    if audit_set is None:
        raise BenchwarrantError("there is no audit set yet; run `benchwarrant sample`")
    items = store.audit_items(audit_set.id)
    return plan(items, study.rater_question, study.seed, per_attack)


def unasked(
    study: Study, store: Store, texts: Sequence[Text], names: Sequence[str] = ()
) -> list[Unasked]:
    """What each judge of the study (or each that is named) was not asked yet."""
    blocks = named_blocks(
        study, names, "one whose verdicts were imported cannot be asked: add one to the study file"
    )
    rubric, made = study.rater_question, []
    for name in dict.fromkeys(names or blocks):
        spec = judge_spec(study, blocks[name])
        asked = store.probes_asked(spec.id, rubric.id)
        missing = tuple(t for t in texts if (t.item.id, t.attack, t.text) not in asked)
        made.append(Unasked(blocks[name], spec, missing))
    return made


def run(
    study: Study,
    store: Store,
    todo: Sequence[Unasked],
    tick: Callable[[ProbeVerdict], None],
    now: Callable[[], str],
    purse: Purse | None = None,
) -> None:
    """Ask what is missing, judge by judge; nothing of it is a response or a verdict."""
    rubric, books = study.rater_question, Books("probe", now, purse or Purse())
    store.add([rubric])
    for one in todo:
        if not one.missing:
            continue
        store.add([*members_of(one.spec), one.spec])
        known = {member.name: _said(store, member, rubric) for member in members_of(one.spec)}
        own = partial(tick_own, one.spec.id, tick)
        step = chunk(study, one.block)
        with open_block(study, store, one.block, one.spec, known, books) as judge:
            for start in range(0, len(one.missing), step):
                texts = {
                    response.id: (text, response)
                    for text in one.missing[start : start + step]
                    for response in [_response(text.item.id, text.attack, text.text)]
                }
                cases = [Case(text.item, response, rubric) for text, response in texts.values()]
                made = _probe_verdicts(judge.judge(cases), texts, now)
                save(made, store, own, one.block, books)


def _response(item: str, attack: str, text: str) -> Response:
    """As a judge sees it; it is never stored."""
    return Response(item, "probe", "", attack, 0, text)


def _said(store: Store, member: Spec, rubric: Rubric) -> dict[str, tuple[str | None, str | None]]:
    """What a panel's member has said of probes already, by response: it is not asked again."""
    audit_set = store.audit_set()
    rows = store.probed(member.id, rubric.id, audit_set.id) if audit_set else []
    return {_response(r.item, r.attack, r.text).id: (r.value, r.failure) for r in rows}


def _probe_verdicts(
    verdicts: Iterator[Verdict],
    texts: Mapping[str, tuple[Text, Response]],
    now: Callable[[], str],
) -> Iterator[ProbeVerdict]:
    for verdict in verdicts:
        text, _ = texts[verdict.response]
        yield ProbeVerdict(
            item=text.item.id,
            rubric=verdict.rubric,
            attack=text.attack,
            must=PROBES[text.attack].must,
            text=text.text,
            judge=verdict.judge,
            spec=verdict.spec,
            value=verdict.value,
            failure=verdict.failure,
            raw=verdict.raw,
            reason=verdict.reason,
            created_at=now(),
        )
