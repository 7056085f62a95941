"""Names are looked up lazily, and a wrong one says which was meant."""

import sys
from fractions import Fraction

import pytest

from samples.errors import BenchwarrantError
from samples.registry import did_you_mean, find


def test_an_entry_is_given_as_it_is():
    entry = object()
    assert find("engine", "hf", {"hf": entry}) is entry


def test_a_text_entry_is_imported_when_it_is_asked_for_and_no_earlier(tmp_path, monkeypatch):
    (tmp_path / "a_heavy_module.py").write_text("def make(): return 7\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = {"light": "fractions:Fraction", "heavy": "a_heavy_module:make"}
    assert find("engine", "light", registry) is Fraction
    assert "a_heavy_module" not in sys.modules
    assert find("engine", "heavy", registry)() == 7
    monkeypatch.delitem(sys.modules, "a_heavy_module")


@pytest.mark.parametrize(
    ("name", "registry", "message"),
    [
        ("opnai", {"openai": 1, "hf": 2}, "unknown engine 'opnai'; did you mean 'openai'?"),
        ("xyz", {"openai": 1, "hf": 2}, "unknown engine 'xyz'; known: hf, openai"),
        ("hf", {}, "unknown engine 'hf'; none is known"),
    ],
)
def test_an_unknown_name_says_which_was_meant(name, registry, message):
    with pytest.raises(BenchwarrantError) as error:
        find("engine", name, registry)
    assert str(error.value) == message


def test_what_a_broken_entry_raises_is_a_bug_and_not_reworded():
    with pytest.raises(ModuleNotFoundError):
        find("engine", "x", {"x": "no_such_module:thing"})
    with pytest.raises(AttributeError):
        find("engine", "x", {"x": "fractions:no_such_name"})


def test_the_closest_name_wins():
    assert did_you_mean("temprature", ["temperature", "top_p"]) == "did you mean 'temperature'?"
