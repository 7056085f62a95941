"""Item and strategy in, chat out: wording, worked examples, and texts that look like templates."""

from dataclasses import replace
from typing import Any

import pytest

from inference.engine import Message
from inference.prompting import FORMS, STRATEGIES, prompting_text, render
from samples.errors import BenchwarrantError
from samples.records import ANSWER_TYPES, Item, canonical_json

SUM = Item("sums", "1", "What is 2 + 3?", ("5",), "number", meta={"rationale": "2 + 3 = 5."})
ICE = Item(
    "facts",
    "1",
    "Which is frozen water?",
    ("B",),
    "choice",
    choices=(("A", "steam"), ("B", "ice"), ("C", "sand")),
    meta={"rationale": "Ice melts to water."},
)
WRONG = "incorrect; first wrong step: 2; reason: 2 + 3 is 5."
ICE_IN_WORDS = replace(ICE, meta={**ICE.meta, "answer_in": "words"})


def sums(count: int) -> list[Item]:
    return [
        replace(SUM, key=str(n), question=f"What is {n} + 1?", references=(str(n + 1),))
        for n in range(count)
    ]


def test_direct_asks_for_the_answer_only() -> None:
    (turn,) = render(SUM, "direct", [])
    assert turn == Message("user", "What is 2 + 3?\n\nAnswer with the number only.")


def test_cot_asks_for_the_steps() -> None:
    (turn,) = render(SUM, "cot", [])
    assert turn.content == (
        'What is 2 + 3?\n\nThink step by step. Then give the final number after "The answer is".'
    )


def test_the_system_text_comes_first() -> None:
    chat = render(SUM, "5-shot", sums(5), system="Be brief.")
    assert chat[0] == Message("system", "Be brief.")
    assert len(chat) == 1 + 2 * 5 + 1


def test_options_stand_under_the_question_with_their_labels() -> None:
    (turn,) = render(ICE, "direct", [])
    assert turn.content == (
        "Which is frozen water?\n\nA. steam\nB. ice\nC. sand\n\nAnswer with A, B or C only."
    )


def test_labels_are_the_items_own() -> None:
    digits = replace(ICE, choices=(("1", "steam"), ("2", "ice")), references=("2",))
    assert render(digits, "direct", [])[0].content.endswith("Answer with 1 or 2 only.")


def test_a_choice_in_words_shows_no_letters() -> None:
    (turn,) = render(ICE_IN_WORDS, "direct", [])
    assert turn.content == (
        "Options: steam, ice, sand\n\nWhich is frozen water?\n\nGive only the answer."
    )


def test_a_critique_is_asked_for_in_three_lines() -> None:
    (turn,) = render(replace(SUM, answer_type="critique", references=(WRONG,)), "direct", [])
    assert [line.partition(":")[0] for line in turn.content.splitlines()[-3:]] == [
        "Solution correctness",
        "First wrong step",
        "Reason",
    ]


@pytest.mark.parametrize(
    ("item", "strategy", "reply"),
    [
        (SUM, "few-shot", "5"),
        (SUM, "few-shot-cot", "2 + 3 = 5. The answer is 5."),
        (ICE, "few-shot", "B"),
        (ICE, "few-shot-cot", "Ice melts to water. The answer is B."),
        (ICE_IN_WORDS, "few-shot", "ice"),
        (
            replace(SUM, answer_type="sequence", references=("[1, 2]",)),
            "few-shot",
            "\\boxed{[1, 2]}",
        ),
        (replace(SUM, answer_type="math"), "few-shot-cot", "2 + 3 = 5. \\boxed{5}"),
        (
            replace(SUM, answer_type="critique", references=(WRONG,)),
            "few-shot",
            "Solution correctness: incorrect\nFirst wrong step: 2\nReason: 2 + 3 is 5.",
        ),
        (
            replace(SUM, answer_type="critique", references=("correct",)),
            "few-shot",
            "Solution correctness: correct\nFirst wrong step: none\nReason: none",
        ),
    ],
)
def test_worked_examples_are_turns_that_answer_as_asked(
    item: Item, strategy: str, reply: str
) -> None:
    asked = replace(item, key="2", question="Another?")
    shown, answered, question = render(asked, strategy, [item])
    assert [shown.role, answered.role, question.role] == ["user", "assistant", "user"]
    assert answered.content == reply
    assert shown.content == question.content.replace("Another?", item.question)


