"""One measured run of lm-evaluation-harness, in an environment of its own: `peer_lm_eval.py JOB`.

JOB is a JSON file: ``model`` (a folder), ``dtype``, ``batch``, ``max_tokens`` and ``prompts``, the
exact texts. Prints, as JSON, the seconds from the first prompt handed to the harness's engine to
the last answer out, tokenisation included, and the tokens of every prompt as the harness saw it.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parents[1]
HOME = ROOT / "build" / "peer-lm-eval"
# The newest of November 2026 that work together.
PINS = ("lm-eval[hf]==0.4.13", "transformers==5.23.0", "datasets==5.2.0", "accelerate==1.15.0")

TASK = """
task: prompts
dataset_path: json
dataset_kwargs: {{data_files: {{test: {rows}}}}}
test_split: test
output_type: generate_until
doc_to_text: prompt
doc_to_target: ""
generation_kwargs: {{do_sample: false, max_gen_toks: {max_tokens}, until: []}}
"""


def python(note: Callable[[str], None]) -> str:
    """The interpreter of the harness's own environment, which is made on first use."""
    path, done = HOME / "bin" / "python", HOME / "installed"
    torch = os.environ.get("TORCH") or f"torch=={version('torch').partition('+')[0]}"
    pins = "\n".join([torch, *PINS])
    if not done.exists() or done.read_text(encoding="utf-8") != pins:
        note(f"installing {PINS[0]} into {HOME.relative_to(ROOT)} (once)")
        subprocess.run([sys.executable, "-m", "venv", "--clear", HOME], check=True)
        pip = [path, "-m", "pip", "install", "--quiet"]
        # torch first and by itself: pip then takes the build meant for this machine.
        subprocess.run([*pip, *shlex.split(torch)], check=True)
        subprocess.run([*pip, *PINS, shlex.split(torch)[0]], check=True)
        done.write_text(pins, encoding="utf-8")
    return str(path)


def main(job: dict[str, object]) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {"HF_DATASETS_CACHE": name, "HF_HUB_OFFLINE": "1"}
        rows = folder / "prompts.jsonl"
        rows.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in job["prompts"]))
        task = TASK.format(rows=rows, max_tokens=job["max_tokens"])
        (folder / "prompts.yaml").write_text(task, encoding="utf-8")
        return measured(job, folder)


def measured(job: dict[str, object], folder: Path) -> dict[str, object]:
    from lm_eval import simple_evaluate
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    lm = HFLM(
        pretrained=job["model"],
        dtype=job["dtype"],
        batch_size=job["batch"],
        device="cpu",
        add_bos_token=False,
    )
    generate, found = lm.generate_until, {}

    def timed(requests: list[Instance], **rest: object) -> list[str]:
        start = perf_counter()
        answers = generate(requests, **rest)
        found["seconds"] = perf_counter() - start
        found["texts"] = answers
        found["tokens"] = [lm.tok_encode(request.args[0]) for request in requests]
        return answers

    warm = {"do_sample": False, "max_gen_toks": 4, "until": []}
    generate([Instance("generate_until", {}, ("Warm up.", warm), 0)], disable_tqdm=True)
    lm.generate_until = timed
    tasks = TaskManager(include_path=folder, include_defaults=False)
    simple_evaluate(lm, tasks=["prompts"], task_manager=tasks, predict_only=True)
    versions = {name: version(name) for name in ("lm_eval", "transformers", "torch")}
    return found | {"versions": versions}


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):
        result = main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    json.dump(result, sys.stdout)
