"""The study file: TOML in, one checked value out. An unknown key is an error that names it."""

import os
import re
import tomllib
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from samples.annotation import AnnotationBlock
from samples.errors import BenchwarrantError
from samples.login import LoginBlock
from samples.records import Rubric
from samples.registry import did_you_mean

Method = Literal["majority", "unanimous", "dawid-skene"]  # how a case's labels settle it
Unsure = Literal["count", "leave_out"]  # what becomes of a label marked unsure


class Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RubricBlock(Block):
    name: str = "final-answer"
    question: str = "Is the final answer correct?"
    labels: list[str] = Field(default=["incorrect", "correct"], min_length=2)
    guidance: Path | None = None

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: list[str]) -> list[str]:
        if len(set(labels)) < len(labels) or not all(label.strip() for label in labels):
            raise ValueError("labels must be different and not empty")
        if len(labels) > 9:
            raise ValueError("at most 9 labels: each has a digit as its key")
        return labels


class HubBlock(Block):
    """A dataset of the Hugging Face hub, or what differs from the task's own."""

    dataset: str | None = None
    file: str | None = None  # its name in the dataset, which may hold {split}
    split: str | None = None
    revision: str | None = None


class TaskBlock(Block):
    name: str
    kind: str | None = None  # which of TASKS or of KINDS; its name when left out
    path: Path | None = None  # the Hugging Face hub when left out
    limit: int | None = Field(default=None, ge=1)
    exemplars: Path | None = None
    options: dict[str, Any] = {}
    columns: dict[str, Any] = {}
    hub: HubBlock = HubBlock()

    @field_validator("columns")
    @classmethod
    def _named(cls, columns: dict[str, Any]) -> dict[str, Any]:
        for part, named in columns.items():
            names = named if isinstance(named, list) else [named]
            if not names or not all(isinstance(name, str) and name for name in names):
                raise ValueError(f"{part} = {named!r}; give a column's name, or a list of names")
        return columns


