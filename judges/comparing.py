"""What the report's pages say about people as judges, judges' scores, and judge against judge."""

from collections.abc import Mapping
from typing import Any

from judges.alt_test import EPSILONS
from judges.comparisons import RANKING, SIGNIFICANT, standing
from judges.people import ABOUT_PEOPLE
from judges.phrasing import NAMES
from judges.scores import GRADED


def compared_words(value: Mapping[str, Any]) -> dict[str, Any]:
    """The columns and words of these parts of the report, for both templates."""
    tests = {name: about["alt_test"] for name, about in value["judges"].items()}
    ran = {name: test for name, test in tests.items() if test["rho"]["value"] is not None}
    why = next((t["rho"]["reason"] for n, t in tests.items() if n not in ran), "no judge is there")
    two = len(value["rubric"]["labels"]) == 2
    of_cases = {"cohen_kappa": NAMES["cohen_kappa"]}
    of_cases["spearman"] = "MCC = Spearman's ρ" if two else NAMES["spearman"]
    return {
        "people_columns": ABOUT_PEOPLE,
        "people_headings": [NAMES[name] for name in ABOUT_PEOPLE],
        "graded_columns": GRADED,
        "graded_headings": [NAMES[name] for name in GRADED],
        "graded": {
            name: about["graded"] for name, about in value["judges"].items() if "graded" in about
        },
        "compared": of_cases | {RANKING: "ρ of the ranking"},
        "standings": {name: standing(name, value["comparisons"]) for name in value["judges"]},
        "significant": SIGNIFICANT,
        "alternatives": ran,
        "no_alternatives": why.removeprefix("undefined: "),
        "epsilons": [f"{epsilon:g}" for epsilon in EPSILONS],
        "epsilon_headings": [f"ω at ε = {epsilon:g}" for epsilon in EPSILONS],
        "p_value": p_value,
    }


def p_value(p: float | None) -> str:
    """ "0.012", "< 0.001", or a dash where nothing could be tested."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
