"""How pages write figures, rules and decisions: one notation and one vocabulary for all of them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NAMES = {
    "accuracy": "accuracy",
    "cohen_kappa": "Cohen's κ",
    "cohen_kappa_linear": "Cohen's κ, linear weights",
    "cohen_kappa_quadratic": "Cohen's κ, quadratic weights",
    "scott_pi": "Scott's π",
    "gwet_ac1": "Gwet's AC1",
    "gwet_ac2": "Gwet's AC2",
    "brennan_prediger": "Brennan and Prediger's coefficient",
    "krippendorff_alpha": "Krippendorff's α",
    "krippendorff_alpha_ordinal": "Krippendorff's α, ordinal",
    "krippendorff_alpha_interval": "Krippendorff's α, interval",
    "mcc": "MCC",
    "spearman": "Spearman's ρ",
    "kendall": "Kendall's τ-b",
    "pearson": "Pearson's r",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "positive_predictive_value": "positive predictive value",
    "negative_predictive_value": "negative predictive value",
    "f1": "F1",
    "balanced_accuracy": "balanced accuracy",
    "leniency": "leniency",
    "auroc": "AUROC",
    "calibration_error": "calibration error",
    "brier": "Brier score",
    "intraclass": "intraclass correlation",
    "mean_absolute_error": "mean error of a model's share",
    "worst_absolute_error": "largest error of a model's share",
    "pairs_in_order": "pairs of models in order",
    "top_models": "best models found",
    "largest_rank_change": "largest change of rank",
    "coverage": "coverage",
    "cases": "cases with a settled label",
    "raters": "people who labelled",
    "doubly_labelled": "cases that two people labelled",
    "probe_false_accept": "false accepts of probes",
    "probe_false_reject": "false rejects of probes",
}
# (what it answers, how it can mislead), as in judges.meaning, for figures about the ranking.
RANKING_MEANING = {
    "spearman": (
        "Does grading with the judge put the models in the order that people's labels give?",
        "With few models one exchange of neighbours moves it much, even between near ties.",
    ),
    "kendall": (
        "Of two models, how much more often does the judge order them as people's labels do?",
        "It counts an exchange of near ties like one of models that lie far apart.",
    ),
    "mean_absolute_error": (
        "How far is a model's share of the positive label from people's, on average over models?",
        "One badly graded model among many good ones hardly moves it.",
    ),
    "worst_absolute_error": (
        "How far is it for the model where the judge is farthest off?",
        "It grows with the number of models, since one of them is always unlucky.",
    ),
    "pairs_in_order": (
        "Of the pairs of models that people's labels order, how many does the judge order alike?",
        "Pairs that lie far apart are easy; half of all pairs come out right by chance.",
    ),
    "top_models": (
        "Of people's best models, three or half of them all, how many are among the judge's best?",
        "It does not see in which order they stand, nor what happens below them.",
    ),
    "largest_rank_change": (
        "By how many places does the model move that moves farthest?",
        "Among near ties a place means little, and with more models there are more places.",
    ),
}
SIGNED = frozenset({"leniency"})
DUST = 1e-9  # what rounding leaves of a 0


@dataclass(frozen=True)
class Voice:
    """What to call those whose labels the judges are held against, as a plural."""

    who: str
    whose: str
    labels: str
    warning: str = ""  # why the figures are not about people; empty where they are
    short: str = ""  # the same in a caption

    def __call__(self, text: str) -> str:
        """A text written about people, in this voice; what stands in quotes stays."""
        return _ABOUT_PEOPLE.sub(lambda found: self._words().get(found[0], found[0]), text)

    def _words(self) -> dict[str, str]:
        if not self.warning:
            return {}
        return {
            "people": self.who,
            "people's": self.whose,
            "between people": "between the labels",
            "two people's labels": "two labels",
            "people's labels": self.who,
        }


_ABOUT_PEOPLE = re.compile(
    r"two people's labels|people's labels|between people|people's|people|(?<!\w)'[^']*'"
)
VOICES = {
    "human": Voice("people", "people's", "people's labels"),
    "reference": Voice(
        "the reference labels",
        "the reference labels'",
        "reference labels made by program",
        "These are reference labels made by program, not by people: agreement with them says"
        " whether a judge repeats that program, not whether it judges as people would.",
        "Reference labels made by program, not people's.",
    ),
    "mixed": Voice(
        "the mixed labels",
        "the mixed labels'",
        "labels of people and of programs",
        "These labels are mixed: some were given by people, others are reference labels made by"
        " program. No figure here is agreement with people alone.",
        "Mixed labels: some people's, some made by program.",
    ),
    "none": Voice(
        "the labels", "the labels'", "the labels", "No case has a label yet.", "No labels."
    ),
}


def number(value: float, digits: int = 2, signed: bool = False) -> str:
    """A figure as pages write it; what is not quite 0 or 1 gets a third digit instead."""
    size = abs(value)
    text = f"{size:.{digits}f}"
    if size < DUST:
        return text
    if float(text) in (0, 1) and abs(size - 1) > DUST:
        text = f"{min(max(size, 0.001), 0.999 if size < 1 else size):.3f}"
    return ("−" if value < 0 else "+" if signed else "") + text


def interval(figure: Mapping[str, Any], digits: int = 2, signed: bool = False) -> str:
    """ "0.79 [0.76, 0.82]"; the words where there is no figure or no interval."""
    if figure["value"] is None:
        return str(figure["reason"])
    value = number(figure["value"], digits, signed)
    if figure["low"] is None or figure["high"] is None:
        return f"{value} ({figure['reason']})"
    low, high = (number(figure[end], digits, signed) for end in ("low", "high"))
    return f"{value} [{low}, {high}]" + (" †" if "note" in figure else "")


def statistic_name(rule: Mapping[str, Any]) -> str:
    """ "Cohen's κ", "Spearman's ρ of the ranking"."""
    of_ranking = rule["level"] == "ranking" and rule["statistic"] in ("spearman", "kendall")
    minus = " minus people's own" if rule.get("against") else ""
    return NAMES[rule["statistic"]] + (" of the ranking" if of_ranking else minus)


def required(rule: Mapping[str, Any]) -> str:
    """ "lower end ≥ 0.8"."""
    if rule["level"] == "audit":
        return f"≥ {rule['at_least']:g}"
    if "within" in rule:
        return f"interval within ±{rule['within']:g}"
    side = {"low": "lower", "high": "upper"}[rule["bound"]]
    limit = f"≥ {rule['at_least']:g}" if "at_least" in rule else f"≤ {rule['at_most']:g}"
    return f"{side} end {limit}"


def rule_says(rule: Mapping[str, Any]) -> str:
    """ "leniency for tiny, the worst model, +0.061 [+0.028, +0.091] (required: …)".

    Three digits, since a limit may fall between two.
    """
    kind = rule.get("per", "attack")
    where = f" for {rule['slice']}, the worst {kind}," if rule["slice"] else ""
    signed = rule["statistic"] in SIGNED or "against" in rule
    seen = interval(rule["observed"], 3, signed)
    if rule["level"] == "audit":
        seen = f"{rule['observed']['value']:,.0f}"
    return f"{statistic_name(rule)}{where} {seen} (required: {required(rule)})"


def decision_says(name: str, about: Mapping[str, Any]) -> str:
    """One sentence: the decision about a judge, and why."""
    signed, today = about.get("warrant"), about["today"]
    if not today["rules"]:
        return f"{name} cannot be decided on: the policy has no rule yet."
    would = {"approved": "approve it", "rejected": "reject it"}
    now = f"would {would.get(today['decision'], 'find it inconclusive')}: {_why(today['rules'])}."
    if signed:
        by = f" by {signed['signed_by']}" if "signed_by" in signed else ""
        verb = {"inconclusive": "found inconclusive"}.get(signed["decision"], signed["decision"])
        start = f"{name} was {verb}{by} on {signed['created_at'][:10]}"
        if signed["decision"] == today["decision"]:
            return f"{start}: {_why(today['rules'])}."
        return f"{start}, but the figures computed now {now}"
    start = f"{name} has not been decided on"
    if "stale" in about:
        start += f", since its last decision no longer applies ({about['stale']})"
    return f"{start}; today's policy {now}"


def _why(rules: Sequence[Mapping[str, Any]]) -> str:
    """The rules that stand in the way, certain ones first; else what meets them."""
    clauses = []
    for outcome, one, several in (
        ("not met", "breaks its rule", "break their rules"),
        ("open", "is not shown to meet its rule", "are not shown to meet their rules"),
    ):
        found = [rule_says(rule) for rule in rules if rule["outcome"] == outcome]
        if found:
            clauses.append(f"{_and(found)} {one if len(found) == 1 else several}")
    met = "every rule of the policy is met, by " + _and([rule_says(rule) for rule in rules])
    return "; ".join(clauses) or met


def _and(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def notes(value: Mapping[str, Any]) -> list[str]:
    """What the figures with a † say of their intervals, each once."""
    shown = [value[part] for part in ("judges", "ceiling", "raters", "comparisons")]
    return list(dict.fromkeys(_notes(shown)))


def _notes(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        part = dict(enumerate(part))
    if isinstance(part, Mapping):
        if "value" in part and "note" in part:
            yield part["note"]
        for inner in part.values():
            yield from _notes(inner)
