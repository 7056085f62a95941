"""Small audits by hand, and a small study that has gone down the road, for the tests of judges."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from inference import collect
from inference.ledger import Purse
from judges import benchmark, full_run, grade, mandates, tables
from judges.consensus import Reference
from judges.desk import Office
from judges.tables import Audit, JudgeRun
from judges.warrant import issue, weigh_one
from samples import audit
from samples.cli import opened
from samples.records import AuditSet, Label, Rubric, Spec, Warrant, canonical_json, content_hash
from samples.store import Store
from samples.study import PolicyBlock, Study

NOW = "2026-01-31T09:30:00.000000+00:00"


def codes(text: str, missing: int) -> np.ndarray:
    """ "10-" as label codes, a dash as ``missing``."""
    return np.array([missing if letter == "-" else int(letter) for letter in text], dtype=np.int64)


def coded(text: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """ "aab" as places in ("a", "b")."""
    names = tuple(sorted(set(text)))
    return np.array([names.index(letter) for letter in text], dtype=np.int64), names


def audit_of(
    people: str | Sequence[str],
    judges: dict[str, str],
    *,
    question: Sequence[int] | None = None,
    model: str = "",
    task: str = "",
    **more: Any,
) -> Audit:
    """An audit from texts with a letter per case.

    ``people`` are label codes, or a list with a text per rater, of whom the first settles a case;
    a dash is no label. ``judges`` are label codes too, and a dash is a failure. Models and tasks
    have a letter for a name. ``more`` are ``labels``, ``weight`` and ``allocation``.
    """
    raters = [people] if isinstance(people, str) else list(people)
    cases = len(raters[0])
    rubric = Rubric("final-answer", "Correct?", more.get("labels", ("incorrect", "correct")))
    runs = {}
    for name, text in judges.items():
        verdicts, spec = codes(text, len(rubric.labels)), Spec("judge", name, {"kind": "auto"})
        failures = Counter({"unparsable": text.count("-")} if "-" in text else {})
        kinds = tuple("unparsable" if letter == "-" else None for letter in text)
        runs[name] = JudgeRun(spec, verdicts, failures, 0, content_hash(text), kinds)
    models, tasks = coded(model or "m" * cases), coded(task or "t" * cases)
    weight = np.array(more.get("weight", [1.0] * cases), dtype=np.float64)
    return Audit(
        audit_set=AuditSet(rubric.id, {"allocation": more.get("allocation", "equal")}, "b2:00"),
        rubric=rubric,
        responses=tuple(f"case {number}" for number in range(cases)),
        question=np.arange(cases) if question is None else np.array(question),
        model=models[0],
        task=tasks[0],
        models=models[1],
        tasks=tasks[1],
        strategies=("direct",),
        weight=weight / weight.mean(),
        reference=Reference(
            values=codes(raters[0], -1),
            raters=tuple(f"rater {number}" for number in range(len(raters))),
            ratings=np.stack([codes(text, -1) for text in raters], axis=1),
            labels="human",
            adjudicated=0,
            ties=(),
            unlabelled=(),
            unsure=0,
        ),
        labels_digest=content_hash(raters),
        judges=runs,
    )


def policy(*rules: dict[str, Any], **settings: Any) -> PolicyBlock:
    return PolicyBlock.model_validate({"resamples": 400, "rule": list(rules)} | settings)


# --- a study on disk ---------------------------------------------------------------------------

STUDY = """
name = "small"
[rubric]
guidance = "guidance.md"
[[task]]
name = "sums"
limit = 12
[[model]]
name = "good"
engine = "replay"
model = "good.jsonl"
[[model]]
name = "bad"
engine = "replay"
model = "bad.jsonl"
[[judge]]
name = "rules"
kind = "auto"
[[judge]]
name = "reader"
kind = "llm"
engine = "replay"
model = "verdicts.jsonl"
prompt = "prompt.txt"
sampling = { max_tokens = 16 }
[[judge]]
name = "yes"
kind = "constant"
value = "correct"
[policy]
resamples = 200
[[policy.rule]]
statistic = "cohen_kappa"
at_least = 0.4
"""
FILES = {
    "study.toml": STUDY,
    "guidance.md": "Right is right.\n",
    "prompt.txt": "Is it right?\n$question\n$reference\n$response\nAnswer with one of: $labels\n",
    "good.jsonl": [
        {"match": f"{a} + {b}", "text": f"The answer is {a + b}."}
        for a in range(1, 10)
        for b in range(1, 10)
    ],
    "bad.jsonl": [{"text": "The answer is 99."}],
    "verdicts.jsonl": [
        {"match": "answer is 99", "text": "Verdict: incorrect"},
        {"text": "Verdict: correct"},
    ],
}


def answers_in(said: str, firsts: Iterable[int] = range(1, 10)) -> list[dict[str, Any]]:
    """A row of good.jsonl per sum that begins with one of ``firsts``, with its SUM filled in."""
    return [
        {"match": f"{a} + {b}", "text": said.replace("SUM", str(a + b))}
        for a in firsts
        for b in range(1, 10)
    ]


def write_files(folder: Path, **changed: Any) -> Path:
    """The study file, its models' answers and its prompt; returns the study file."""
    for name, content in (FILES | changed).items():
        write(folder / name, content)
    return folder / "study.toml"


