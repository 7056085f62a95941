"""What a report on a judge must name beside its coefficients: the checklist of arXiv 2606.00093.

Rao and Callison-Burch (2026) ask for the judgment scale, how abstentions and ties are handled,
coverage, the confusion counts and the level of aggregation.
"""

from collections.abc import Mapping
from typing import Any

from judges.meaning import SAME_ON_TWO_LABELS
from judges.phrasing import NAMES, interval

HANDLING = {"count_as_wrong": "counted as wrong", "left_out": "left out"}


def checklist(value: Mapping[str, Any]) -> list[dict[str, str]]:
    """Each point with what this report answers, in plain words."""
    points = {
        "Judgment scale": _scale(value),
        "Abstention": _abstention(value),
        "Ties": _ties(value),
        "Coverage": _coverage(value),
        "Confusion counts": _confusion(value),
        "Level of aggregation": _level(value),
        "What is one fact": _one_fact(value),
    }
    return [{"point": point, "says": says} for point, says in points.items()]


def _scale(value: Mapping[str, Any]) -> str:
    labels = value["rubric"]["labels"]
    order = " < ".join(repr(label) for label in labels)
    graded = [name for name, about in value["judges"].items() if about.get("graded")]
    scores = f" Scores from 0 to 1 are given by {', '.join(graded)}." if graded else ""
    return f"{len(labels)} ordered labels, {order}; the last is the positive one.{scores}"


def _abstention(value: Mapping[str, Any]) -> str:
    rule = HANDLING[value["policy"]["failures"]]
    reference = value["reference"]
    people = f"{reference['unsure']:,} were marked unsure and count like any other"
    if "all_unsure" in reference:
        people = (
            f"those marked unsure ({reference['unsure']:,}) are left out, which leaves"
            f" {reference['all_unsure']:,} cases without a label"
        )
    return (
        "A judge without a verdict has failed, and the kind of failure is counted. Every figure is"
        f" given with failures left out and counted as wrong; the policy decides with them {rule}."
        f" Of the labels it is held against, {people}."
    )


def _ties(value: Mapping[str, Any]) -> str:
    ties = value["reference"]["ties"]
    return (
        f"{ties:,} cases on which people are evenly split settle nothing and are left out. A"
        " panel's tie is a failure. Equal labels share their mean rank in ρ, and τ-b corrects for"
        " them."
    )


def _coverage(value: Mapping[str, Any]) -> str:
    said = [f"{name} {interval(about['coverage'], 3)}" for name, about in value["judges"].items()]
    return f"Share of cases decided: {'; '.join(said)}." if said else "No judge."


def _confusion(value: Mapping[str, Any]) -> str:
    """The counts as they are, since every coefficient of two labels follows from them."""
    said = []
    for name, about in value["judges"].items():
        table = about["confusion"]
        rows = [f"{label}: {', '.join(f'{n:,.0f}' for n in row)}"
                for label, row in zip(table["rows"], table["counts"], strict=True)]  # fmt: skip
        said.append(f"{name} ({'; '.join(rows)})")
    columns = ", ".join([*value["rubric"]["labels"], "failed"])
    return f"By people's label, the judge's {columns}: {'; '.join(said)}." if said else "No judge."


def _level(value: Mapping[str, Any]) -> str:
    cases = value["cases"]
    ruled = [
        f"{NAMES[rule['statistic']]} ({'each ' + rule['per'] if 'per' in rule else rule['level']})"
        for rule in value["policy"]["rule"]
    ]
    gates = f" The policy decides by {', '.join(ruled)}." if ruled else ""
    return (
        f"Per case, over {value['reference']['cases']:,} settled answers of"
        f" {len(cases['models'])} models to {cases['questions']:,} questions, pooled"
        f"{' and weighted by how they were drawn' if cases['weighted'] else ''}; per model and per"
        f" task; κ also as the mean over models; and per ranking, over the models.{gates}"
    )


def _one_fact(value: Mapping[str, Any]) -> str:
    if len(value["rubric"]["labels"]) > 2:
        return "With more than two labels the statistics are different facts."
    groups = [", ".join(NAMES[name] for name in group) for group in SAME_ON_TWO_LABELS]
    return (
        f"On two labels these are one number each, and agreement among them is no evidence:"
        f" {'; '.join(groups)}."
    )
