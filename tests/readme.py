"""What the README shows, made by running it: help texts, and a small road of imported rows."""

import csv
import io
import os
import tempfile
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

import benchwarrant

CAPITALS = [
    ("France", "Paris"),
    ("Italy", "Rome"),
    ("Spain", "Madrid"),
    ("Japan", "Tokyo"),
    ("Peru", "Lima"),
    ("Kenya", "Nairobi"),
    ("Cuba", "Havana"),
    ("Norway", "Oslo"),
]
WRONG = {"small": {"Peru", "Kenya", "Cuba", "Norway"}, "large": {"Kenya"}, "tiny": set()}


def run(*words: str) -> str:
    """What a command prints, standard output and error together."""
    out = io.StringIO()
    os.environ["COLUMNS"] = "100"
    with redirect_stdout(out), redirect_stderr(out):
        try:
            benchwarrant.main(list(words))
        except SystemExit as exit_:
            if exit_.code:
                out.write(f"(exit code {exit_.code})\n")
    return out.getvalue()


def help_of(*words: str) -> str:
    """A command's help text as a block."""
    return block(f"$ benchwarrant {' '.join((*words, '--help'))}\n" + run(*words, "--help"))


def block(text: str) -> str:
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return "```text\n" + "\n".join(lines) + "\n```"


def imported_road() -> str:
    """A bare study from four small CSV files, decided on; the commands with their output."""
    steps = [
        "init . --bare",
        "import items items.csv",
        "import responses responses.csv",
        "import labels labels.csv --map rater=annotator --values yes=correct,no=incorrect",
        "import verdicts verdicts.csv",
        "report",
        "approve strict",
        "approve parrot",
    ]
    shown = []
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        _write_files()
        for step in steps:
            if step == "report":
                run("sample", "--labelled")  # prints an id that no two runs share
                shown.append("$ benchwarrant sample --labelled\n")
            printed = run(*step.split()).replace(f"{folder}/", "")
            shown.append(f"$ benchwarrant {step}\n{printed}")
    return block("".join(shown))


PARADOX = """
[[policy.rule]]
statistic = "accuracy"
at_least = 0.85
[[policy.rule]]
statistic = "cohen_kappa"
at_least = 0.6
[[policy.rule]]
statistic = "specificity"
at_least = 0.6
"""


def paradox() -> str:
    """A judge that agrees with people in 94 of 100 cases and tells right from wrong in none."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        run("init", ".", "--bare")
        text = Path("study.toml").read_text("utf-8")
        head = text.partition("[[policy.rule]]")[0]
        Path("study.toml").write_text(head + PARADOX.lstrip(), encoding="utf-8")
        cases = [str(n) for n in range(100)]
        _csv("items.csv", ["task", "key", "question", "reference"],
             [("t", n, f"question {n}", "yes") for n in cases])  # fmt: skip
        _csv("responses.csv", ["task", "key", "model", "text"],
             [("t", n, "small", "yes") for n in cases])  # fmt: skip
        for name, wrong in (("labels", range(4)), ("verdicts", range(4, 6))):
            who = "annotator" if name == "labels" else "judge"
            value = [("t", n, "small", "lenient", _label(int(n) not in wrong)) for n in cases]
            _csv(f"{name}.csv", ["task", "key", "model", who, "value"], value)
        for kind in ("items", "responses", "labels", "verdicts"):
            run("import", kind, f"{kind}.csv")
        run("sample", "--labelled")
        return block(f"$ benchwarrant approve lenient\n{run('approve', 'lenient')}")


def four_judges() -> str:
    """The judges of a study file, and what asking them would take."""
    from four_judges import JUDGES, write_study

    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        write_study(Path())
        words = [("judge", "--dry-run"), ("judge", "--dry-run", "--judge", "cascade")]
        forecasts = [f"$ benchwarrant {' '.join(some)}\n{run(*some)}" for some in words]
    shown = block("".join(forecasts))
    return f"```toml\n{JUDGES.strip()}\n```\n\n{shown}"


def _write_files() -> None:
    """Items, answers, labels and verdicts to be imported."""
    cells = [(model, country) for model in WRONG for country, _ in CAPITALS]
    right = {(m, c): c not in WRONG[m] if m != "tiny" else False for m, c in cells}
    _csv(
        "items.csv",
        ["task", "key", "question", "reference"],
        [("capitals", c, f"What is the capital of {c}?", city) for c, city in CAPITALS],
    )
    _csv(
        "responses.csv",
        ["task", "key", "model", "text"],
        [("capitals", c, m, dict(CAPITALS)[c] if right[m, c] else "no idea") for m, c in cells],
    )
    _csv(
        "labels.csv",
        ["task", "key", "model", "rater", "value"],
        [
            ("capitals", c, m, rater, "yes" if right[m, c] else "no")
            for rater in ("ada", "ben")
            for m, c in cells
        ],
    )
    _csv(
        "verdicts.csv",
        ["task", "key", "model", "judge", "value"],
        [
            *(("capitals", c, m, "strict", _label(right[m, c])) for m, c in cells),
            *(("capitals", c, m, "parrot", "correct") for m, c in cells),
        ],
    )


def _label(right: bool) -> str:
    return "correct" if right else "incorrect"


def _csv(name: str, columns: list[str], rows: list[tuple[str, ...]]) -> None:
    with Path(name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([tuple(columns), *rows])


def commands() -> list[tuple[str, ...]]:
    """Every command, in the order of the road."""
    from typer.main import get_command

    found: list[tuple[str, ...]] = []
    for name, command in get_command(benchwarrant.build()).commands.items():
        inner = getattr(command, "commands", None)
        found += [(name, sub) for sub in inner] if inner else [(name,)]
    return found
