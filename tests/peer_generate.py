"""One measured run of transformers' own `generate`: `peer_generate.py JOB` prints JSON.

JOB is a JSON file: ``model`` (a folder), ``dtype``, ``batch``, ``max_tokens`` and ``prompts``, the
exact texts. With ``ours``, the texts that something else made of these prompts, ``parted`` names
those that differ, and how near a tie the model's choice was where they first do.
"""

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer


def main(job: dict[str, Any]) -> dict[str, Any]:
    tokenizer = AutoTokenizer.from_pretrained(job["model"], padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(job["model"], dtype=job["dtype"]).eval()
    prompts, ours = job["prompts"], job.get("ours")
    plain = {"add_special_tokens": False}  # the prompt's own text has them

    def generated(rows: list[str], tokens: int) -> Any:
        inputs = tokenizer(rows, padding=True, return_tensors="pt", **plain)
        made = model.generate(
            **inputs,
            do_sample=False,
            max_new_tokens=tokens,
            return_dict_in_generate=True,
            output_logits=ours is not None,
        )
        return made.sequences[:, inputs["input_ids"].shape[1] :], made.logits

    generated(["Warm up."], 4)
    texts, parted = [""] * len(prompts), []
    start = perf_counter()
    ids = tokenizer(prompts, **plain)["input_ids"]
    order = sorted(range(len(ids)), key=lambda row: -len(ids[row]))  # like lengths: less padding
    for at in range(0, len(order), job["batch"]):
        rows = order[at : at + job["batch"]]
        sequences, logits = generated([prompts[row] for row in rows], job["max_tokens"])
        for row, made in zip(rows, sequences, strict=True):
            texts[row] = decoded(tokenizer, made)
            if ours and ours[row] != texts[row]:  # one prompt at a time: its logits are the batch's
                parted.append({"item": row, "gap": gap(tokenizer, made, logits, ours[row])})
    return {
        "seconds": perf_counter() - start,
        "texts": texts,
        "tokens": ids,
        "parted": parted,
        "versions": {"transformers": transformers.__version__, "torch": torch.__version__},
    }


def decoded(tokenizer: Any, ids: Any) -> str:
    return tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)


def gap(tokenizer: Any, made: torch.Tensor, logits: Any, other: str) -> float | None:
    """Between the logits of the two likeliest tokens where the texts part.

    None where the other text doesn't go on with the second of them: then no tie explains it.
    """

    def begins(ids: Any) -> bool:  # half a character at the end is no difference yet
        return other.startswith(decoded(tokenizer, ids).rstrip("\ufffd"))

    steps = range(len(made))
    step = next((k for k in steps if not begins(made[: k + 1])), len(made) - 1)
    best, second = logits[step][0].float().topk(2)[0].tolist()
    runner_up = logits[step][0].topk(2)[1][1:]
    return best - second if begins(torch.cat([made[:step], runner_up])) else None


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):
        result = main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    json.dump(result, sys.stdout)
