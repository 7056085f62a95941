"""What is in the code is in the README, and the README's outputs are what the commands print."""

from pathlib import Path

import pytest
import readme

from inference.engine import ENGINES
from inference.prompting import STRATEGIES
from judges.agreement import MEANING, STATISTICS
from judges.judge import JUDGES
from judges.probes import PROBES
from samples.rows import COLUMNS
from samples.tasks import TASKS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", readme.commands(), ids=" ".join)
def test_every_command_has_help_with_an_example_and_stands_in_the_readme(name) -> None:
    shown = readme.run(*name, "--help")
    assert f"Example: benchwarrant {' '.join(name)}" in " ".join(shown.split())
    assert readme.help_of(*name) in README


@pytest.mark.parametrize("name", [*ENGINES, *STRATEGIES, *JUDGES, *TASKS, *PROBES])
def test_every_registered_name_is_documented(name: str) -> None:
    assert f"`{name}`" in README or f"\n{name} " in README


@pytest.mark.parametrize("kind", COLUMNS)
def test_every_import_column_is_documented(kind: str) -> None:
    (row,) = [line for line in README.splitlines() if line.startswith(f"| {kind} |")]
    for column in (*COLUMNS[kind][0], *COLUMNS[kind][1]):
        assert f"`{column}`" in row


def test_every_statistic_is_explained() -> None:
    assert MEANING.keys() == STATISTICS.keys()
