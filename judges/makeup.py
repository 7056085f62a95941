"""What a judge's verdicts are made of: who on a panel decided, and what a cascade saved."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from judges.panel import members_of
from judges.tables import Audit
from samples.records import Spec
from samples.store import Store


def makeup(audit: Audit, store: Store) -> dict[str, dict[str, Any]]:
    """By judge, what the report says of it beside its figures; most have nothing to say."""
    return {
        name: {"panel": panel_facts(store, run.spec, audit.rubric.id, audit.responses)}
        for name, run in audit.judges.items()
        if members_of(run.spec)
    }


def panel_facts(store: Store, spec: Spec, rubric: str, responses: Sequence[str]) -> dict[str, Any]:
    """How a panel came to its verdicts on these cases; of a cascade, the calls that it spared.

    A call counts as spared where the verdict needed no word of that member, whatever the member
    was asked as a judge of its own. Its tokens are the mean of those calls of it that were made:
    what they would have cost is for who knows the prices.
    """
    how, names = spec.body["how"], [member.name for member in members_of(spec)]
    given = store.judged_how(spec.id, rubric)
    metas = [given[response][0] for response in responses if response in given]
    calls = Counter(name for meta in metas for name in meta["said"])
    facts = {"how": how, "members": names, "n": len(metas), "calls": {n: calls[n] for n in names}}
    if how != "cascade":
        return facts
    decided = Counter(meta["decided_by"] for meta in metas if "decided_by" in meta)
    spared = {name: len(metas) - calls[name] for name in names}
    tokens = {
        member.name: round(mean * spared[member.name])
        for member in members_of(spec)
        if spared[member.name] and (mean := _mean_tokens(store, member, rubric)) is not None
    }
    return facts | {
        "decided_by": {name: decided[name] for name in names},
        "undecided": len(metas) - decided.total(),
        "calls_saved": sum(spared.values()),
        **({"tokens_saved": sum(tokens.values())} if tokens else {}),
    }


def _mean_tokens(store: Store, member: Spec, rubric: str) -> float | None:
    """What one call of this member took; None where its engine counts none."""
    counted = [t for _, t in store.judged_how(member.id, rubric).values() if t is not None]
    return sum(counted) / len(counted) if counted else None


def panel_says(facts: Mapping[str, Any]) -> str:
    """ "cascade: rules decided 812, gpt-4o 188; 812 of 2,000 calls saved, about 406,000 tokens"."""
    if facts["how"] != "cascade":
        return f"{facts['how']} of {', '.join(facts['members'])}"
    decided = [f"{name} {n:,}" for name, n in facts["decided_by"].items()]
    decided[0] = decided[0].replace(facts["members"][0], f"{facts['members'][0]} decided", 1)
    if facts["undecided"]:
        decided.append(f"nobody {facts['undecided']:,}")
    most = facts["n"] * len(facts["members"])
    about = f", about {facts['tokens_saved']:,} tokens" if "tokens_saved" in facts else ""
    return f"cascade: {', '.join(decided)}; {facts['calls_saved']:,} of {most:,} calls saved{about}"