class SamplingBlock(Block):
    temperature: float = Field(default=0.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_tokens: int = Field(default=512, ge=1)
    seed: int = 0
    stop: list[str] = []


class EngineBlock(Block):
    """What [[model]] and [[judge]] blocks share: an engine and how it is run."""

    name: str
    engine: str | None = None
    model: str | None = None
    revision: str | None = None
    dtype: str = "auto"
    sampling: SamplingBlock = SamplingBlock()
    options: dict[str, Any] = {}  # what changes the text
    run: dict[str, Any] = {}  # what does not: address, batch size, concurrency, name of the key

    @field_validator("run", "options")
    @classmethod
    def _no_secrets(cls, table: dict[str, Any]) -> dict[str, Any]:
        name = str(table.get("api_key_env", "NAME"))
        if not re.fullmatch("[A-Z_][A-Z0-9_]*", name) or "api_key" in table:
            raise ValueError(
                "api_key_env takes the name of an environment variable, in capitals;"
                " keys stand in no file"
            )
        return table


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """What `from` in a [[model]] block can name. It lies with the engines, and is read as data."""
    return tomllib.loads((files("inference") / "catalog.toml").read_text(encoding="utf-8"))


class ModelBlock(EngineBlock):
    entry: str | None = Field(default=None, alias="from")  # of the catalogue
    engine: str | None = "hf"
    model: str
    strategies: list[str] = Field(default=["direct"], min_length=1)
    draws: int = Field(default=1, ge=1)
    parent: str | None = None  # the model that this one was compressed or distilled from
    compression: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_catalogue(cls, values: Any) -> Any:
        """What the catalogue's entry says, where the block itself says nothing."""
        slug = values.get("from") if isinstance(values, dict) else None
        if not isinstance(slug, str):
            return values
        if slug not in catalogue():
            close = get_close_matches(slug, catalogue(), n=1)
            hint = did_you_mean(slug, close) if close else "`benchwarrant models` lists it"
            raise ValueError(f"the catalogue has no model {slug!r}; {hint}")
        entry = catalogue()[slug]
        block = {
            "name": slug,
            "model": entry.get("model"),
            "parent": entry.get("parent"),
            "compression": entry.get("method"),
            **values,
        }
        if block["model"] is None:
            raise ValueError(
                f'no hub id is certain for {slug!r} ({entry["note"]}); name one: model = "…"'
            )
        return block

    @property
    def listed_parent(self) -> str | None:
        """The parent by the catalogue: it need not be a model of the study."""
        return catalogue()[self.entry].get("parent") if self.entry else None


BY_BATCH = ("anthropic", "openai")  # engines whose providers have a batch API


class JudgeBlock(EngineBlock):
    kind: str
    prompt: str | None = None  # a file beside the study, or the name of a shipped prompt
    value: str | None = None  # constant judges: the verdict that they always give
    no_answer: str | None = None  # rule judges: the verdict where no answer is found, no failure
    answer: Literal["text", "json", "score"] = "text"  # llm judges: how they answer
    allow_self: bool = False  # may grade itself and models of its family; every page says so
    batch: bool = False  # llm judges: ask by the provider's batch API, for half the price
    repeats: int = Field(default=1, ge=1)  # llm judges: verdicts per case; their majority binds
    members: list[str] = []  # panels: the other judges that are asked, in this order
    how: Literal["majority", "weighted", "cascade"] | None = None
    weights: dict[str, float] = {}  # weighted panels: each member's accuracy, measured elsewhere

    @field_validator("weights", mode="before")
    @classmethod
    def _given(cls, weights: Any) -> Any:
        if isinstance(weights, str):
            raise ValueError(
                "weights are numbers, member by member: taken from the labels that a warrant rests"
                " on they would have seen the test; measure accuracies on a pilot's labels"
            )
        return weights

    @model_validator(mode="after")
    def _complete(self) -> "JudgeBlock":
        wanted = {
            "llm": ("engine", "model", "prompt"),
            "constant": ("value",),
            "panel": ("members", "how"),
        }.get(self.kind, ())
        missing = [key for key in wanted if getattr(self, key) in (None, [])]
        if missing:
            raise ValueError(f"a judge of kind {self.kind!r} needs {', '.join(missing)}")
        if self.repeats > 1 and self.kind != "llm":
            raise ValueError(f'repeats goes with kind "llm": {self.kind!r} would repeat itself')
        if self.answer != "text" and self.kind != "llm":
            raise ValueError('answer is of judges of kind "llm"; leave it out')
        if self.answer == "score" and self.repeats > 1:
            raise ValueError('repeats has no use with answer = "score": nothing is drawn')
        if self.answer == "score" and self.sampling != SamplingBlock():
            raise ValueError('answer = "score" draws no text; leave sampling out')
        return self

    @model_validator(mode="after")
    def _batch(self) -> "JudgeBlock":
        if not self.batch:
            return self
        if self.kind == "panel":
            raise ValueError("a panel asks nobody itself; set batch = true in its members' blocks")
        if self.kind != "llm" or self.engine not in BY_BATCH:
            engines = " or ".join(f'"{name}"' for name in BY_BATCH)
            raise ValueError(f"batch = true is for llm judges with engine {engines}; leave it out")
        if self.answer == "score" and self.options.get("decisions"):
            raise ValueError("decisions are not made by batch; leave out batch or decisions")
        return self

    @model_validator(mode="after")
    def _panel(self) -> "JudgeBlock":
        if self.kind != "panel" and (self.members or self.how or self.weights):
            raise ValueError('members, how and weights go with kind = "panel", and only with it')
        if self.kind == "panel" and len(set(self.members)) < max(2, len(self.members)):
            raise ValueError("a panel has at least two members, each of them once")
        if bool(self.weights) != (self.how == "weighted"):
            raise ValueError('weights go with how = "weighted", and only with it')
        if self.weights and set(self.weights) != set(self.members):
            raise ValueError(f"weights must name each member: {', '.join(self.members)}")
        for name, weight in self.weights.items():
            if not 0.5 < weight < 1:
                raise ValueError(
                    f"the weight of {name!r} is its accuracy, between 0.5 and 1, not {weight:g}"
                )
        return self


Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]  # US dollars per million tokens


