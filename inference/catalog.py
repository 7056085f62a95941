"""Which models there are by name, and what was measured of those that ran."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from samples.records import Event, Spec
from samples.registry import check_known
from samples.study import catalogue

LIBRARIES = (  # whose versions engines put into their facts
    "transformers",
    "torch",
    "vllm",
    "sglang",
    "xllamacpp",
    "llama.cpp",
    "openai",
    "anthropic",
    "ray",
)
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Entry:
    """One model of the catalogue, under the name that `from` in a [[model]] block takes."""

    slug: str
    family: str
    size: str
    variant: str
    compression: str  # "none", "quantised", "pruned" or "distilled"
    method: str | None = None
    parent: str | None = None
    model: str | None = None  # the id on the Hugging Face hub, where that is certain
    note: str | None = None


def entries(
    family: str | None = None,
    size: str | None = None,
    compression: str | None = None,
    text: str = "",
) -> list[Entry]:
    """The catalogue's models that fit, in its order; ``text`` may stand in any of their words."""
    found = [Entry(slug, **values) for slug, values in catalogue().items()]
    wanted = {"family": family, "size": size, "compression": compression}
    for key, value in wanted.items():
        if value is not None:
            check_known(key, value.lower(), {getattr(e, key).lower(): e for e in found})
    return [
        entry
        for entry in found
        if all(v is None or getattr(entry, k).lower() == v.lower() for k, v in wanted.items())
        and text.lower() in " ".join(filter(None, astuple(entry))).lower()
    ]


COLUMNS = ("name", "family", "size", "variant", "parent", "hub id")


def row(entry: Entry) -> tuple[str, ...]:
    """An entry as a line of a table."""
    e = entry
    return (e.slug, e.family, e.size, e.variant, e.parent or "", e.model or "not known")


@dataclass(frozen=True)
class Run:
    """One run of a model: what its engine measured. None is what it could not measure."""

    model: str
    at: str
    engine: str | None
    versions: Mapping[str, str]
    parameters: int | None
    weights_bytes: int | None
    dtype: str | None
    device: str | None
    load_seconds: float | None
    memory: Mapping[str, int | None]  # bytes: "weights", "kv" and "peak"
    tokens_per_second: float | None


def measured(events: Sequence[Event], specs: Sequence[Spec]) -> list[Run]:
    """The runs that the study recorded, oldest first; its specs know which engine a model had."""
    engines: dict[str, set[str]] = {}
    for spec in specs:
        if "engine" in spec.body:  # imported answers have none
            engines.setdefault(spec.name, set()).add(spec.body["engine"]["engine"])
    runs = []
    for event in events:
        facts = event.body
        memory = facts.get("memory") or {}
        runs.append(
            Run(
                model=event.subject,
                at=event.created_at,
                engine=" or ".join(sorted(engines.get(event.subject, ()))) or None,
                versions=_versions(facts),
                parameters=facts.get("parameters"),
                weights_bytes=facts.get("weights_bytes"),
                dtype=facts.get("dtype"),
                device=facts.get("device"),
                load_seconds=facts.get("load_seconds"),
                memory={part: memory.get(part) for part in ("weights", "kv", "peak")},
                tokens_per_second=facts.get("tokens_per_second"),
            )
        )
    return runs


def _versions(facts: Mapping[str, Any]) -> dict[str, str]:
    """Of a server that we started, and of the libraries on our side."""
    ours = {name: facts[name] for name in LIBRARIES if facts.get(name)}
    if facts.get("server_version"):
        return {facts["server"]: facts["server_version"]} | ours
    return ours


RUN_COLUMNS = (
    "model",
    "run at (UTC)",
    "engine",
    "device",
    "dtype",
    "parameters",
    "on disk",
    "load",
    "memory: weights",
    "KV cache",
    "peak",
    "tokens/s",
)


def run_row(run: Run) -> tuple[str, ...]:
    """A run as a line of a table, in units for people."""
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    seconds, speed = run.load_seconds, run.tokens_per_second
    return (
        run.model,
        run.at[:16].replace("T", " "),
        f"{run.engine or 'engine not known'} ({versions or 'version not known'})",
        run.device or NOT_MEASURED,
        run.dtype or NOT_MEASURED,
        _scaled(run.parameters, ""),
        _scaled(run.weights_bytes, "B"),
        NOT_MEASURED if seconds is None else f"{seconds:.1f} s",
        *(_scaled(run.memory[part], "B") for part in ("weights", "kv", "peak")),
        NOT_MEASURED if speed is None else f"{speed:.1f}",
    )


def _scaled(value: int | None, unit: str) -> str:
    """134515008 as "134.5 M"."""
    if value is None:
        return NOT_MEASURED
    power = min((len(str(value)) - 1) // 3, 4)
    if not power:
        return f"{value} {unit}".rstrip()
    return f"{value / 1000**power:.1f} {'kMGT'[power - 1]}{unit}"
