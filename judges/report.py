"""The report for people: one self-contained page, and Markdown."""

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from judges.answers import FORMATS
from judges.bias import FALSE_DISCOVERY_RATE
from judges.comparing import compared_words
from judges.costs import costs_say
from judges.findings import slices_shown
from judges.kinship import kin_says
from judges.makeup import makeup_says
from judges.meaning import GRADED_MEANING, MEANING
from judges.phrasing import (
    NAMES,
    RANKING_MEANING,
    SIGNED,
    VOICES,
    Voice,
    interval,
    notes,
    number,
    required,
    rule_says,
    statistic_name,
)
from judges.plots import Pair, Row, dumbbells, forest
from judges.probe_rates import cut, probes_shown
from judges.ranking import RANKING
from judges.report_value import UNDECIDED, report_value
from judges.tables import Audit
from samples import blind
from samples.spoken import spoken
from samples.store import Store

__all__ = [
    "Disagreement",
    "as_text",
    "disagreements",
    "environment",
    "report_html",
    "report_markdown",
    "report_value",
    "summary",
]

ORDER = ("approved", "inconclusive", UNDECIDED, "rejected")
SIGNS = {"approved": "✓", "rejected": "✗", "inconclusive": "?", UNDECIDED: "–"}
OUTCOMES = {"met": "✓ met", "not met": "✗ not met", "open": "? not shown"}
COLUMNS = (
    "accuracy",
    "cohen_kappa",
    "mcc",
    "krippendorff_alpha",
    "gwet_ac1",
    "sensitivity",
    "specificity",
    "leniency",
)
HANDLINGS = {
    "failures_count_as_wrong": "failures count as wrong",
    "failures_left_out": "failures left out",
}
SHOWN = 20  # disagreements per judge
MOST_FINDINGS = 60  # in Markdown, which cannot fold them


@dataclass(frozen=True)
class Disagreement:
    """A case that a judge calls otherwise than its label; ``response`` is None without a text."""

    judge: str
    question: str
    reference: str
    response: str | None
    label: str
    verdict: str
    model: str


def disagreements(audit: Audit, store: Store) -> list[Disagreement]:
    """Cases worth reading, some for each judge; cases without a text are passed over.

    They are taken in the order of the responses' ids, which is as good as random.
    """
    labels, settled = audit.rubric.labels, audit.reference.values
    readable, found = blind.readable(store, audit.audit_set.id), []
    for judge, run in audit.judges.items():
        apart = (settled >= 0) & (run.verdicts < len(labels)) & (run.verdicts != settled)
        rows = {audit.responses[row]: row for row in np.flatnonzero(apart)}
        for case in store.cases(sorted(rows.keys() & readable)[:SHOWN], audit.rubric):
            row = rows[case.response.id]
            found.append(
                Disagreement(
                    judge=judge,
                    question=case.item.question,
                    reference=case.item.reference,
                    response=spoken(case.response.text or "", case.response.prompt),
                    label=labels[settled[row]],
                    verdict=labels[run.verdicts[row]],
                    model=case.response.model,
                )
            )
    return found


def as_text(value: Mapping[str, Any]) -> str:
    """The JSON file's text."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def summary(value: Mapping[str, Any]) -> str:
    """A line per judge for the terminal, and where the labels come from if not from people."""
    warning = VOICES[value["reference"]["labels"]].warning
    lines = [
        " ".join(
            filter(
                None, [about["says"], kin_says(about["kin"]), makeup_says(about), costs_say(about)]
            )
        )
        for _, about in _in_order(value)
    ]
    lines += [f"not checked: {what['check']}: {what['why']}" for what in value["could_not_check"]]
    return "\n".join([*([warning] if warning else []), *lines])


def environment() -> Environment:
    """Templates of this project's pages; what goes into HTML is escaped."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("pages")),
        autoescape=lambda name: name is not None and ".html" in name,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["md"] = _markdown_cell
    return made


def report_html(value: Mapping[str, Any], worth_reading: Sequence[Disagreement] = ()) -> str:
    """One page that needs nothing else: no script, no request."""
    css = Path(__file__).with_name("pages") / "page.css"
    template = environment().get_template("report.html.j2")
    return template.render(
        _words(value),
        css=Markup(css.read_text(encoding="utf-8")),
        overview=_overview(value),
        plots=[_judge_plots(place, *judge, value) for place, judge in enumerate(_in_order(value))],
        reading=_by_judge(value, worth_reading),
    )


def report_markdown(value: Mapping[str, Any]) -> str:
    """The same figures as tables."""
    return environment().get_template("report.md.j2").render(_words(value))


def _words(value: Mapping[str, Any]) -> dict[str, Any]:
    """What both templates speak with."""
    voice = VOICES[value["reference"]["labels"]]
    return {
        "report": value,
        "voice": voice,
        "judges": _in_order(value),
        "gating": f"failures_{value['policy']['failures']}",
        "handlings": HANDLINGS,
        "columns": {name: _heading(name, value) for name in _columns(value)},
        "meaning": list(_meanings(value, voice)),
        "formats": _formats(value),
        "notes": notes(value),
        "slices": slices_shown(value),
        "most_findings": MOST_FINDINGS,
        "probes": probes_shown(value.get("probes") or {}),
        "cut": cut,
        "ranking": {name: NAMES[name] for name in RANKING},
        "fdr": FALSE_DISCOVERY_RATE,
        "signs": SIGNS,
        "outcomes": OUTCOMES,
        "signed": SIGNED,
        "interval": interval,
        "number": number,
        "required": required,
        "rule_says": rule_says,
        "statistic_name": statistic_name,
        "names": NAMES,
        "makeup_says": makeup_says,
        "costs_say": costs_say,
        "kin_says": kin_says,
        **compared_words(value),
    }