def write(path: Path, content: str | list[dict[str, Any]]) -> None:
    lines = content if isinstance(content, str) else [canonical_json(r) + "\n" for r in content]
    path.write_text("".join(lines), encoding="utf-8")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def nothing(_: object) -> None:
    """A tick that nobody watches."""


def collect_all(study: Study, store: Store, limit: int | None = None) -> dict[str, str]:
    return collect.run(study, store, collect.plan(study, store, limit), nothing, lambda: NOW)


def freeze_all(study: Study, store: Store, now: str = NOW, models: str = "") -> None:
    """Every answer (of these models) as the audit set."""
    drawn = [
        audit.Drawn(response, task, 1.0, 1)
        for response, task, model, *_ in store.frame()
        if not models or model in models.split()
    ]
    audit.freeze(store, study.rater_question, drawn, {"allocation": "equal"}, now)


def judge_all(study: Study, store: Store) -> None:
    audit_set = store.audit_set()
    assert audit_set is not None
    responses = [case.response for case in store.audit_cases(audit_set.id)]
    grade.run(study, store, grade.dockets(study, store, responses), nothing, lambda: NOW)


def label_all(study: Study, store: Store, right: Callable[[str], bool] | None = None) -> None:
    """Ann labels the audit set: an answer that says 99 is wrong, if nothing else is asked for."""
    right = right or (lambda text: "99" not in text)
    audit_set, rubric = store.audit_set(), study.rater_question
    assert audit_set is not None
    responses = [case.response for case in store.audit_cases(audit_set.id)]
    store.add(
        Label(case.response.id, rubric.id, "ann", value=rubric.labels[right(case.response.text)])
        for case in store.cases(responses, rubric)
    )


def walk(folder: Path, **changed: Any) -> Path:
    """A study that is collected, sampled, judged and labelled; returns its folder."""
    path = write_files(folder, **changed)
    with opened(path, create=True) as (study, store):
        collect_all(study, store)
        freeze_all(study, store)
        judge_all(study, store)
        label_all(study, store)
    return folder


def copied(folder: Path, to: Path) -> Path:
    """A study of its own to break; returns its study file."""
    shutil.copytree(folder, to, dirs_exist_ok=True)
    return to / "study.toml"


def approve(study: Study, store: Store, judge: str) -> Warrant:
    """Decide about a judge and keep the warrant, as `benchwarrant approve` does."""
    found = tables.load_audit(study, store)
    made = issue(found, weigh_one(found, study, judge), study, judge, ("eve", NOW))
    store.add([made])
    return made


def planned(study: Study, store: Store, judge: str | None = None) -> full_run.Plan:
    """What a full run would still grade, once everything is collected."""
    specs = collect.specs_in_force(study, store)
    granted = mandates.judge_of(study, store, NOW, judge, specs.values())
    return full_run.plan(study, store, [], specs, granted)


def grade_all(study: Study, store: Store, judge: str | None = None) -> None:
    """The full run's grades of all that is collected."""
    office = Office(study, nothing, lambda: NOW, Purse())
    full_run.run(planned(study, store, judge), office, store, nothing)


def check_scope(study: Study, store: Store, judge: str | None = None) -> None:
    """As a run asks before anything else: every task's warrant, over the models in force."""
    mandates.judge_of(study, store, NOW, judge, collect.specs_in_force(study, store).values())


def all_by(study: Study, store: Store, granted: Warrant) -> dict[str, Warrant]:
    """Every task graded under this warrant."""
    return dict.fromkeys(benchmark.tasks_in_force(study, store), granted)
