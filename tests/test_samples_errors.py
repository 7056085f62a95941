"""A known error is one line, and its kind decides how a command ends."""

import ast
from pathlib import Path

import pytest

from samples.errors import BenchwarrantError, Refused

ROOT = Path(__file__).parents[1]
ROOMS = ("samples", "inference", "judges", "annotator")


@pytest.mark.parametrize(("kind", "code"), [(BenchwarrantError, 2), (Refused, 1)])
def test_every_kind_is_caught_as_one_and_has_its_exit_code(kind, code):
    with pytest.raises(BenchwarrantError, match="do this") as error:
        raise kind("do this")
    assert error.value.exit_code == code


def test_no_message_in_the_code_has_a_second_line():
    seen = 0
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "BenchwarrantError",
                "Refused",
            ):
                texts = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
                seen += 1
                assert not any("\n" in str(text) for text in texts), f"{path}:{node.lineno}"
    assert seen > 50
