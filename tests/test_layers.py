"""Imports run one way; SQL, Streamlit and printing each stay in their room."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {
    "samples": {"samples"},
    "inference": {"samples", "inference"},
    "judges": {"samples", "inference", "judges"},
    "annotator": {"samples", "annotator"},
}
PURE = {  # what the annotator's side may use of the judges': statistics, and how a text is read
    *("judges.agreement", "judges.raters", "judges.intervals", "judges.answers", "judges.plain"),
    *("judges.sequential", "judges.tables"),  # how far a sequential audit set has come
}
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
STANDS_FOR = {"report_value": "report"}  # the report's pages and its value are tested as one
HEAVY = {"torch", "transformers", "openai", "anthropic", "streamlit", "scipy", "numpy", "pydantic"}


def imports(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_rooms(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    text = path.read_text(encoding="utf-8")
    found = imports(ast.parse(text))
    for name in found:
        top = name.partition(".")[0]
        if top in ROOMS and top not in ROOMS[room]:
            assert room == "annotator" and name in PURE, f"{path} imports {name}"
    if room != "annotator":
        assert "streamlit" not in found
    if path.name not in ("store.py", "schema.py", "blind.py", "numbered.py", "oversight.py"):
        assert not re.search(r"\b(SELECT|INSERT INTO|CREATE TABLE|PRAGMA)\b", text)
    if path.name != "cli.py":
        calls = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call)]
        assert not any(isinstance(c.func, ast.Name) and c.func.id == "print" for c in calls)


def test_help_loads_nothing_heavy() -> None:
    """What `--help` imports at the top of its files is light, so that it answers at once."""
    for path in [ROOT / "benchwarrant.py", *ROOT.glob("*/cli*.py")]:
        top = [
            n
            for n in ast.parse(path.read_text()).body
            if isinstance(n, ast.Import | ast.ImportFrom)
        ]
        names = {name.partition(".")[0] for node in top for name in imports(node)}
        assert not names & HEAVY, f"{path.name} loads {names & HEAVY}"


def test_every_source_file_has_a_test_file() -> None:
    tests = {path.name for path in (ROOT / "tests").glob("test_*.py")}
    named = " ".join(tests)
    missing = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path.stem not in ("__init__", "cli")  # test_end_to_end.py runs the commands
        if path.parent.name != "tasks"
        if f"test_{path.parent.name}_{STANDS_FOR.get(path.stem, path.stem)}.py" not in named
    ]
    assert not missing