@pytest.mark.parametrize(
    ("strategy", "given", "shown"),
    [
        ("direct", 9, 0),
        ("cot", 9, 0),
        ("few-shot", 2, 2),
        ("few-shot-cot", 9, 9),
        ("5-shot", 9, 5),
        ("5-shot-cot", 5, 5),
        ("8-shot", 8, 8),
        ("8-shot-cot", 9, 8),
    ],
)
def test_a_strategy_shows_its_number_of_examples(strategy: str, given: int, shown: int) -> None:
    chat = render(SUM, strategy, sums(given))
    assert len(chat) == 2 * shown + 1
    assert [turn.content.splitlines()[0] for turn in chat[:-1:2]] == [
        f"What is {n} + 1?" for n in range(shown)
    ]


@pytest.mark.parametrize(("strategy", "needed"), [("few-shot", 1), ("5-shot", 5), ("8-shot", 8)])
def test_too_few_examples_are_refused(strategy: str, needed: int) -> None:
    with pytest.raises(BenchwarrantError) as caught:
        render(SUM, strategy, sums(needed - 1))
    assert str(caught.value).startswith(
        f"strategy '{strategy}' needs {needed} exemplars of task 'sums', which has {needed - 1}; "
        "set exemplars = "
    )


def test_reasoning_needs_worked_solutions() -> None:
    with pytest.raises(BenchwarrantError, match="exemplar '7' of task 'sums' has no worked"):
        render(SUM, "few-shot-cot", [replace(SUM, key="7", meta={})])


def test_an_unknown_strategy_is_refused() -> None:
    with pytest.raises(BenchwarrantError, match="unknown strategy '5shot'; did you mean '5-shot'"):
        render(SUM, "5shot", [])


def test_texts_that_look_like_templates_stay_texts() -> None:
    nasty = "$answer ${question} {0} {answer} %s $$ \\boxed{x} $"
    item = replace(
        ICE,
        question=nasty,
        choices=(("A", nasty), ("B", "$instruction")),
        references=("A",),
        meta={"rationale": nasty},
    )
    shown, answered, asked = render(item, "few-shot-cot", [replace(item, key="2")])
    assert shown.content == asked.content
    assert asked.content.startswith(f"{nasty}\n\nA. {nasty}\nB. $instruction\n\nThink")
    assert answered.content == f"{nasty} The answer is A."


@pytest.mark.parametrize("answer_type", ANSWER_TYPES)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_answer_type_has_its_wording(answer_type: str, strategy: str) -> None:
    item = replace(ICE, answer_type=answer_type)
    chat = render(item, strategy, [item] * 8)
    assert item.question in chat[-1].content
    assert not any("$" in turn.content for turn in chat)


def test_prompting_is_named_by_what_shapes_the_chats() -> None:
    def text(strategy: str = "5-shot", **changes: Any) -> str:
        given = {"items": [SUM], "exemplars": sums(6), "system": None, **changes}
        return canonical_json(prompting_text(strategy, **given))

    assert text() == text()
    assert text(items=[SUM, *sums(3)]) == text()  # other questions of the kind: same prompting
    assert text(exemplars=sums(7)) == text()  # a sixth or seventh is not shown
    assert text(exemplars=sums(6)[::-1]) != text()
    assert text(system="Be brief.") != text()
    assert text("5-shot-cot") != text()
    assert text(items=[SUM, ICE]) != text()
    assert text("direct") == text("direct", exemplars=[])


def test_prompting_holds_the_wording(monkeypatch: pytest.MonkeyPatch) -> None:
    before = prompting_text("direct", [SUM], [])
    monkeypatch.setitem(FORMS, "text", replace(FORMS["text"], ask="Say it."))
    assert prompting_text("direct", [SUM], []) == before
    monkeypatch.setitem(FORMS, "number", replace(FORMS["number"], ask="Say it."))
    assert prompting_text("direct", [SUM], []) != before
