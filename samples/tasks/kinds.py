"""The kinds of tasks that are tables, and what a [[task]] block says about one of them."""

from dataclasses import replace

from samples.errors import BenchwarrantError
from samples.registry import check_known, did_you_mean
from samples.tasks.known import TASKS
from samples.tasks.task import Kind, Task, TaskOptions

KINDS: dict[str, Kind] = {
    "math": Kind(
        item="samples.tasks.worked_answer:item",
        answer_type="number",
        needed=("question", "answer"),
        columns={
            "question": "question",
            "answer": "answer",
            "key": "id",
            "rationale": "rationale",
        },
        options={"after": (), "answer_type": ("number", "math"), "lead": ()},
    ),
    "choice": Kind(
        item="samples.tasks.multiple_choice:item",
        answer_type="choice",
        needed=("question", "choices", "answer"),
        columns={
            "question": "question",
            "choices": "choices",
            "answer": "answer",
            "key": "id",
            "rationale": "rationale",
        },
        further=("meta", "official"),
        options={"answer_is": ("label", "text", "index"), "answer_key": (), "lead": ()},
    ),
    "yesno": Kind(
        item="samples.tasks.yes_no:item",
        answer_type="yesno",
        needed=("question", "answer"),
        columns={
            "question": "question",
            "answer": "answer",
            "key": "id",
            "rationale": "rationale",
        },
        options={"lead": ()},
    ),
    "critique": Kind(
        item="samples.tasks.critique:item",
        answer_type="critique",
        needed=("question", "steps", "correctness", "wrong_step", "reason"),
        columns={
            "question": "question",
            "steps": "steps",
            "correctness": "correctness",
            "wrong_step": "wrong_step",
            "reason": "reason",
            "key": "id",
        },
        further=("meta", "options"),
        repeats=True,
    ),
}


def known_task(options: TaskOptions, task: str) -> Task:
    """The task of that name, or one of that kind, with what the [[task]] block itself says."""
    check_known("task", task, {**TASKS, **KINDS})
    known = TASKS[task] if task in TASKS else _own(options, task)
    _check(options, task, known)
    if known.made_up:
        return known
    kind = KINDS[known.kind]
    hub = dict(options.hub)
    elsewhere = hub.keys() & {"dataset", "file"}
    return replace(
        known,
        source=hub.get("dataset", known.source),
        file=hub.get("file", known.file),
        split=hub.get("split", known.split),
        revision=hub.get("revision", None if elsewhere else known.revision),
        train=None if elsewhere else known.train,
        shapes=tuple({**kind.columns, **shape, **options.columns} for shape in known.shapes),
        settings={**known.settings, **options.options},
    )


def _own(options: TaskOptions, kind: str) -> Task:
    if options.path is None and not {"dataset", "file"} <= options.hub.keys():
        raise BenchwarrantError(
            f"task {options.name!r}: a task of kind {kind!r} has rows of your own; set path = FILE"
            ' or hub = { dataset = "…", file = "…" } in its [[task]] block'
        )
    return Task(options.name, KINDS[kind].answer_type, "test", None, "", "", kind=kind)


def _check(options: TaskOptions, task: str, known: Task) -> None:
    here = f"task {options.name!r}"
    if known.made_up and (options.path or options.exemplars or options.hub or options.columns):
        raise BenchwarrantError(
            f"{here}: {task} reads no file; take path, hub, columns and exemplars out, or bring"
            " items of your own with `benchwarrant import items FILE`"
        )
    if options.path and options.hub:
        raise BenchwarrantError(f"{here}: path and hub both say where the rows are; take one out")
    kind = KINDS[known.kind] if known.kind else None
    takes = kind.options if kind else dict.fromkeys(known.options, ())
    for name, value in options.options.items():
        if name not in takes:
            raise BenchwarrantError(
                f"{here}: unknown option {name!r}; {did_you_mean(name, list(takes))}"
            )
        allowed = takes[name]
        if kind and (value not in allowed if allowed else not isinstance(value, str) or not value):
            expected = " or ".join(map(repr, allowed)) or "a text"
            raise BenchwarrantError(f"{here}: {name} = {value!r}; give {expected}")
    for part in options.columns:
        if kind and part not in kind.parts:
            raise BenchwarrantError(
                f"{here}: columns has no {part!r}; {did_you_mean(part, kind.parts)}"
            )
