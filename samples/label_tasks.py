"""The audit set as tasks for Label Studio or Argilla, for teams that label there.

They are as blind as our own pages: the question, the reference and the answer, and no model. Each
carries the id of its answer, by which the labels find back.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from samples import blind
from samples.errors import BenchwarrantError
from samples.records import Rubric
from samples.store import Store

Task = tuple[str, dict[str, str]]  # an answer's id, and what is shown


def tasks(store: Store, rubric: Rubric) -> Iterator[Task]:
    """The cases of the audit set that can be read, in its order."""
    audit_set = store.audit_set()
    if audit_set is None or audit_set.rubric != rubric.id:
        raise BenchwarrantError(
            "there is no audit set for this rubric yet; run `benchwarrant sample` to draw one"
        )
    for case in blind.assignments(store, audit_set.id):
        item, answer = blind.case(store, case.response)
        choices = "".join(f"\n{label}. {text}" for label, text in item.choices)
        shown = {"question": item.question + choices, "reference": item.reference}
        yield case.response, shown | {"answer": answer}


def _label_studio(task: Task) -> dict[str, Any]:
    case, shown = task
    return {"data": {"case": case, **shown}}


def _argilla(task: Task) -> dict[str, Any]:
    case, shown = task
    empty: dict[str, Any] = {"suggestions": {}, "responses": {}, "vectors": {}}
    return {"id": case, "fields": shown, "metadata": {}, "status": "pending", **empty}


def _interface(rubric: Rubric) -> str:
    """The labelling interface of Label Studio, whose names our import knows."""
    choices = "\n".join(f"    <Choice value={quoteattr(label)}/>" for label in rubric.labels)
    boxes = "\n".join(
        f'  <Header value="{title}"/>\n  <Text name="{name}" value="${name}"/>'
        for name, title in _TITLES.items()
    )
    return f"""<View>
{boxes}
  <Header value={quoteattr(rubric.question)}/>
  <Choices name="label" toName="answer" choice="single" required="true">
{choices}
  </Choices>
  <Choices name="unsure" toName="answer" choice="multiple">
    <Choice value="unsure"/>
  </Choices>
  <TextArea name="note" toName="answer" placeholder="Note (optional)" maxSubmissions="1"/>
</View>
"""


def _settings(rubric: Rubric) -> dict[str, Any]:
    """The settings of an Argilla dataset, whose names our import knows."""
    text = {"type": "text", "use_markdown": False}
    options = [{"text": label, "value": label} for label in rubric.labels]
    question = {"type": "label_selection", "options": options, "visible_options": None}
    return {
        "guidelines": rubric.guidance or None,
        "fields": [
            {"name": name, "title": title, "required": True, "settings": text}
            for name, title in _TITLES.items()
        ],
        "questions": [
            {"name": "label", "title": rubric.question, "required": True, "settings": question},
            {"name": "note", "title": "Note", "required": False, "settings": text},
        ],
        "vectors": [],
        "metadata": [],
        "allow_extra_metadata": False,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
    }


_TITLES = {"question": "Question", "reference": "Reference answer", "answer": "Answer to judge"}
TOOLS: dict[str, tuple[Callable[[Task], dict[str, Any]], str, Callable[[Rubric], Any]]] = {
    "label-studio": (_label_studio, ".xml", _interface),
    "argilla": (_argilla, ".settings.json", _settings),
}


def task_files(tool: str, store: Store, rubric: Rubric, out: Path) -> dict[Path, Any]:
    """What to write: the tasks, and the tool's own set-up beside them."""
    task, suffix, setup = TOOLS[tool]
    made = [task(one) for one in tasks(store, rubric)]
    return {out: made, out.with_suffix(suffix): setup(rubric)}