def _formats(value: Mapping[str, Any]) -> list[str]:
    """The answer formats that occur: the same for every judge."""
    found = [about["by"].get("format", {}) for about in value["judges"].values()]
    return [name for name in FORMATS if found and name in found[0]]


def _in_order(value: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Judges by decision, then from the highest κ to the lowest."""

    def place(judge: tuple[str, Mapping[str, Any]]) -> tuple[int, float]:
        kappa = _kappa(judge[1], value)["value"]
        return ORDER.index(judge[1]["decision"]), 2.0 if kappa is None else -kappa

    return sorted(value["judges"].items(), key=place)


def _kappa(about: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any]:
    figure: Mapping[str, Any] = about["case"][f"failures_{value['policy']['failures']}"][
        "cohen_kappa"
    ]
    return figure


def _columns(value: Mapping[str, Any]) -> tuple[str, ...]:
    """On two labels Spearman's ρ is the MCC; on more it is a figure of its own."""
    if len(value["rubric"]["labels"]) == 2:
        return COLUMNS
    return (*COLUMNS[:3], "spearman", *COLUMNS[3:])


def _heading(name: str, value: Mapping[str, Any]) -> str:
    same = name == "mcc" and len(value["rubric"]["labels"]) == 2
    return "MCC = Spearman's ρ" if same else NAMES[name]


def _meanings(value: Mapping[str, Any], voice: Voice) -> Iterator[tuple[str, str, str]]:
    """(name, what it answers, how it misleads) of every statistic on the page."""
    ruled = [r["statistic"] for r in value["policy"]["rule"] if r["level"] == "case"]
    for name in dict.fromkeys([*_columns(value), *(r for r in ruled if r in MEANING)]):
        answers, misleads = MEANING[name]
        yield _heading(name, value), voice(answers), voice(misleads)
    if any("graded" in about for about in value["judges"].values()):
        for name in GRADED_MEANING:
            answers, misleads = GRADED_MEANING[name]
            yield NAMES[name], voice(answers), voice(misleads)
    for name in RANKING:
        answers, misleads = RANKING_MEANING[name]
        rule = {"statistic": name, "level": "ranking"}
        yield statistic_name(rule), voice(answers), voice(misleads)


# Plots


def _overview(value: Mapping[str, Any]) -> Markup:
    """κ of every judge, with the limits that the policy sets and the range between people."""
    rows = [Row(name, _kappa(about, value), pooled=True) for name, about in _in_order(value)]
    limits = [
        rule["at_least"]
        for rule in value["policy"]["rule"]
        if (rule["statistic"], rule["level"]) == ("cohen_kappa", "case")
        and "per" not in rule
        and "at_least" in rule
    ]
    ceiling = value["ceiling"]["cohen_kappa"]
    known = value["cases"]["overlap_at_random"] and ceiling["low"] is not None
    band = (ceiling["low"], ceiling["high"]) if known else None
    return forest("judges", "Cohen's κ of every judge", rows, limits, band)


def _judge_plots(
    place: int, judge: str, about: Mapping[str, Any], value: Mapping[str, Any]
) -> dict[str, Markup]:
    rows = [Row("all cases", _kappa(about, value), pooled=True)]
    rows += [
        Row(name, figures["cohen_kappa"])
        for kind in ("task", "model")
        for name, figures in about["by"][kind].items()
        if figures["n"] and len(about["by"][kind]) > 1
    ]
    pairs = [
        Pair(model, share["reference"], share["judge"]) for model, share in about["shares"].items()
    ]
    return {
        "forest": forest(f"forest-{place}", f"Cohen's κ of {judge} by slice", rows),
        "shares": dumbbells(f"shares-{place}", f"Share of each model's answers, {judge}", pairs),
    }


def _by_judge(
    value: Mapping[str, Any], worth_reading: Sequence[Disagreement]
) -> dict[str, list[Disagreement]]:
    """The cases that have a text, by judge and then by kind of disagreement."""
    by_judge: dict[str, list[Disagreement]] = {name: [] for name, _ in _in_order(value)}
    for case in worth_reading:
        if case.response is not None and len(by_judge.setdefault(case.judge, [])) < SHOWN:
            by_judge[case.judge].append(case)
    return {
        judge: sorted(cases, key=lambda case: (case.label, case.verdict))
        for judge, cases in by_judge.items()
        if cases
    }


def _markdown_cell(text: object) -> str:
    """Text that cannot leave its table cell or turn into markup."""
    line = html.escape(" ".join(str(text).split()), quote=False)
    return re.sub(r"[\\`*_|#]|\](?=[(:\[])", r"\\\g<0>", line)
