"""A made-up study at the paper's scale, written straight into its database.

The catalogue's 72 models, 17 tasks of 1,000 questions, an answer of 1 KB and a verdict on each; an
audit set of 1,000 with labels, and a rule judge that is approved on it.
"""

import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from inference import collect
from inference.asking import Job
from judges import tables
from judges.warrant import issue, weigh_one
from samples import audit, draws
from samples.cli import opened
from samples.records import Event, Label, Response, Rubric, Verdict
from samples.store import Store
from samples.study import Study, catalogue

NOW = "2026-01-31T09:30:00.000000+00:00"
WORDS = ("so we add the two numbers and then", "take half of it", "which leaves apples for her")


def write_study(folder: Path, models: int = 72, tasks: int = 17, items: int = 1000) -> Path:
    """The study file, and the questions of each task."""
    folder.mkdir(parents=True, exist_ok=True)
    blocks = ['name = "wide"\nseed = 7\n[rubric]\n']
    for t in range(tasks):
        rows = [
            {"question": f"Task {t}: how much is {n} + {t}?", "answer": f"#### {n + t}"}
            for n in range(items)
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"task-{t:02}.jsonl").write_text(text, encoding="utf-8")
        blocks.append(
            f'[[task]]\nname = "task-{t:02}"\nkind = "gsm8k"\npath = "task-{t:02}.jsonl"\n'
        )
    slugs = itertools.islice(catalogue(), models)
    blocks += [
        f'[[model]]\nfrom = "{slug}"\nmodel = "none.jsonl"\nengine = "replay"\n' for slug in slugs
    ]
    blocks.append('[[judge]]\nname = "rules"\nkind = "auto"\n')
    blocks.append(f"[audit]\nsize = {min(1000, models * tasks * items)}\n")
    blocks.append('strata = ["task"]\noverlap = 0.0\n')
    blocks.append('[policy]\n[[policy.rule]]\nstatistic = "accuracy"\nat_least = 0.5\n')
    path = folder / "study.toml"
    path.write_text("".join(blocks), encoding="utf-8")
    return path


def fill_study(path: Path) -> None:
    """All answers and verdicts, and the road to a warrant."""
    with opened(path, create=True) as (study, store):
        store.db.execute("PRAGMA cache_size = -400000")
        jobs = collect.plan(study, store)
        judge, rubric = tables.study_judges(study, store)["rules"], study.rater_question
        items = {item.id: item for job in jobs for item in job.items}
        store.add([*items.values(), *(job.spec for job in jobs), judge, rubric, *_events(study)])
        rows = _rows(jobs, _chances(study, jobs, list(items)), judge.id, rubric)
        while some := list(itertools.islice(rows, 200_000)):
            store.add(some)  # few commits: each writes most pages of the indexes anew
        _warrant(study, store)


def _chances(study: Study, jobs: list[Job], items: list[str]) -> dict[str, float]:
    """Models' skills by name, items' and tasks' ease by theirs: sums of them are log odds.

    A variant is a little worse than its parent.
    """
    rng = np.random.default_rng(1)
    odds = {block.name: float(rng.normal(0.5, 0.9)) for block in study.model}
    for block in study.model:
        if block.parent in odds:
            odds[block.name] = odds[block.parent] - abs(float(rng.normal(0, 0.15)))
    odds |= {task: float(rng.normal(0, 1.0)) for task in dict.fromkeys(job.task for job in jobs)}
    return odds | {item: float(rng.normal(0, 1.2)) for item in items}


def _rows(
    jobs: list[Job], odds: dict[str, float], judge: str, rubric: Rubric
) -> Iterator[Response | Verdict]:
    """Each answer and its verdict, job after job."""
    rng, texts = np.random.default_rng(2), _texts()
    for job in jobs:
        level = odds[job.block.name] + odds[job.task]
        for item, luck in zip(job.items, rng.logistic(size=len(job.items)), strict=True):
            answer = Response(item.id, job.block.name, job.spec.id, job.strategy, 0, next(texts))
            value = rubric.labels[int(level + odds[item.id] + luck > 0)]
            yield answer
            yield Verdict(answer.id, rubric.id, "rules", judge, value, reason="read 42")


def _texts() -> Iterator[str]:
    """Texts of 1 KB, each its own."""
    rng = random.Random(1)
    long = " ".join(rng.choice(WORDS) for _ in range(4000))
    for number in itertools.count():
        start = rng.randrange(len(long) - 1024)
        head = f"{number}: "
        yield head + long[start : start + 1024 - len(head)]


def _events(study: Study) -> Iterator[Event]:
    for place, block in enumerate(study.model):
        size = int(1e8 * (place + 3))
        memory = {"weights": 2 * size, "kv": None, "peak": 3 * size, "peak_of": "device"}
        facts = {"parameters": size, "weights_bytes": 2 * size, "memory": memory}
        facts |= {"parent": block.parent, "compression": block.compression}
        yield Event("model ran", block.name, facts, NOW)


def _warrant(study: Study, store: Store) -> None:
    specs, rubric = set(collect.specs_in_force(study, store)), study.rater_question
    frame, _ = audit.drawable(store, specs, study.audit.strata)
    drawn = draws.draw_by_design(store, frame, study.audit, rubric, study.seed)
    audit.freeze(store, rubric, drawn, draws.design(study.audit), NOW)
    judge = tables.study_judges(study, store)["rules"]
    given = store.judged(judge.id, rubric.id)
    rng = random.Random(3)
    for case in drawn:
        value = given[case.response][0]
        if rng.random() < 0.03:
            value = next(label for label in rubric.labels if label != value)
        store.add([Label(case.response, rubric.id, "ann", value=value, created_at=NOW)])
    found = tables.load_audit(study, store)
    evidence = weigh_one(found, study, "rules")
    store.add([issue(found, evidence, study, "rules", ("eve", NOW))])
