"""Small tasks that need no file: a model of 135 million parameters is right on about half of them.

The texts stand in embedded.toml; numbers, names and the order of choices are drawn with the seed.
"""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from itertools import product
from random import Random
from string import Template
from typing import Any

from samples.records import Item
from samples.tasks.known import TASKS
from samples.tasks.task import EXEMPLARS, TaskData, TaskOptions, shuffled

NAMES = ("Anna", "Tom", "Maria", "Sam", "Lucy", "Omar", "Kate", "Leo")
FACTORS = range(2, 10)
PER_TEMPLATE = 5


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads(files("samples.tasks").joinpath("embedded.toml").read_text("utf-8"))


def sums(options: TaskOptions, task: str) -> TaskData:
    """Sums of two digits, each once; eight further ones are the exemplars."""
    pairs = shuffled(product(range(1, 10), repeat=2), _rng(options, task))
    items = tuple(
        Item(
            task=options.name,
            key=f"{a}+{b}",
            question=f"What is {a} + {b}?",
            references=(str(a + b),),
            answer_type="number",
            meta={"kind": "sum", "rationale": f"{a} + {b} = {a + b}."},
        )
        for a, b in pairs
    )
    size = TASKS[task].size
    return TaskData(items[:size], items[size:][:EXEMPLARS])


def word_problems(options: TaskOptions, task: str) -> TaskData:
    """One addition or one multiplication told in words."""
    rng = _rng(options, task)
    items = [
        _word_problem(options.name, template, pair, shuffled(NAMES, rng)[0])
        for template in _texts()["word_problems"]
        for pair in shuffled(product(FACTORS, repeat=2), rng)[:PER_TEMPLATE]
    ]
    return TaskData(tuple(items), _worked(options, task))


def _word_problem(task: str, template: Mapping[str, str], pair: Iterable[int], name: str) -> Item:
    a, b = pair
    right = a + b if template["kind"] == "addition" else a * b
    return Item(
        task=task,
        key=f"{template['key']}:{a},{b}",
        question=Template(template["question"]).substitute(name=name, a=a, b=b),
        references=(str(right),),
        answer_type="number",
        meta={"kind": template["kind"]},
    )


def words(options: TaskOptions, task: str) -> TaskData:
    """The capital of a country, the opposite of a word, the first letter of a word."""
    texts = _texts()
    rows = [
        *(("capital", "What is the capital of $word?", row) for row in texts["capitals"]),
        *(("opposite", 'What is the opposite of "$word"?', row) for row in texts["opposites"]),
        *(
            ("first letter", 'What is the first letter of the word "$word"?', [word, word[0]])
            for word in texts["first_letters"]
        ),
    ]
    items = tuple(
        Item(
            task=options.name,
            key=f"{kind}:{word}",
            question=Template(question).substitute(word=word),
            references=tuple(answers),
            meta={"kind": kind},
        )
        for kind, question, (word, *answers) in rows
    )
    return TaskData(items, _worked(options, task))


def facts(options: TaskOptions, task: str) -> TaskData:
    """Four choices, of which one is to be named in words: small models hardly know letters."""
    rng = _rng(options, task)
    items = []
    for number, (question, *offered) in enumerate(_texts()["facts"], 1):
        texts = shuffled(offered, rng)
        item = Item(
            task=options.name,
            key=str(number),
            question=question,
            references=("ABCD"[texts.index(offered[0])],),
            answer_type="choice",
            choices=tuple(zip("ABCD", texts, strict=True)),
            meta={"kind": "fact", "answer_in": "words"},
        )
        items.append(item)
    return TaskData(tuple(items), _worked(options, task))


def _worked(options: TaskOptions, task: str) -> tuple[Item, ...]:
    return tuple(
        Item(
            task=options.name,
            key=f"exemplar-{number}",
            question=text["question"],
            references=(text["answer"],),
            answer_type=TASKS[task].answer_type,
            choices=tuple(zip("ABCD", text.get("choices", ()), strict=False)),
            meta={**text["meta"]},
        )
        for number, text in enumerate(_texts()["worked"][task], 1)
    )


def _rng(options: TaskOptions, task: str) -> Random:
    return Random(f"{task}/{options.seed}")
