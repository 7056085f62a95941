"""A study with four judges and a panel, as the README shows it and the tests run it."""

import json
from pathlib import Path

from readme import run

JUDGES = """
[[judge]]
name = "gpt"                          # needs OPENAI_API_KEY in the environment
kind = "llm"
engine = "openai"
model = "gpt-4o-mini"
prompt = "reference_graded_json"      # one of the shipped prompts, or a file of your own
answer = "json"                       # held to a JSON schema
sampling = { max_tokens = 300 }

[[judge]]
name = "claude"                       # needs ANTHROPIC_API_KEY
kind = "llm"
engine = "anthropic"
model = "claude-haiku-4-5"
prompt = "reference_graded_json"
answer = "json"
sampling = { max_tokens = 300 }
run = { concurrency = 8, requests_per_minute = 1000, tokens_per_minute = 400000 }

[[judge]]
name = "local"                        # on this machine: no key, no bill
kind = "llm"
engine = "hf"
model = "embedded:smollm2-135m"
prompt = "reference_graded_short"
answer = "score"                      # the labels' log-probabilities, a score from 0 to 1

[[judge]]
name = "rules"
kind = "auto"

[[judge]]
name = "cascade"                      # gpt is asked only where the rules see no answer
kind = "panel"
members = ["rules", "gpt"]
how = "cascade"
"""


SAID = {  # three small models; the rules read no answer in what the second says
    "small": "{0} + {1} = {2}. The answer is {2}.",
    "chatty": "Adding {0} and {1} could give {2} or perhaps {3}, who can tell.",
    "wrong": "The answer is {3}.",
}


def write_study(folder: Path, judges: str = JUDGES) -> Path:
    """A study of 24 imported and labelled answers that these judges have not seen yet."""
    sums = [(a, b, a + b, a + b + 1) for a in (12, 25, 38, 41) for b in (7, 9)]
    items, responses, labels = [], [], []
    for a, b, right, off in sums:
        name = {"task": "sums", "key": f"{a}+{b}"}
        items.append(
            {**name, "question": f"What is {a} + {b}?", "reference": right, "answer_type": "number"}
        )
        for model, said in SAID.items():
            cell = {**name, "model": model}
            responses.append({**cell, "text": said.format(a, b, right, off)})
            value = "correct" if model == "small" else "incorrect"
            labels.append({**cell, "annotator": "ada", "value": value})
    run("init", str(folder), "--bare")
    study = folder / "study.toml"
    study.write_text(study.read_text("utf-8") + judges, encoding="utf-8")
    for kind, rows in (("items", items), ("responses", responses), ("labels", labels)):
        path = folder / f"{kind}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        assert f"{len(rows)} new" in run("import", kind, str(path), "--study", str(study))
    assert "24 cases" in run("sample", "--labelled", "--study", str(study))
    return study
