"""Item and strategy in, chat out.

Texts of a task are put in as they are: ``string.Template`` fills each place once, so that nothing
in a question, not even ``$answer`` or ``{}``, is read as part of the prompt.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from string import Template
from typing import Any

from inference.engine import Chat, Message
from samples.errors import BenchwarrantError
from samples.records import Item
from samples.registry import find
from samples.tasks.critique import three_lines


@dataclass(frozen=True)
class Strategy:
    """How many worked examples are shown, and whether reasoning is asked for."""

    shots: int | None  # None: as many as the task has
    reasons: bool


STRATEGIES: dict[str, Strategy] = {
    "direct": Strategy(0, reasons=False),
    "cot": Strategy(0, reasons=True),
    "few-shot": Strategy(None, reasons=False),
    "few-shot-cot": Strategy(None, reasons=True),
    "5-shot": Strategy(5, reasons=False),
    "5-shot-cot": Strategy(5, reasons=True),
    "8-shot": Strategy(8, reasons=False),
    "8-shot-cot": Strategy(8, reasons=True),
}


@dataclass(frozen=True)
class Form:
    """The wording for one kind of answer: with and without reasoning, asked and as an example."""

    ask: str
    ask_reasons: str
    reply: str = "$answer"
    reply_reasons: str = "$rationale The answer is $answer."
    layout: str = "$question\n\n$instruction"


THREE_LINES = (
    "Solution correctness: correct or incorrect\n"
    "First wrong step: its number, or none\n"
    "Reason: what is wrong in that step, or none"
)

FORMS: dict[str, Form] = {
    "number": Form(
        "Answer with the number only.",
        'Think step by step. Then give the final number after "The answer is".',
    ),
    "choice": Form(
        "Answer with $labels only.",
        'Think step by step. Then give $labels after "The answer is".',
        layout="$question\n\n$options\n\n$instruction",
    ),
    "choice in words": Form(
        "Give only the answer.",
        'Think step by step. Then give the answer after "The answer is".',
        layout="Options: $texts\n\n$question\n\n$instruction",
    ),
    "sequence": Form(
        "Answer with the list only, inside \\boxed{}.",
        "Think step by step. Then give the list inside \\boxed{}.",
        "\\boxed{$answer}",
        "$rationale \\boxed{$answer}",
    ),
    "text": Form(
        "Answer with a word or a name only.",
        'Think step by step. Then give the answer after "The answer is".',
    ),
    "math": Form(
        "Answer with the final result only, inside \\boxed{}.",
        "Think step by step. Then give the final result inside \\boxed{}.",
        "\\boxed{$answer}",
        "$rationale \\boxed{$answer}",
    ),
    "yesno": Form(
        "Answer with yes or no only.",
        'Think step by step. Then give yes or no after "The answer is".',
    ),
    "critique": Form(
        "Is this solution correct? Answer in these three lines and nothing else:\n" + THREE_LINES,
        "Is this solution correct? Check it step by step. Then end with these three lines:\n"
        + THREE_LINES,
        reply_reasons="$rationale\n$answer",
    ),
}


def render(item: Item, strategy: str, exemplars: Sequence[Item], system: str | None = None) -> Chat:
    """The chat that asks one item: system text, worked examples as turns, the question."""
    said = () if system is None else (Message("system", system),)
    return (*said, *examples(strategy, exemplars, item.task), question(item, strategy))


def examples(strategy: str, exemplars: Sequence[Item], task: str) -> Chat:
    """The worked examples as turns: the same for all items of a task."""
    reasons = find("strategy", strategy, STRATEGIES).reasons
    turns = []
    for exemplar in _shown(strategy, exemplars, task):
        turns.append(Message("user", _question(exemplar, reasons)))
        turns.append(Message("assistant", _reply(exemplar, reasons)))
    return tuple(turns)


def shows_examples(strategy: str) -> bool:
    """Whether the strategy needs worked examples."""
    plan: Strategy = find("strategy", strategy, STRATEGIES)
    return plan.shots != 0


def question(item: Item, strategy: str) -> Message:
    """The turn that asks an item."""
    return Message("user", _question(item, find("strategy", strategy, STRATEGIES).reasons))


def prompting_text(
    strategy: str, items: Iterable[Item], exemplars: Sequence[Item], system: str | None = None
) -> dict[str, Any]:
    """All that shapes the chats of a task, as JSON-able data for a model spec's hash.

    It names the wordings that these items need and the exemplars that are shown, and nothing else,
    so that zero-shot answers stand when exemplars change.
    """
    plan = find("strategy", strategy, STRATEGIES)
    items = list(items)
    return {
        "reasons": plan.reasons,
        "forms": {name: asdict(FORMS[name]) for name in sorted({_form(item) for item in items})},
        "exemplars": [exemplar.id for exemplar in _shown(strategy, exemplars, items[0].task)],
        "system": system,
    }


def _shown(strategy: str, exemplars: Sequence[Item], task: str) -> Sequence[Item]:
    shots = STRATEGIES[strategy].shots
    needed = 1 if shots is None else shots
    if len(exemplars) < needed:
        raise BenchwarrantError(
            f"strategy {strategy!r} needs {needed} exemplars of task {task!r}, which has "
            f"{len(exemplars)}; set exemplars = FILE in its [[task]] block, or a lower limit"
        )
    return exemplars[:shots]


def _form(item: Item) -> str:
    in_words = item.answer_type == "choice" and item.meta.get("answer_in") == "words"
    return "choice in words" if in_words else item.answer_type


def _question(item: Item, reasons: bool) -> str:
    form = FORMS[_form(item)]
    labels = [label for label, _ in item.choices]
    instruction = Template(form.ask_reasons if reasons else form.ask).substitute(
        labels=" or ".join(filter(None, (", ".join(labels[:-1]), *labels[-1:])))
    )
    return Template(form.layout).substitute(
        question=item.question,
        options="\n".join(f"{label}. {text}" for label, text in item.choices),
        texts=", ".join(text for _, text in item.choices),
        instruction=instruction,
    )


def _reply(exemplar: Item, reasons: bool) -> str:
    form = FORMS[_form(exemplar)]
    rationale = exemplar.meta.get("rationale", "")
    if reasons and not rationale:
        raise BenchwarrantError(
            f"exemplar {exemplar.key!r} of task {exemplar.task!r} has no worked solution; give "
            "exemplars with a 'rationale', or use a strategy without -cot"
        )
    answer = exemplar.reference
    if _form(exemplar) == "choice in words":
        answer = dict(exemplar.choices)[answer]
    elif exemplar.answer_type == "critique":
        answer = three_lines(answer)
    wording = form.reply_reasons if reasons else form.reply
    return Template(wording).substitute(answer=answer, rationale=rationale)
