"""What verdicts are made of: who on a panel decided, how often a judge changed its mind."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from inference.ledger import dollars
from judges import intervals
from judges.agreement import Array
from judges.costs import usd_per_verdict
from judges.figures import figure, undefined_figure
from judges.panel import members_of
from judges.phrasing import interval
from judges.tables import Audit
from samples.records import Spec
from samples.store import Store
from samples.study import PolicyBlock


def makeup(audit: Audit, store: Store, policy: PolicyBlock, seed: int) -> dict[str, dict[str, Any]]:
    """By judge, what the report says of it beside its figures; most have nothing to say."""
    found: dict[str, dict[str, Any]] = {}
    for name, run in audit.judges.items():
        if members_of(run.spec):
            facts = panel_facts(store, run.spec, audit.rubric.id, audit.responses)
            found[name] = {"panel": facts}
        elif repeats := run.spec.body.get("repeats"):
            given = {r: meta for r, meta, _ in store.judged_how(run.spec.id, audit.rubric.id)}
            metas = [given.get(r, {}) for r in audit.responses]
            flips = np.array([flipped(meta.get("repeats", ())) for meta in metas])
            rate = flip_rate(flips, audit, policy, np.random.default_rng(seed))
            found[name] = {"repeats": {"n": repeats, "flip_rate": rate}}
    return found


def flipped(repeats: Sequence[Mapping[str, Any]]) -> float:
    """Whether the same question did not get the same verdict each time; NaN if it was not asked.

    Failures are alike here: to have no verdict is one outcome.
    """
    return float(len({one.get("value") for one in repeats}) > 1) if repeats else math.nan


def flip_rate(
    flips: Array, audit: Audit, policy: PolicyBlock, rng: np.random.Generator
) -> dict[str, Any]:
    """The weighted share of cases that flipped, with a bootstrap of questions.

    Where all cases are alike the interval is Clopper and Pearson's, by questions.
    """
    asked = ~np.isnan(flips)
    if not asked.any():
        return undefined_figure("undefined: no case was asked about") | {"n": 0}
    question, weight = audit.question[asked], audit.weight[asked]
    sums = np.zeros((int(audit.question.max()) + 1, 2))
    np.add.at(sums, question, np.stack([weight * flips[asked], weight], axis=1))
    drawn = intervals.multinomial_weights(rng, policy.resamples, len(sums))
    samples = intervals.resampled(drawn, sums)
    with np.errstate(invalid="ignore"):  # a resample of questions that were not asked
        rates = samples[:, 0] / samples[:, 1]
    low, high, undefined = intervals.percentile_interval(rates, policy.confidence)
    value = float(sums[:, 0].sum() / sums[:, 1].sum())
    if value in (0, 1):
        m = np.array(len(np.unique(question)))
        low, high = intervals.clopper_pearson(m * value, m, policy.confidence)
    return figure(value, float(low), float(high), float(undefined)) | {"n": int(asked.sum())}


def panel_facts(
    store: Store, spec: Spec, rubric: str, responses: Sequence[str] | None = None
) -> dict[str, Any]:
    """How a panel came to its verdicts, or those on these cases; of a cascade, the calls it spared.

    A call counts as spared where the verdict needed no word of that member, whatever the member
    was asked as a judge of its own. Its tokens and its dollars are the mean of those calls of it
    that were made.
    """
    how, names = spec.body["how"], [member.name for member in members_of(spec)]
    n, calls, decided = 0, Counter[str](), Counter[str]()
    wanted = None if responses is None else set(responses)
    for response, meta, _ in store.judged_how(spec.id, rubric):
        if wanted is None or response in wanted:
            n += 1
            calls.update(meta["said"].keys())
            decided.update([meta["decided_by"]] if "decided_by" in meta else [])
    facts = {"how": how, "members": names, "n": n, "calls": {name: calls[name] for name in names}}
    if how != "cascade":
        return facts
    spared = {name: n - calls[name] for name in names}
    tokens = {
        member.name: round(mean * spared[member.name])
        for member in members_of(spec)
        if spared[member.name] and (mean := _mean_tokens(store, member, rubric)) is not None
    }
    usd = {
        member.name: each * spared[member.name]
        for member in members_of(spec)
        if spared[member.name] and (each := usd_per_verdict(store, member, rubric)) is not None
    }
    return facts | {
        "decided_by": {name: decided[name] for name in names},
        "undecided": n - decided.total(),
        "calls_saved": sum(spared.values()),
        **({"tokens_saved": sum(tokens.values())} if tokens else {}),
        **({"usd_saved": sum(usd.values())} if usd else {}),
    }


def _mean_tokens(store: Store, member: Spec, rubric: str) -> float | None:
    """What one call of this member took; None where its engine counts none."""
    total = calls = 0
    for _, _, tokens in store.judged_how(member.id, rubric):
        total, calls = total + (tokens or 0), calls + (tokens is not None)
    return total / calls if calls else None


def panel_says(facts: Mapping[str, Any]) -> str:
    """ "cascade: rules decided 812, gpt-4o 188; 812 of 2,000 calls saved, about 406,000 tokens"."""
    if facts["how"] != "cascade":
        return f"{facts['how']} of {', '.join(facts['members'])}"
    decided = [f"{name} {n:,}" for name, n in facts["decided_by"].items()]
    decided[0] = decided[0].replace(facts["members"][0], f"{facts['members'][0]} decided", 1)
    if facts["undecided"]:
        decided.append(f"nobody {facts['undecided']:,}")
    most = facts["n"] * len(facts["members"])
    saved = f"{facts['calls_saved']:,} of {most:,} calls saved"
    if "tokens_saved" in facts:
        saved += f", about {facts['tokens_saved']:,} tokens"
    if "usd_saved" in facts:
        saved += f" and {dollars(facts['usd_saved'])}"
    return f"cascade: {', '.join(decided)}; {saved}"


def makeup_says(about: Mapping[str, Any]) -> str:
    """What the report says of a judge that is several, or was asked several times; else nothing."""
    if "panel" in about:
        return f"It is a panel, {panel_says(about['panel'])}."
    if "repeats" in about:
        rate = about["repeats"]["flip_rate"]
        return (
            f"It was asked {about['repeats']['n']} times about each case: flip rate"
            f" {interval(rate, 3)}, n = {rate['n']:,}."
        )
    return ""
