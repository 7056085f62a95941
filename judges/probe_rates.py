"""How often probes get past a judge: a rate per attack, and pooled, each with an interval.

An attack is made from an item at most once, so the verdicts on it are independent and the plain
exact interval holds. Over several attacks the same items come again, so items are resampled.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from judges import intervals
from judges.figures import EXACT, Figure, figure, undefined_figure
from judges.phrasing import interval
from judges.probes import ACCEPT, PROBES, REJECT
from judges.probing import audit_plan
from judges.tables import JudgeRun, study_judges
from samples.records import Item, ProbeVerdict, content_hash
from samples.store import Store
from samples.study import PolicyBlock, Study

STATISTICS = {"probe_false_accept": REJECT, "probe_false_reject": ACCEPT}
NOT_RUN = "undefined: no probes were run; `benchwarrant probe`"
NOT_ASKED = "undefined: the verdicts of this judge were imported, so no probe can be put to it"
SHOWN = 5  # texts of an attack that got past a judge
LONGEST = 600  # characters of one
SIDES = {"probe_false_accept": "false accepts", "probe_false_reject": "false rejects"}


def got_past(one: ProbeVerdict, positive: str) -> bool:
    """Whether a probe did what it must not; a failure is no accept, but it is a reject."""
    return (one.value == positive) == (one.must == REJECT)


def digest(rows: Sequence[ProbeVerdict]) -> str:
    """Names the verdicts on probes that figures and warrants rest on, in whatever order made."""
    return content_hash(sorted([r.item, r.attack, r.text, r.value, r.failure] for r in rows))


def by_attack(
    rows: Sequence[ProbeVerdict], positive: str, confidence: float
) -> dict[str, dict[str, Any]]:
    """Each attack's counts and rate, in the order of PROBES."""
    groups: dict[str, list[ProbeVerdict]] = {}
    for name in [*PROBES, *(row.attack for row in rows)]:
        groups.setdefault(name, [])
    for row in rows:
        groups[row.attack].append(row)
    return {name: _attack(group, positive, confidence) for name, group in groups.items() if group}


def _attack(group: Sequence[ProbeVerdict], positive: str, confidence: float) -> dict[str, Any]:
    n, past = len(group), sum(got_past(row, positive) for row in group)
    ends = intervals.clopper_pearson(np.asarray(past), np.asarray(n), confidence)
    failures = Counter(row.failure for row in group if row.failure)
    return {
        "must": group[0].must,
        "n": n,
        "got_past": past,
        "failures": dict(failures.most_common()),
        "rate": figure(past / n, float(ends[0]), float(ends[1])),
    }


def rule_figures(run: JudgeRun, positive: str, confidence: float) -> dict[str, dict[str, Figure]]:
    """What the policy's rules about probes look at: by statistic, each attack's rate."""
    attacks = by_attack(run.probes, positive, confidence)
    why = NOT_ASKED if run.spec.body["kind"] == "imported" else NOT_RUN
    return {
        name: {attack: one["rate"] for attack, one in attacks.items() if one["must"] == must}
        or {"": undefined_figure(why)}
        for name, must in STATISTICS.items()
    }


def pooled(
    rows: Sequence[ProbeVerdict], positive: str, policy: PolicyBlock, rng: np.random.Generator
) -> Figure:
    """The share over all attacks of one side; items are resampled, each with all its attacks."""
    if not rows:
        return undefined_figure(NOT_RUN) | {"n": 0}
    past = np.array([got_past(row, positive) for row in rows], dtype=np.int64)
    items, cluster = np.unique([row.item for row in rows], return_inverse=True)
    value, m = float(past.mean()), len(items)
    if value in (0, 1):  # so are all resamples: exact, and by items, which may go one way
        ends = intervals.clopper_pearson(np.asarray(value * m), np.asarray(m), policy.confidence)
        return figure(value, *map(float, ends)) | {"note": EXACT, "n": len(rows)}
    sums = intervals.cluster_sums(cluster.astype(np.int64), past, None, m, 2)
    weights = intervals.multinomial_weights(rng, policy.resamples, m)
    drawn = intervals.resampled(weights, sums)
    low, high, undefined = intervals.percentile_interval(
        drawn[:, 1] / drawn.sum(axis=1), policy.confidence
    )
    return figure(value, float(low), float(high), float(undefined)) | {"n": len(rows)}


