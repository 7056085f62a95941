"""A small study with an audit set, made by the Store alone, for the tests of the labelling app."""

from dataclasses import dataclass
from pathlib import Path

from samples.records import AuditCase, AuditSet, Item, Response, Rubric, Spec
from samples.store import Store, cases_hash

QUESTION = "Is the final answer correct?"
GUIDANCE = "Judge the *final* answer only."
SECRETS = ("hush-135m", "whisper-7b", "few-shot-secret", "judge-in-the-dark")  # never to be seen


@dataclass(frozen=True)
class Answered:
    """One question and the texts that were answered to it; None is an answer without a text."""

    question: str
    reference: str
    texts: tuple[str | None, ...]
    raters: int = 1
    choices: tuple[tuple[str, str], ...] = ()


def numbered(questions: int, answers: int = 1, raters: int = 1) -> list[Answered]:
    """So many questions with so many answers each: "answer 2.1" is the second to question 2."""
    return [
        Answered(f"question {q}", f"reference {q}", texts, raters)
        for q in range(questions)
        for texts in [tuple(f"answer {q}.{a}" for a in range(answers))]
    ]


def build_study(
    folder: Path, answered: list[Answered], labels: tuple[str, ...] = ("incorrect", "correct")
) -> Path:
    """Write study.toml and study.db, with all answers in the audit set; returns the study file."""
    path = folder / "study.toml"
    (folder / "guidance.md").write_text(GUIDANCE, encoding="utf-8")
    path.write_text(
        f'name = "{SECRETS[3]}"\nseed = 7\n[rubric]\nquestion = "{QUESTION}"\n'
        f'labels = {list(labels)}\nguidance = "guidance.md"\n',
        encoding="utf-8",
    )
    rubric = Rubric("final-answer", QUESTION, labels, GUIDANCE)
    spec = Spec("model", SECRETS[0], {"parent": SECRETS[1]})
    items, responses, raters = [], [], []
    for number, case in enumerate(answered):
        item = Item("quiz", str(number), case.question, (case.reference,), choices=case.choices)
        items.append(item)
        for draw, text in enumerate(case.texts):
            responses.append(Response(item.id, SECRETS[0], spec.id, SECRETS[2], draw, text))
            raters.append(case.raters)
    rows = [
        (response.id, position, "quiz", 1.0, wanted)
        for position, (response, wanted) in enumerate(zip(responses, raters, strict=True))
    ]
    audit_set = AuditSet(
        rubric.id, {"size": len(rows)}, cases_hash([AuditCase("", *r) for r in rows])
    )
    cases = [AuditCase(audit_set.id, *row) for row in rows]
    with Store(folder / "study.db", create=True) as store:
        store.add([rubric, spec, *items, *responses, audit_set, *cases])
    return path
