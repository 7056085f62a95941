"""What a judge is: a spec that names it and a function from cases to verdicts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from inference.engine import ENGINES, SCORING, STRUCTURED, EngineSpec, Sampling
from samples.errors import BenchwarrantError
from samples.records import Case, Spec, Verdict, as_row
from samples.registry import check_known, did_you_mean, find
from samples.study import JudgeBlock, Study


class Judge(Protocol):
    """One verdict per case, in any order, each delivered as soon as it is ready.

    What the judge could not decide is a verdict with a ``failure``; an exception is an accident.
    A panel also gives what its members said when it asked them, each verdict under its own spec.
    """

    spec: Spec

    def judge(self, cases: Sequence[Case]) -> Iterator[Verdict]: ...

    def close(self) -> None: ...


LEAST_SHARE = 0.1  # of the probability, for all labels together; with less it says something else
RULES_VERSION = 3  # goes up with every change of what a rule reads: it is then another judge
JUDGES: dict[str, Any] = {
    "auto": "judges.rules:rule_judge",
    "exact": "judges.rules:rule_judge",
    "number": "judges.rules:rule_judge",
    "choice": "judges.rules:rule_judge",
    "sequence": "judges.rules:rule_judge",
    "math": "judges.rules:rule_judge",
    "yesno": "judges.rules:rule_judge",
    "critique": "judges.rules:rule_judge",
    "contains": "judges.rules:rule_judge",
    "llm": "judges.llm:llm_judge",
    "constant": "judges.rules:constant_judge",
    "panel": "judges.panel:panel_judge",
}


def open_judge(spec: Spec, run: Mapping[str, Any]) -> Judge:
    """Make the judge that the spec names; ``run`` is handed to its engine, if it has one."""
    judge: Judge = find("kind of judge", spec.body["kind"], JUDGES)(spec, run)
    return judge


def judge_spec(study: Study, block: JudgeBlock) -> Spec:
    """A [[judge]] block as the judge's identity; a prompt's text is part of it, not its file."""
    check_known("kind of judge", block.kind, JUDGES)
    if block.engine is not None:
        check_known("engine", block.engine, ENGINES)
    body: dict[str, Any] = {"kind": block.kind}
    if block.kind == "panel":
        return Spec("judge", block.name, body | _panel(study, block))
    if block.kind not in ("llm", "constant"):
        body["rules"] = RULES_VERSION
        body |= _rule_options(block)
    if block.value is not None:
        body["value"] = block.value
    if block.no_answer is not None:
        body["no_answer"] = block.no_answer
    if block.kind == "llm":
        body["prompt"] = _prompt(study, block)
        body["engine"] = as_row(
            EngineSpec(
                block.engine or "", block.model or "", block.revision, block.dtype, block.options
            )
        )
        body |= _way_of_answering(block)
        body |= {"repeats": block.repeats} if block.repeats > 1 else {}
    return Spec("judge", block.name, body)


def _panel(study: Study, block: JudgeBlock) -> dict[str, Any]:
    """Who sits on the panel, each as it judges today: with another member it is another judge."""
    blocks = {other.name: other for other in study.judge}
    members = [judge_spec(study, blocks[name]) for name in block.members]
    body = {"how": block.how, "members": [{"name": m.name, "body": m.body} for m in members]}
    return body | ({"weights": block.weights} if block.weights else {})


def _way_of_answering(block: JudgeBlock) -> dict[str, Any]:
    """What shapes an LLM judge's reply, if its engine can answer so."""
    sampling = block.sampling.model_dump()
    drawn = {"sampling": as_row(Sampling(**sampling | {"stop": tuple(sampling["stop"])}))}
    if block.answer == "text":
        return drawn
    able = STRUCTURED if block.answer == "json" else SCORING
    if block.engine not in able:
        lacks = {"json": "held to a JSON schema", "score": "asked for log-probabilities"}
        other = {"json": "score", "score": "json"}[block.answer]
        raise BenchwarrantError(
            f"[[judge]] {block.name}: engine {block.engine!r} cannot be {lacks[block.answer]}; set"
            f' answer = "{other}", or an engine that can: {", ".join(able)}'
        )
    if block.answer == "json":
        return {**drawn, "answer": "json"}
    return {"answer": "score", "least_share": LEAST_SHARE}


def _rule_options(block: JudgeBlock) -> dict[str, Any]:
    """How exactly mathematics is compared, where the judge says so."""
    from judges.maths import SETTINGS

    known = SETTINGS if block.kind in ("auto", "math") else {}
    for name, value in block.options.items():
        if name not in known:
            hint = did_you_mean(name, list(known))
            raise BenchwarrantError(f"[[judge]] {block.name}: unknown option {name!r}; {hint}")
        if type(value) is not known[name][1]:
            kind = known[name][1].__name__
            raise BenchwarrantError(f"[[judge]] {block.name}: {name} = {value!r} is no {kind}")
    return {"options": dict(block.options)} if block.options else {}


def _prompt(study: Study, block: JudgeBlock) -> str:
    from judges.llm import shipped_prompts

    shipped, name = shipped_prompts(), block.prompt or ""
    if name in shipped and not study.at(name).is_file():
        return shipped[name]
    if not study.at(name).is_file():
        raise BenchwarrantError(
            f"[[judge]] {block.name}: no prompt {study.at(name)}; name a file beside the study, or"
            f" one of {', '.join(sorted(shipped))}"
        )
    return study.text(name, f"[[judge]] {block.name} prompt")
