"""How probable labels are, by a server's account: the first token's chances, or a Decisions answer.

A chat API tells the twenty most probable first tokens. A token counts for the label that it is, or
that it is the beginning of; what the model goes on to say can disprove the latter.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from inference.engine import Completion, spellings
from samples.errors import BenchwarrantError
from samples.records import canonical_json

TOP = 20  # the most that OpenAI tells, and vLLM unless it is told otherwise
ASKED = {"logprobs": True, "top_logprobs": TOP}
LENGTH = 8  # tokens; the first is scored, the others show what it was the beginning of
SHORTEST = 2  # letters of a token that may stand for a longer label: "I" may be any sentence


def check_first_letters(labels: Sequence[str]) -> None:
    """Labels that begin alike may share their first token, whose chance could be either's."""
    for one, other in combinations(labels, 2):
        if {text[:1] for text in spellings(one)} & {text[:1] for text in spellings(other)}:
            raise BenchwarrantError(
                f"a server tells the first token only, which labels {one!r} and {other!r} may have"
                ' in common; use labels that begin differently, engine "hf", or answer = "json"'
            )


def read_top(answer: Mapping[str, Any], labels: Sequence[str]) -> Completion | None:
    """The first token's chances by label; None: the server tells none, though it was asked to."""
    choice = answer["choices"][0]
    said = choice["message"].get("content") or ""
    content = (choice.get("logprobs") or {}).get("content") or []
    told = content[0].get("top_logprobs") or [] if content else []
    top = [one for one in told if isinstance(one.get("logprob"), int | float)]  # null: impossible
    if not top and said:
        return None
    chances = [0.0] * len(labels)
    for one in top:
        place = _meant(one["token"], said if one["token"] == content[0]["token"] else "", labels)
        if place is not None:
            chances[place] += math.exp(one["logprob"])
    first = [[one["token"], round(one["logprob"], 4)] for one in top]
    text = canonical_json({"says": said, "first_token": first})
    return Completion(0, text, "stop", logprobs=tuple(map(_log, chances)))


def _meant(token: str, said: str, labels: Sequence[str]) -> int | None:
    """The label that a token is or begins, unless the model is known to go on otherwise."""
    token, said = token.strip(), said.strip()
    for place, label in enumerate(labels):
        for text in spellings(label):
            whole = _begins(token, text)  # "B", and "B." too
            if whole or (text.startswith(token) and len(token) >= SHORTEST):
                agrees = _begins(said, text) or text.startswith(said)
                return place if agrees else None
    return None


def _begins(said: str, text: str) -> bool:
    """Whether the text is what is said first: "1" is not in "10"."""
    return said.startswith(text) and not said[len(text) :][:1].isalnum()


def _log(chance: float) -> float:
    return math.log(chance) if chance > 0 else -math.inf


def decision_body(model: str, labels: Sequence[str]) -> dict[str, Any]:
    """A request to OpenAI's Decisions API but for its input: the labels are one question's choices.

    Sent as the SDK's ``decisions.create`` sends it.
    """
    question = {
        "type": "choice",
        "instructions": "Which verdict does the input ask for?",
        "choices": [{"value": label} for label in labels],
    }
    return {"model": model, "questions": [question]}


def read_decision(answer: Mapping[str, Any], labels: Sequence[str]) -> Completion:
    """The probability of each choice, or the refusal to make one."""
    [found] = answer["answers"]
    usage = answer.get("usage") or {}
    counts = usage.get("input_tokens"), usage.get("output_tokens")
    if found["type"] == "refusal":
        return Completion(0, None, "error", None, *counts, error="refused: no decision was made")
    chances = {one["value"]: one["probability"] for one in found["probabilities"]}
    logprobs = tuple(_log(chances.get(label, 0.0)) for label in labels)
    return Completion(0, canonical_json(found), "stop", None, *counts, logprobs=logprobs)
