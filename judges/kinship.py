"""Whether a judge grades itself, or models of its own family: allowed only where a study says so.

A model may favour what it would have said itself, so that such a judge is refused unless its block
has ``allow_self = true``, and is marked wherever its figures stand.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from inference.families import family
from judges.panel import members_of
from samples.errors import BenchwarrantError
from samples.records import Spec
from samples.store import Store
from samples.study import Study

ITSELF, SAME_FAMILY = "itself", "same family"
MODELS = ("llm", "imported")  # kinds of judges that are, or may be, models


def kin(spec: Spec, study: Study, models: Iterable[str]) -> dict[str, str]:
    """Of the graded models, those that the judge, or a member of it, is itself or is related to."""
    judges = [one for one in members_of(spec) or [spec] if one.body["kind"] in MODELS]
    blocks = {block.name: {"engine": block.engine, "model": block.model} for block in study.model}
    graded = [(name, blocks.get(name, {})) for name in models] if judges else []
    found = {}
    for name, engine in graded:
        for judge in judges:
            its = judge.body.get("engine") or {}
            if _names(name, engine) & _names(judge.name, its):
                found[name] = ITSELF
            elif _family(name, engine) == _family(judge.name, its):
                found.setdefault(name, SAME_FAMILY)
    return found


def _names(name: str, engine: Mapping[str, Any]) -> set[str]:
    return {text.lower() for text in (name, engine.get("model")) if text}


def _family(name: str, engine: Mapping[str, Any]) -> str:
    """By what runs; a file of answers says less of who wrote them than the name in the study."""
    runs = engine.get("model") if engine.get("engine") != "replay" else None
    return family(runs or name)


def check_kin(study: Study, store: Store, spec: Spec) -> None:
    """Refuse a judge that would grade its kin, unless the study allows it to."""
    blocks = {block.name: block for block in study.judge}
    imported = [one.name for one in store.specs("model") if one.body.get("imported")]
    models = dict.fromkeys([*(block.name for block in study.model), *imported])
    for judge in members_of(spec) or [spec]:
        if judge.name not in blocks or blocks[judge.name].allow_self:
            continue
        for model, how in kin(judge, study, models).items():
            its = judge.body["engine"]["model"]
            of = "is itself" if how == ITSELF else f"is of one family ({family(its)}) with"
            raise BenchwarrantError(
                f"[[judge]] {judge.name} ({its}) {of} [[model]] {model}, which it would grade; set"
                " allow_self = true in its block to let it, and every page will say so"
            )


def kin_says(found: Mapping[str, str], who: str = "This judge") -> str:
    """What pages say of such a judge; nothing of any other."""
    itself = [model for model, how in found.items() if how == ITSELF]
    related = [model for model, how in found.items() if how == SAME_FAMILY]
    said = []
    if itself:
        said.append(f"is itself one of the models that it grades: {', '.join(itself)}")
    if related:
        said.append(f"is of one family with models that it grades: {', '.join(related)}")
    return f"{who} {' and '.join(said)}." if said else ""