def probed(study: Study, store: Store) -> dict[str, Any]:
    """All that is said about probes: by judge, and the texts that got past; {} where none ran."""
    audit_set, rubric = store.audit_set(), study.rater_question
    if audit_set is None:
        return {}
    asked = {
        name: store.probed(spec.id, rubric.id, audit_set.id)
        for name, spec in study_judges(study, store).items()
    }
    runs = {name: rows for name, rows in asked.items() if rows}
    if not runs:
        return {}
    items = {item.id: item for item in store.audit_items(audit_set.id)}
    return {
        "judges": {name: _about(rows, rubric.positive, study) for name, rows in runs.items()},
        "got_past": _texts(runs, items, rubric.positive),
        "not_built": audit_plan(study, store, 0).not_built,
    }


def _about(rows: Sequence[ProbeVerdict], positive: str, study: Study) -> dict[str, Any]:
    sides = {name: [r for r in rows if r.must == must] for name, must in STATISTICS.items()}
    rng = np.random.default_rng(study.seed)
    return {
        "attacks": by_attack(rows, positive, study.policy.confidence),
        "pooled": {name: pooled(some, positive, study.policy, rng) for name, some in sides.items()},
    }


def _texts(
    runs: Mapping[str, Sequence[ProbeVerdict]], items: Mapping[str, Item], positive: str
) -> list[dict[str, Any]]:
    """Each text once, with the judges that it got past; an attack's together."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for name, rows in runs.items():
        for row in rows:
            if not got_past(row, positive):
                continue
            item = items[row.item]
            about = {
                "attack": row.attack,
                "must": row.must,
                "question": item.question,
                "reference": _shown_reference(item),
                "text": row.text,
            }
            entry = found.setdefault((row.attack, row.item, row.text), about | {"judges": {}})
            entry["judges"][name] = row.failure or row.value
    order = {name: place for place, name in enumerate(PROBES)}
    return sorted(found.values(), key=lambda one: order.get(one["attack"], len(order)))


def _shown_reference(item: Item) -> str:
    text = dict(item.choices).get(item.reference)
    return item.reference if text is None else f"({item.reference}) {text}"


def probes_shown(value: Mapping[str, Any]) -> dict[str, Any]:
    """What the pages show: the attacks of both sides, and some of the texts that got past."""
    if not value:
        return {}
    attacks = [about["attacks"] for about in value["judges"].values()]
    sides = []
    for name, must in STATISTICS.items():
        found = {a: None for some in attacks for a, one in some.items() if one["must"] == must}
        if found:
            sides.append({"must": must, "statistic": name, "attacks": list(found)})
    past: dict[str, dict[str, Any]] = {}
    for one in value["got_past"]:
        group = past.setdefault(one["attack"], {"n": 0, "texts": []})
        group["n"] += 1
        group["texts"] += [one] if group["n"] <= SHOWN else []
    known = {name: probe.attacks for name, probe in PROBES.items()}
    return {**value, "sides": sides, "past": past, "attacks": known}


def cut(text: str) -> str:
    """A text that a page has room for: its start and its end, and how much is left out between."""
    if not text.strip():
        return f"({len(text)} characters of white space)" if text else "(empty)"
    if len(text) <= LONGEST:
        return text
    half, left_out = LONGEST // 2, len(text) - LONGEST
    return f"{text[:half]} […{left_out:,} of {len(text):,} characters left out…] {text[-half:]}"


def table(value: Mapping[str, Any]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Columns and rows for a terminal, the worst attack first."""
    rows = [
        (name, attack, one["must"], one["n"], one["got_past"], one["rate"], one["failures"])
        for name, about in value["judges"].items()
        for attack, one in about["attacks"].items()
    ]
    rows.sort(key=lambda row: -row[5]["value"])
    return ("judge", "attack", "must", "n", "got past", "rate", "failures"), [
        (*row[:5], interval(row[5], 3), ", ".join(f"{n} {kind}" for kind, n in row[6].items()))
        for row in rows
    ]


def notes(value: Mapping[str, Any]) -> list[str]:
    """Pooled rates, and what could not be built."""
    lines = [
        f"{name}: {what} {interval(about['pooled'][key], 3)} over all attacks, items resampled"
        for name, about in value["judges"].items()
        for key, what in SIDES.items()
        if about["pooled"][key]["n"]
    ]
    return lines + [
        f"not built: {attack}: {n} items ({why})"
        for attack, reasons in value["not_built"].items()
        for why, n in reasons.items()
    ]
