"""Look a name up in a registry: a dict literal whose heavy entries are "module:attribute" texts."""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from samples.errors import BenchwarrantError


def did_you_mean(name: str, known: list[str]) -> str:
    """ " (did you mean 'x'?)", or the list of what there is."""
    close = get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(sorted(known))}" if known else "none is known"


def check_known(kind: str, name: str, registry: Mapping[str, Any]) -> None:
    """An unknown name is an error that says which was meant."""
    if name not in registry:
        raise BenchwarrantError(f"unknown {kind} {name!r}; {did_you_mean(name, list(registry))}")


def find(kind: str, name: str, registry: Mapping[str, Any]) -> Any:
    """The entry of that name, imported on first use."""
    check_known(kind, name, registry)
    entry = registry[name]
    if not isinstance(entry, str):
        return entry
    module, _, attribute = entry.partition(":")
    return getattr(import_module(module), attribute)
