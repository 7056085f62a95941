"""What the bias audit found, in sentences that can be read aloud."""

from collections.abc import Mapping
from typing import Any

from judges.phrasing import VOICES, Voice, interval, number
from judges.traits import ANSWERS

SLICES = {  # what stands after "answers"
    "model": "by {}",
    "task": "to {}",
    "family": "by models of the family {}",
    "size": "by models of the size {}",
    "compression": "by {} models",
    "strategy": "under the strategy {}",
    "answer type": "to questions of the type {}",
    "truncation": "that are {}",
    "answer format": "of the format “{}”",
    "language": "with {}",
    "degenerate answers": "that are a {}",
}
ODD = {
    ("compression", "none"): "by models that are not compressed",
    ("degenerate answers", ANSWERS): "that are neither degenerate nor a refusal",
    ("degenerate answers", "degenerate"): "that are degenerate",
    ("kin", "itself"): "of its own",
    ("kin", "its own family"): "by models of its own family",
}


def which_answers(kind: str, name: str) -> str:
    """ "answers by llama2-13b-chat"."""
    return "answers " + (ODD.get((kind, name)) or SLICES[kind].format(name))


def finding_says(finding: Mapping[str, Any], voice: Voice, positive: str) -> str:
    """A finding in plain words, with its figure, interval and number of cases."""
    n = f"n = {finding['n']:,}"
    if finding["kind"] == "flips":
        rate = interval(finding["effect"], 3)
        return f"Asked again, {finding['judge']} changes its verdict: flip rate {rate}, {n}"
    if finding["kind"] == "length":
        return _length_says(finding, voice, positive, n)
    effect = f"{interval(finding['effect'], 3, signed=True)}, {n}"
    judge, answers = finding["judge"], which_answers(finding["kind"], finding["slice"])
    more = "more" if finding["effect"]["value"] > 0 else "fewer"
    points = f"{100 * abs(finding['effect']['value']):.1f}"
    if finding["check"].startswith("leniency"):
        return (
            f"Of 100 {answers}, {judge} calls {points} {more} “{positive}” than {voice.who} do:"
            f" leniency {effect}"
        )
    if finding["check"].endswith("preference"):
        kinder = "kinder" if finding["effect"]["value"] > 0 else "stricter"
        return (
            f"{judge} is {kinder} to {answers} than to all others, by {points} of 100, each against"
            f" what {voice.who} call “{positive}”: leniency differs by {effect}"
        )
    does = f"accepts {_of_100(finding['here'])} of 100 {answers} that {voice.who} do not call"
    if finding["check"].startswith("false rejects"):
        does = f"rejects {_of_100(finding['here'])} of 100 {answers} that {voice.who} call"
    return (
        f"{judge} {does} “{positive}”, {points} {more} than of all other such answers: the rates"
        f" differ by {effect}"
    )


def _of_100(share: float) -> str:
    return f"{100 * share:.1f}"


def _length_says(finding: Mapping[str, Any], voice: Voice, positive: str, n: str) -> str:
    return (
        f"Of two answers that {voice.who} call the same, one twice as long as the other, the odds"
        f" that {finding['judge']} calls the longer one “{positive}” are"
        f" {number(finding['effect']['value'], 2)} times those of the other: odds ratio"
        f" {interval(finding['effect'], 2)}, {n}"
    )


def flip_findings(made_of: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Judges whose verdicts differ from run to run: one flip disproves that they never do (q = 0).

    ``made_of`` is by judge what `judges.makeup` says of it.
    """
    rates = {name: one["repeats"]["flip_rate"] for name, one in made_of.items() if "repeats" in one}
    return [
        {
            "kind": "flips",
            "check": "run-to-run flips",
            "judge": name,
            "slice": "all answers",
            "n": rate["n"],
            "effect": {key: rate[key] for key in rate if key != "n"},
            "consequence": rate["low"] or 0.0,
            "q": 0.0,
        }
        for name, rate in rates.items()
        if rate["value"]
    ]


def with_flips(
    value: dict[str, Any], made_of: Mapping[str, Mapping[str, Any]], not_seen: list[dict[str, str]]
) -> None:
    """Put them into a report's value, at the places that their consequence gives them."""
    voice, positive = VOICES[value["reference"]["labels"]], value["rubric"]["positive"]
    for one in flip_findings(made_of):
        value["findings"].append(one | {"says": finding_says(one, voice, positive)})
    value["findings"].sort(key=lambda finding: -finding["consequence"])
    value["could_not_check"] += not_seen


def slices_shown(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(kind, slice) of all judges, but for what other tables show."""
    return list(
        dict.fromkeys(
            (kind, name)
            for about in value["judges"].values()
            for kind, found in about.get("rates", {}).items()
            for name in found
            if kind not in ("model", "task", "answer format")
        )
    )
