"""What judging costs: the price of each judge, who books it, and what it came to."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import Event as Signal
from typing import Any

from inference.ledger import Ledger, Purse, dollars
from inference.prices import Price, find_price
from judges.batch_journal import BatchJournal
from judges.panel import members_of
from samples.errors import BenchwarrantError
from samples.records import Spec
from samples.store import Store
from samples.study import JudgeBlock, Study

NO_PROVIDER = "it asks no provider"
PROVIDERS = ("anthropic", "openai")  # the engines whose requests may cost something


@dataclass(frozen=True)
class Books:
    """What a command asks its judges for, and the purse that pays for it."""

    purpose: str  # "verdict", "probe" or "recheck"
    now: Callable[[], str]
    purse: Purse = field(default_factory=Purse)
    attempt: int = 0  # the first is 0
    stop: Signal | None = None  # set where nobody waits any more

    def ledger(self, study: Study, block: JudgeBlock, spec: Spec) -> Ledger | None:
        """Where the requests of a judge are booked; None for those that cannot cost anything."""
        if block.engine not in PROVIDERS:
            return None
        return Ledger(spec.id, self.purpose, price_of(study, block), self.purse, self.now)

    def journal(self, store: Store, block: JudgeBlock, spec: Spec) -> BatchJournal | None:
        """Where the batches of a judge are noted; a recheck is wanted now and has none."""
        if not block.batch or self.purpose == "recheck":
            return None
        purpose = f"{self.purpose}, attempt {self.attempt}"
        journal = BatchJournal(store.path, purpose, self.now, spec)
        journal.stopped = self.stop or journal.stopped
        return journal


def price_of(study: Study, block: JudgeBlock) -> Price | None:
    """What the model of a judge costs; None where nobody knows."""
    if block.engine is None or block.model is None:
        return None
    return find_price(block.engine, block.model, block.run.get("base_url"), study.price)


def purse(study: Study, blocks: Iterable[JudgeBlock], max_usd: float | None) -> Purse:
    """A purse with so many dollars; without a price nobody could say when they are spent."""
    if max_usd is not None:
        for block in asked(study, blocks):
            if block.engine in PROVIDERS and price_of(study, block) is None:
                raise BenchwarrantError(
                    f"[[judge]] {block.name}: no price of {block.model!r} is known, so --max-usd"
                    " cannot be kept; say it in the study file: [[price]] model, input, output"
                )
    return Purse(max_usd)


def asked(study: Study, blocks: Iterable[JudgeBlock]) -> list[JudgeBlock]:
    """These judges and the members of those that are panels, each once."""
    by_name = {block.name: block for block in study.judge}
    names = [name for block in blocks for name in (block.members or [block.name])]
    return [by_name[name] for name in dict.fromkeys(names)]


def costs(store: Store, spec: Spec, rubric: str, case: Mapping[str, Any]) -> dict[str, Any]:
    """What a judge's verdicts have cost, and those that are right; a panel costs as its members do.

    Dollars per verdict are those of all attempts over all verdicts, asked again or not; the
    accuracy of ``case``, failures counted as wrong, makes them dollars per correct decision.
    """
    accuracy = case["accuracy"]
    each, counted = _per_verdict(store, spec, rubric)
    if isinstance(each, str):
        return {"per_1000_verdicts": None, "per_1000_correct": None, "reason": each} | counted
    right = {end: accuracy.get(end) for end in ("value", "low", "high")}
    per = {"value": right["value"], "low": right["high"], "high": right["low"]}
    correct: dict[str, Any] = {end: 1000 * each / p if p else None for end, p in per.items()}
    correct["n"] = case["n"]
    if None in correct.values():
        correct["reason"] = accuracy.get("reason", "undefined: it may be right on no case")
    return {"per_1000_verdicts": 1000 * each, "per_1000_correct": correct} | counted


def _per_verdict(store: Store, spec: Spec, rubric: str) -> tuple[float | str, dict[str, Any]]:
    """Dollars per verdict, or why there are none, and what they were counted from."""
    if members := members_of(spec):
        return _per_panel_verdict(store, spec, members, rubric)
    spent, verdicts = store.spent(spec.id, "verdict"), store.verdicts_given(spec.id)
    counted = {"verdicts": verdicts, **spent._asdict()}
    for purpose in ("probe", "recheck"):
        counted[f"{purpose}_usd"] = store.spent(spec.id, purpose).usd
    if not spent.attempts:
        return NO_PROVIDER, counted
    if spent.unpriced:
        return f"no price was known for {spent.unpriced} of {spent.attempts} attempts", counted
    return (spent.usd or 0.0) / max(verdicts, 1), counted


def usd_per_verdict(store: Store, spec: Spec, rubric: str) -> float | None:
    """What one verdict of this judge has cost on average; None where nobody knows, or nothing."""
    each, _ = _per_verdict(store, spec, rubric)
    return None if isinstance(each, str) else each


def _per_panel_verdict(
    store: Store, spec: Spec, members: list[Spec], rubric: str
) -> tuple[float | str, dict[str, Any]]:
    """A panel's verdict costs what its members said for it, and they may have said it before."""
    given, calls = 0, Counter[str]()
    for _, meta, _ in store.judged_how(spec.id, rubric):
        given += 1
        calls.update(meta["said"].keys())
    total = 0.0
    for member in members:
        each, _ = _per_verdict(store, member, rubric)
        if each == NO_PROVIDER:
            continue
        if isinstance(each, str):
            return f"{member.name}: {each}", {"verdicts": given}
        total += each * calls[member.name]
    return total / max(given, 1), {"verdicts": given, "usd": total}


def costs_say(about: Mapping[str, Any]) -> str:
    """One sentence on what a judge costs; nothing where it costs nothing."""
    found = about.get("cost", {})
    if found.get("reason") == NO_PROVIDER or not found:
        return ""
    if "reason" in found:
        return f"What it costs is not known: {found['reason']}."
    per, right = found["per_1000_verdicts"], found["per_1000_correct"]
    said = f"It costs {dollars(per)} per 1,000 verdicts"
    if right["value"] is not None:
        ends = [dollars(right[end]) if right[end] else "?" for end in ("low", "high")]
        said += f" and {dollars(right['value'])} [{', '.join(ends)}] per 1,000 correct ones"
    if "attempts" not in found:
        return f"{said}, by what its members cost."
    guessed = f", {found['estimated']:,} of them by estimate" if found["estimated"] else ""
    return (
        f"{said}: {dollars(found['usd'])} for {found['attempts']:,} attempts{guessed} and"
        f" {found['verdicts']:,} verdicts."
    )
