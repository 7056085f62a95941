"""The catalogue against the paper's leaderboard, and the record of models that ran."""

import csv
import json
import re
from pathlib import Path

import pytest

import benchwarrant
from inference import catalog, collect
from samples.errors import BenchwarrantError
from samples.records import Event, Response, Spec
from samples.store import Store
from samples.study import load_study

ENTRIES = {entry.slug: entry for entry in catalog.entries()}
SUFFIXES = {
    "GPTQ 8-bit": "gptq-int8",
    "GPTQ 4-bit": "gptq-int4",
    "W: INT8 & A: INT8": "w8a8",
    "W: INT8 & A: INT16": "w8a16",
    "W: INT4 & A: INT16": "w4a16",
    "FP8": "fp8",
    "FP8-dynamic": "fp8-dynamic",
}
NOW = "2026-01-31T09:30:12.000000+00:00"


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What the command prints."""
    with pytest.raises(SystemExit) as end:
        benchwarrant.main(["models", *words])
    printed = capsys.readouterr()
    assert not end.value.code, printed.err
    return printed.out


# --- the catalogue's data --------------------------------------------------------------------


def test_it_holds_the_leaderboards_rows_and_no_others(shared_data):
    with (shared_data("published_thinkslm") / "leaderboard.csv").open(encoding="utf-8") as file:
        published = [
            (row["model"].removesuffix("-" + row["params"]), row["params"], row["quantization"])
            for row in csv.DictReader(file)
        ]
    assert [(e.family, e.size, e.variant) for e in ENTRIES.values()] == published


def test_it_names_models_and_holds_no_figure():
    # The paper: 20 models as their publishers released them, and 52 quantised variants.
    kinds = [entry.compression for entry in ENTRIES.values()]
    assert {kind: kinds.count(kind) for kind in kinds} == {"none": 19, "quantised": 52, "pruned": 1}
    keys = {key for values in catalog.catalogue().values() for key in values}
    assert keys == catalog.Entry.__dataclass_fields__.keys() - {"slug"}
    assert all(isinstance(v, str) for entry in catalog.catalogue().values() for v in entry.values())


@pytest.mark.parametrize("slug", ENTRIES)
def test_every_entry_is_named_by_what_it_is(slug: str) -> None:
    entry = ENTRIES[slug]
    base = f"{entry.family}-{entry.size}".lower()
    assert slug == "-".join(filter(None, [base, SUFFIXES.get(entry.variant)]))
    assert (entry.method is None) == (entry.compression == "none")
    if entry.compression != "quantised":
        assert (entry.variant, entry.parent) == ("None", None)
        return
    assert entry.parent == base
    parent = ENTRIES[base]
    assert (parent.family, parent.size, parent.compression) == (entry.family, entry.size, "none")
    bits = re.search(r"[48]", entry.variant)
    assert bits and bits.group() in entry.method


@pytest.mark.parametrize("slug", [slug for slug, entry in ENTRIES.items() if entry.model])
def test_a_hub_id_is_of_that_model_size_and_variant(slug: str) -> None:
    entry = ENTRIES[slug]
    owner, name = entry.model.split("/")
    words = re.split(r"[-.v]", entry.family.lower())  # "mistral-v0.3" as mistral, 0, 3
    assert all(word in name.lower() for word in words)
    assert "instruct" in name.lower()
    if "Nemo" not in name and "Phi" not in name:  # their hub names leave the size out
        assert f"-{entry.size}-" in name
    quantised_by = {"Qwen", "RedHatAI", "neuralmagic"}
    if entry.compression == "quantised":
        assert owner in quantised_by
        assert name.lower().endswith(SUFFIXES[entry.variant])
    else:
        assert owner not in quantised_by - {"Qwen"}
        assert not re.search(r"gptq|w\d+a\d+|fp8", name.lower())


def test_no_hub_id_stands_twice_and_what_has_none_says_why():
    ids = [entry.model for entry in ENTRIES.values() if entry.model]
    assert len(ids) == len(set(ids)) == 69
    without = {slug for slug, entry in ENTRIES.items() if entry.model is None}
    assert without == {slug for slug, entry in ENTRIES.items() if entry.note}


# --- finding entries ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "slugs"),
    [
        (
            {"family": "qwen2.5", "size": "0.5b"},
            ["qwen2.5-0.5b", "qwen2.5-0.5b-gptq-int8", "qwen2.5-0.5b-gptq-int4"],
        ),
        ({"compression": "pruned"}, ["minitron-4b"]),
        ({"size": "1.5B", "compression": "none"}, ["hymba-1.5b", "qwen2-1.5b", "qwen2.5-1.5b"]),
        ({"text": "FP8-DYNAMIC", "size": "3B"}, ["llama-3.2-3b-fp8-dynamic"]),
        ({"text": "huggingfacetb/"}, ["smollm2-1.7b"]),
        ({"text": "no such words"}, []),
    ],
)
def test_filters(wanted, slugs):
    assert [entry.slug for entry in catalog.entries(**wanted)] == slugs


def test_a_filter_that_nothing_can_fit_is_a_mistake():
    with pytest.raises(BenchwarrantError, match=r"unknown family 'quen2'; did you mean 'qwen2'\?"):
        catalog.entries(family="quen2")
    with pytest.raises(BenchwarrantError, match="unknown compression 'quantized'; did you mean"):
        catalog.entries(compression="quantized")


def test_the_command_lists_what_fits(capsys):
    lines = shown(capsys, "minitron").splitlines()
    assert lines[0].split() == ["name", "family", "size", "variant", "parent", "hub", "id"]
    assert lines[1].startswith("minitron-4b") and lines[1].endswith("not known")
    assert lines[2] == "1 of the catalogue's 72 models"
    assert lines[3] == f"minitron-4b: {ENTRIES['minitron-4b'].note}"
    assert shown(capsys, "no such words").splitlines()[-1] == "0 of the catalogue's 72 models"


def test_the_command_gives_the_entries_as_json(capsys):
    (entry,) = json.loads(shown(capsys, "--family", "hymba", "--json"))
    assert catalog.Entry(**entry) == ENTRIES["hymba-1.5b"]


# --- an entry in a study -------------------------------------------------------------------------


def test_an_entry_is_the_same_model_as_its_keys_written_out(tmp_path: Path) -> None:
    task = '[[task]]\nname = "sums"\nlimit = 2\n'
    entry = ENTRIES["qwen2.5-0.5b-gptq-int4"]
    written = {"name": entry.slug, "model": entry.model, "compression": entry.method}
    texts = [
        f'from = "{entry.slug}"\n',
        "".join(f"{key} = {json.dumps(value)}\n" for key, value in written.items()),
    ]
    made = []
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.toml"
        path.write_text(f'name = "s"\n{task}[[model]]\nstrategies = ["direct", "cot"]\n{text}')
        made.append([job.spec for job in collect.plan(load_study(path), None)])
    assert made[0] == made[1] and len(made[0]) == 2
    assert [a.id for a in made[0]] == [b.id for b in made[1]]
    assert made[0][0].body["engine"]["model"] == "Qwen/Qwen2.5-0.5B-Instruct-GPTQ-Int4"


# --- what was measured ---------------------------------------------------------------------------


def ran(model: str, **facts: object) -> Event:
    return Event("model ran", model, {"parent": None, "compression": None} | facts, NOW)


def spec_of(model: str, engine: str) -> Spec:
    return Spec("model", model, {"engine": {"engine": engine, "model": "x"}})


FULL = {
    "transformers": "5.20.0",
    "torch": "2.9.1",
    "device": "cuda:0",
    "dtype": "bfloat16",
    "parameters": 134_515_008,
    "weights_bytes": 269_060_552,
    "load_seconds": 2.04,
    "memory": {"weights": 269_030_016, "kv": 1_500_000_000, "peak": 2_100_000_000_000},
    "tokens_per_second": 812.36,
}


def test_every_run_of_a_model_is_listed_with_its_engine():
    runs = catalog.measured(
        [ran("small", **FULL), ran("other"), ran("small")],
        [spec_of("small", "hf"), spec_of("small", "hf"), Spec("model", "other", {"imported": 1})],
    )
    assert [(run.model, run.engine) for run in runs] == [
        ("small", "hf"),
        ("other", None),
        ("small", "hf"),
    ]
    assert runs[0].versions == {"transformers": "5.20.0", "torch": "2.9.1"}
    assert runs[0].memory == FULL["memory"] and runs[0].parameters == 134_515_008
    assert runs[2].memory == {"weights": None, "kv": None, "peak": None}


def test_a_server_has_its_version_under_its_name():
    facts = {"server": "vllm", "server_version": "0.11.0", "openai": "3.1.0"}
    (run,) = catalog.measured([ran("m", **facts)], [spec_of("m", "served")])
    assert catalog.run_row(run)[2] == "served (vllm 0.11.0, openai 3.1.0)"
    (unknown,) = catalog.measured([ran("m", server="vllm", server_version=None)], [])
    assert unknown.versions == {}


def test_a_name_that_two_engines_shared_says_so():
    specs = [spec_of("small", "hf"), spec_of("small", "openai")]
    (run,) = catalog.measured([ran("small")], specs)
    assert run.engine == "hf or openai"


def test_figures_are_in_units_for_people_and_gaps_in_words():
    full, empty = catalog.measured([ran("small", **FULL), ran("other")], [spec_of("small", "hf")])
    assert catalog.run_row(full) == (
        "small",
        "2026-01-31 09:30",
        "hf (transformers 5.20.0, torch 2.9.1)",
        "cuda:0",
        "bfloat16",
        "134.5 M",
        "269.1 MB",
        "2.0 s",
        "269.0 MB",
        "1.5 GB",
        "2.1 TB",
        "812.4",
    )
    assert catalog.run_row(empty)[2] == "engine not known (version not known)"
    assert set(catalog.run_row(empty)[3:]) == {"not measured"}
    assert len(catalog.run_row(empty)) == len(catalog.RUN_COLUMNS)


@pytest.mark.parametrize(("bytes_", "shown_as"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB")])
def test_small_sizes(bytes_, shown_as):
    (run,) = catalog.measured([ran("m", memory={"kv": bytes_})], [])
    assert catalog.run_row(run)[9] == shown_as


def test_the_command_lists_the_runs_of_a_collected_study(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = 'name = "s"\n[[task]]\nname = "sums"\nlimit = 2\n[[model]]\nname = "told"\n'
    Path("study.toml").write_text(text + 'engine = "replay"\nmodel = "told.jsonl"\n')
    study = load_study(Path("study.toml"))
    with Store(Path("study.db"), create=True) as store:
        assert "no model of this study has run yet" in shown(capsys, "--measured")
        Path("told.jsonl").write_text('{"text": "4"}\n')
        jobs = collect.plan(study, store)
        answers: list[Response] = []
        assert collect.run(study, store, jobs, answers.append, lambda: NOW) == {}
        assert len(answers) == 2
    head, line = shown(capsys, "--measured").splitlines()
    assert head.startswith("model") and head.endswith("tokens/s")
    assert line.startswith("told   2026-01-31 09:30  replay (version not known)")
    (run,) = json.loads(shown(capsys, "--measured", "--json"))
    assert (run["model"], run["engine"], run["parameters"]) == ("told", "replay", None)


def test_the_command_takes_filters_for_the_catalogue_only(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        benchwarrant.main(["models", "--measured", "gptq"])
    assert end.value.code == 2
    assert "leave the rest out" in capsys.readouterr().err
