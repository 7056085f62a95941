"""`make road`: the whole road on real answers, from `collect` to `leaderboard`, with its figures.

Two embedded models, SmolLM2-135M-Instruct (asked in two ways) and Gemma 3 270M (which is
pretrained only, so it completes examples), and an int8 variant of the first answer four tasks of
50 items three times each. Exact references label an audit (by program, so they are called reference
labels), the rule judge needs its warrant, grades everything, and the board's compression,
strategies, groups and corrected rates come out of what the models really said.
``ARGS="--items 10 --draws 2"`` takes fewer; ``--one`` leaves Gemma out, whose 240 MB are fetched
and converted once; ``--folder DIR`` keeps the study; ``--dtype bfloat16`` is for processors that
compute in it, others take a minute for what float32 does in seconds.
"""

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import benchwarrant
from judges.board_page import name
from judges.board_words import corrected_by, points, shown
from judges.comparing import p_value
from judges.demo import label_by_program

TASKS = ("sums", "word-problems", "words", "facts")
STUDY = """# The whole road on real answers.
name = "full-road"
seed = 11
[rubric]
guidance = "guidance.md"
{tasks}
[[model]]
name = "smollm2-135m"
model = "embedded:smollm2-135m"
dtype = "{dtype}"
strategies = ["direct", "few-shot"]
draws = {draws}
sampling = {sampling}
[[model]]
name = "smollm2-135m-int8"
model = "embedded:smollm2-135m"
parent = "smollm2-135m"
compression = "int8, weights only"
dtype = "{dtype}"
options = {{ compress = "int8" }}
strategies = ["direct"]
draws = {draws}
sampling = {sampling}
{second}
[[judge]]
name = "rules"
kind = "auto"
no_answer = "incorrect"
[audit]
size = {audit}
strata = ["task", "model"]
allocation = "equal"
raters_per_case = 1
overlap = 0.0
[policy]
resamples = 2000
[[policy.rule]]
statistic = "cohen_kappa"
at_least = {kappa}
"""
SECOND = """[[model]]
name = "gemma3-270m"
model = "embedded:gemma3-270m"
dtype = "{dtype}"
options = {{ chat_template = false }}
strategies = ["few-shot"]
draws = {draws}
sampling = {sampling}
"""
SAMPLING = '{ temperature = 0.5, top_p = 0.95, max_tokens = 20, stop = ["\\n\\n"], seed = 1 }'


def write_study(
    folder: Path, items: int, draws: int, audit: int, second: bool = False, **more: Any
) -> Path:
    """The study and its guidance; ``more``: the least ``kappa``, and the models' ``dtype``."""
    folder.mkdir(parents=True, exist_ok=True)
    tasks = "\n".join(f'[[task]]\nname = "{task}"\nlimit = {items}' for task in TASKS)
    filled = {"tasks": tasks, "draws": draws, "sampling": SAMPLING, "audit": audit}
    filled |= {"kappa": 0.8, "dtype": "float32"} | more
    study = STUDY.format(**filled, second=SECOND.format(**filled) if second else "")
    (folder / "study.toml").write_text(study, "utf-8")
    (folder / "guidance.md").write_text("The final answer is the reference's.\n", "utf-8")
    return folder / "study.toml"


def walk(study: Path) -> dict[str, float]:
    """The road by the commands themselves; returns the seconds of each step."""

    def command(*words: str) -> None:
        try:
            benchwarrant.main([*words, "--study", str(study)])
        except SystemExit as end:
            if end.code:
                raise

    steps: dict[str, Callable[[], Any]] = {
        "collect": lambda: command("collect"),
        "sample": lambda: command("sample"),
        "label": lambda: label_by_program(study),
        "judge": lambda: command("judge"),
        "approve": lambda: command("approve", "rules"),
        "benchmark": lambda: command("benchmark"),
        "leaderboard": lambda: command("leaderboard"),
    }
    seconds = {}
    for step, run in steps.items():
        start = time.perf_counter()
        run()
        seconds[step] = time.perf_counter() - start
    return seconds


def board_of(study: Path) -> dict[str, Any]:
    """The leaderboard that the road ended with."""
    return dict(json.loads((study.parent / "report" / "leaderboard.json").read_text("utf-8")))


def figures(board: dict[str, Any]) -> list[str]:
    """What the board says of the real answers, a line each."""
    lines = []
    for row in board["rows"]:
        total, corrected = row["aggregate"], row["aggregate"]["corrected"]
        by = (
            corrected["reason"]
            if corrected["value"] is None
            else corrected_by(corrected, "reference")
        )
        lines.append(
            f"{name(row)}: group {row['groups']}, all tasks {shown(total)}, corrected"
            f" {shown(corrected)} ({by})"
        )
    for row in board["compression"]:
        lines.append(
            f"{name(row)} against {row['parent']}: {points(row['change'])} points, p"
            f" {_p(row['p'])}, share kept {shown(row['share_kept_interval'])},"
            f" {row['right_to_wrong']} right → wrong, {row['wrong_to_right']} wrong → right"
        )
    for row in board["strategies"]:
        lines.append(
            f"{row['model']}, {row['second']} against {row['first']}: {points(row['difference'])}"
            f" points, p {_p(row['p'])} (Holm {_p(row['p_holm'])})"
        )
    return lines


def _p(p: float | None) -> str:
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=50, help="of each task")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--audit", type=int, default=240, help="cases")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--one", action="store_true", help="leave out the second model")
    parser.add_argument("--folder", type=Path, help="where the study stays")
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.folder or Path(scratch)
        counts = asked.items, asked.draws, asked.audit
        study = write_study(folder, *counts, second=not asked.one, dtype=asked.dtype)
        seconds = walk(study)
        board = board_of(study)
    print("\n".join(["", *figures(board)]))
    cells = [cell for row in board["rows"] for cell in row["tasks"].values()]
    took = ", ".join(f"{step} {spent:.0f}" for step, spent in seconds.items())
    print(f"{sum(cell['n'] for cell in cells)} real answers; seconds: {took}")
    print(f"{sum(seconds.values()):.0f} s in all; {platform.machine()}, Python {sys.version[:6]}")


if __name__ == "__main__":
    main()