class PriceBlock(Block):
    """What asking a model costs; no part of any judge, so a new price makes no new judge."""

    model: str = Field(min_length=1)
    input: Dollars
    output: Dollars
    cached: Dollars | None = None  # read from the provider's cache
    written: Dollars | None = None  # written to it, for as long as is usual
    written_1h: Dollars | None = None  # written to it for an hour
    batch: float | None = Field(default=None, gt=0, le=1)  # the part of all these in a batch


class AuditBlock(Block):
    size: int = Field(default=1000, ge=1)
    strata: list[Literal["task", "model", "strategy"]] = ["task", "model"]
    allocation: Literal["proportional", "equal", "neyman", "active"] = "equal"
    sequential: bool = False  # questions in random order, and labelling may stop when it is certain
    raters_per_case: int = Field(default=2, ge=1)
    overlap: float = Field(default=0.3, ge=0, le=1)

    @model_validator(mode="after")
    def _one_design(self) -> "AuditBlock":
        if self.sequential and "allocation" in self.model_fields_set:
            raise ValueError(
                "sequential = true draws questions, each as likely as any other; leave allocation"
                " out"
            )
        return self


class RuleBlock(Block):
    """One line of the policy: a bound of an interval, and where it must lie."""

    statistic: str
    level: Literal["case", "ranking", "probe", "audit"] = "case"
    against: Literal["people"] | None = None  # the figure minus people's own
    per: Literal["model", "task"] | None = None
    bound: Literal["low", "high", "both"] = "low"
    at_least: float | None = None
    at_most: float | None = None
    within: float | None = Field(default=None, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _usual_bound(cls, values: Any) -> Any:
        """The end that must lie on the right side: the far one for at_most, both for within."""
        if isinstance(values, dict) and "bound" not in values:
            ends = {"at_most": "high", "within": "both"}
            bound = next((end for limit, end in ends.items() if limit in values), "low")
            return values | {"bound": bound}
        return values

    @model_validator(mode="after")
    def _one_limit(self) -> "RuleBlock":
        limits = [self.at_least is not None, self.at_most is not None, self.within is not None]
        if sum(limits) != 1:
            raise ValueError("a rule has exactly one of at_least, at_most, within")
        if (self.within is not None) != (self.bound == "both"):
            raise ValueError('within goes with bound = "both", and only with it')
        if self.level == "ranking" and self.per is not None:
            raise ValueError("a rule about the ranking cannot be per model or per task")
        if self.level == "probe" and self.per is not None:
            raise ValueError("a rule about probes is about the worst attack; leave per out")
        if self.level == "audit" and (self.per is not None or self.at_least is None):
            raise ValueError("a rule about the audit set is a count with at_least, and no per")
        if self.against is not None and (self.level != "case" or self.per is not None):
            raise ValueError('against goes with level = "case" over all cases; leave per out')
        return self


class PolicyBlock(Block):
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    resamples: int = Field(default=10_000, ge=200)
    scope: Literal["these models", "new models"] = "these models"
    failures: Literal["count_as_wrong", "left_out"] = "count_as_wrong"
    reference: Method = "majority"
    unsure: Unsure = "count"
    rule: list[RuleBlock] = []
    max_age_days: int | None = Field(default=None, ge=1)  # of a warrant, or its last recheck

    @property
    def deciding(self) -> dict[str, Any]:
        """What decisions rest on and are bound to: not how long one of them may be used.

        Keys that came later are named only where they are set: older decisions still stand.
        """
        later = {"reference", "unsure"} - self.model_dump(exclude_defaults=True).keys()
        made = self.model_dump(mode="json", exclude={"max_age_days", *later})
        for rule in made["rule"]:
            if rule["against"] is None:
                del rule["against"]
        return made

    @property
    def asks_for_probes(self) -> bool:
        """Whether a decision rests on probes; where not, it does not depend on their rows."""
        return any(rule.level == "probe" for rule in self.rule)


class BenchmarkBlock(Block):
    """Who grades what in the full run: tasks, or patterns of their names, and an approved judge."""

    judges: dict[str, str] = {}

    def judge_for(self, task: str) -> str | None:
        """The judge of a task: of the line with its name, or of the first pattern that fits."""
        if task in self.judges:
            return self.judges[task]
        return next((judge for line, judge in self.judges.items() if self.fits(line, task)), None)

    @staticmethod
    def fits(line: str, task: str) -> bool:
        """Whether a task's name is the line's, or fits its pattern: * is any text, ? a letter."""
        return line == task or fnmatchcase(task, line)


class Study(Block):
    """A study file and the folder that its paths start from."""

    name: str = Field(min_length=1)
    seed: int = 0
    database: Path = Path("study.db")
    rubric: RubricBlock = RubricBlock()
    task: list[TaskBlock] = []
    model: list[ModelBlock] = []
    judge: list[JudgeBlock] = []
    price: list[PriceBlock] = []
    audit: AuditBlock = AuditBlock()
    annotation: AnnotationBlock = AnnotationBlock()
    policy: PolicyBlock = PolicyBlock()
    login: LoginBlock = LoginBlock()
    benchmark: BenchmarkBlock = BenchmarkBlock()

    _folder: Path = PrivateAttr(default=Path())

    @field_validator("model")
    @classmethod
    def _parents(cls, blocks: list[ModelBlock]) -> list[ModelBlock]:
        """A parent by the catalogue has the name of the block that stands for it here, if any."""
        named = {block.entry: block.name for block in reversed(blocks) if block.entry}
        named |= {block.name: block.name for block in blocks}
        return [
            block.model_copy(update={"parent": named[block.parent]})
            if block.parent in named and block.parent == block.listed_parent
            else block
            for block in blocks
        ]

    @model_validator(mode="after")
    def _names(self) -> "Study":
        for kind in ("task", "model", "judge", "price"):
            key = "model" if kind == "price" else "name"
            names = [getattr(block, key) for block in getattr(self, kind)]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"two [[{kind}]] blocks have the {key} {twice[0]!r}")
        models = {block.name for block in self.model}
        for block in self.model:
            if block.parent not in {*models, block.listed_parent, None}:
                hint = did_you_mean(str(block.parent), list(models))
                raise ValueError(f"[[model]] {block.name}: no parent {block.parent!r}; {hint}")
        for judge in self.judge:
            for label in (judge.value, judge.no_answer):
                if label is not None and label not in self.rubric.labels:
                    hint = did_you_mean(label, self.rubric.labels)
                    raise ValueError(f"[[judge]] {judge.name}: no label {label!r}; {hint}")
        try:
            self.annotation.check(self.rubric.labels)
        except ValueError as error:
            raise ValueError(f"annotation {error}") from None
        return self

    @model_validator(mode="after")
    def _members(self) -> "Study":
        """A panel's members are judges of the study, and no panels."""
        blocks = {block.name: block for block in self.judge}
        for judge in self.judge:
            for name in judge.members:
                if name not in blocks:
                    hint = did_you_mean(name, [other for other in blocks if other != judge.name])
                    raise ValueError(f"[[judge]] {judge.name}: no judge {name!r}; {hint}")
                if blocks[name].kind == "panel":
                    raise ValueError(
                        f"[[judge]] {judge.name}: {name!r} is a panel, and a panel's members are"
                        " single judges; name its members instead"
                    )
            for name in judge.members[:-1] if judge.how == "cascade" else ():
                if blocks[name].no_answer is not None or blocks[name].kind == "constant":
                    raise ValueError(
                        f"[[judge]] {judge.name}: {name!r} never fails, so nobody after it would"
                        " be asked; name one without no_answer or value"
                    )
        return self

    def at(self, path: str | Path) -> Path:
        """A path of the study file, seen from its folder."""
        return self._folder / Path(os.path.expanduser(path))

    def text(self, path: str | Path, what: str) -> str:
        """The text of a file that the study names."""
        try:
            return self.at(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            raise BenchwarrantError(f"{what}: cannot read {self.at(path)}: {reason}") from None

    @property
    def rater_question(self) -> Rubric:
        """The rubric as it is put to people and judges; the guidance's text is part of it."""
        block = self.rubric
        guidance = self.text(block.guidance, "rubric.guidance") if block.guidance else ""
        return Rubric(block.name, block.question, tuple(block.labels), guidance)


def load_study(path: Path) -> Study:
    """Read and check a study file; every mistake is one line that says where it is."""
    try:
        with path.open("rb") as file:
            values = tomllib.load(file)
    except FileNotFoundError:
        raise BenchwarrantError(
            f"{path} does not exist; `benchwarrant init` writes one, --study names another"
        ) from None
    except OSError as error:
        raise BenchwarrantError(f"cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BenchwarrantError(f"{path} is not valid TOML: {error}") from None
    try:
        study = Study.model_validate(values)
    except ValidationError as error:
        raise BenchwarrantError(f"{path}: {_in_words(error, values)}") from None
    study._folder = path.parent
    return study


_MESSAGES = {  # where pydantic speaks of Python
    "list_type": "expected a list, […], or blocks with two brackets, [[…]]",
    "model_type": "expected a block of keys and values",
    "dict_type": "expected a block of keys and values",
}


def _in_words(error: ValidationError, values: dict[str, Any]) -> str:
    # A key that is unknown first: its right spelling may be what is missing.
    first, *rest = sorted(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    where = _place(first["loc"], values)
    message = _MESSAGES.get(first["type"]) or first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        key = str(first["loc"][-1])
        known = _known_keys(first["loc"][:-1])
        hint = 'it goes in run = { api_key_env = "NAME" }'
        if "run" not in known or not key.startswith("api_key"):
            hint = did_you_mean(key, known)
        message = f"unknown key {key!r}; {hint}"
        where = _place(first["loc"][:-1], values)
    elif first["type"] == "missing":
        message = f"missing key {first['loc'][-1]!r}"
        where = _place(first["loc"][:-1], values)
    more = f" (and {len(rest)} more)" if rest else ""
    return f"{where}: {message}{more}" if where else f"{message}{more}"


def _place(location: tuple[int | str, ...], values: Any) -> str:
    """("model", 1, "sampling") as "[[model]] smollm2 sampling"."""
    words: list[str] = []
    here = values
    for step in location:
        here = here[step] if step in _keys(here) else None
        if isinstance(step, str):
            words.append(step)
        elif isinstance(here, dict):
            name = next((here[key] for key in ("name", "from", "model") if key in here), None)
            words = [f"[[{'.'.join(words)}]]", name if isinstance(name, str) else f"{step + 1}"]
        else:
            words.append(f"{step + 1}")
    return " ".join(words)


def _keys(container: Any) -> Any:
    if isinstance(container, list):
        return range(len(container))
    return container if isinstance(container, dict) else ()


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    block: Any = Study
    for step in location:
        if isinstance(step, str) and step in block.model_fields:
            kind = block.model_fields[step].annotation
            block = next(iter(getattr(kind, "__args__", ())), kind)
    return [field.alias or name for name, field in block.model_fields.items()]
