"""Compressed checkpoints, written and loaded again for real; GPTQ's own call by a stand-in."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch
from tiny_model import build_tiny_model
from typer.testing import CliRunner

import benchwarrant
from inference import variants
from inference.engine import EngineSpec
from inference.loading import load_model
from samples.errors import BenchwarrantError
from samples.study import load_study

CPU = torch.device("cpu")
PROMPT = torch.tensor([[0, 40, 50, 60, 70, 80]])
needs_compressed_tensors = pytest.mark.skipif(
    not find_spec("compressed_tensors"), reason="compressed-tensors is not installed"
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return build_tiny_model(tmp_path_factory.mktemp("tiny"))


def no_texts() -> list[str]:
    pytest.fail("only GPTQ is calibrated")


def spec(model: Path, dtype: str = "auto", **options) -> EngineSpec:
    return EngineSpec("hf", str(model), dtype=dtype, options=options)


def weights(model) -> dict[str, torch.Tensor]:
    return dict(model.named_parameters())


@needs_compressed_tensors
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_int8_on_disk_holds_the_values_of_int8_in_memory(tiny, tmp_path, dtype):
    from inference.compress import compress

    made = variants.write(spec(tiny, dtype), tmp_path / "small", "int8", no_texts)
    # 14 matrices of 73,728 numbers in all, of 90,688 parameters
    assert (made.matrices, made.share_touched) == (14, 73_728 / 90_688)
    stored = (tmp_path / "small" / "model.safetensors").stat().st_size
    assert made.bytes_before == (tiny / "model.safetensors").stat().st_size
    assert made.bytes_after == stored < made.bytes_before * 0.45
    loaded = load_model(spec(tmp_path / "small"), "float16", CPU, Path())
    assert loaded.model.dtype == getattr(torch, dtype)  # its own, whatever is usual here
    assert loaded.parameters == 90_688 and loaded.quantization["format"] == "pack-quantized"
    in_memory = load_model(spec(tiny, dtype), dtype, CPU, Path()).model
    compress(in_memory, "int8")
    on_disk = weights(loaded.model)
    assert all(torch.equal(on_disk[name], here) for name, here in weights(in_memory).items())
    greedy = [
        model.generate(PROMPT, max_new_tokens=24, do_sample=False)
        for model in (loaded.model, in_memory)
    ]
    assert torch.equal(*greedy)


def test_prune_writes_an_ordinary_checkpoint(tiny, tmp_path):
    out = tmp_path / "deep" / "pruned"
    made = variants.write(spec(tiny), out, "prune-0.5", no_texts)
    loaded = load_model(spec(out), "float32", CPU, Path())
    assert loaded.quantization is None and loaded.tokenizer.chat_template
    before = weights(load_model(spec(tiny), "float32", CPU, Path()).model)
    changed = {name for name, now in weights(loaded.model).items() if not now.equal(before[name])}
    assert changed == {name for name in before if name.endswith("_proj.weight")}
    zeros = sum(int((weights(loaded.model)[name] == 0).sum()) for name in changed)
    assert zeros == 73_728 // 2
    record = json.loads((out / "COMPRESSION.json").read_text())
    assert (record["method"], record["model"]) == ("prune-0.5", str(tiny))
    assert record["bytes_after"] == made.bytes_after == loaded.weights_bytes
    assert [path.name for path in out.parent.iterdir()] == ["pruned"]  # nothing half made is left


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("int9", r"unknown compression 'int9'; did you mean 'int8'\?"),
        ("int8-4", "int8 takes no argument"),
        ("prune-2", r"needs a share between 0 and 1"),
        ("gptq", r"'gptq' is not known; write gptq-8 or gptq-4"),
        ("gptq-3", r"write gptq-8 or gptq-4"),
    ],
)
def test_a_wrong_method_is_found_before_the_model_is_loaded(tmp_path, method, said):
    with pytest.raises(BenchwarrantError, match=said):
        variants.write(spec(tmp_path / "no model"), tmp_path / "out", method, no_texts)


def test_missing_packages_are_named(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(variants, "find_spec", lambda name: None)
    for method, extra in [("gptq-4", "gptq"), ("int8", "quantised")]:
        with pytest.raises(BenchwarrantError, match=rf"pip install 'benchwarrant\[{extra}\]'"):
            variants.write(spec(tiny), tmp_path / "out", method, no_texts)


def test_an_existing_folder_is_left_alone(tiny, tmp_path):
    (tmp_path / "kept").write_text("mine")
    for out in (tmp_path, tmp_path / "kept"):
        with pytest.raises(BenchwarrantError, match="exists already; give the name of a new"):
            variants.write(spec(tiny), out, "prune-0.5", no_texts)
    assert (tmp_path / "kept").read_text() == "mine"


def test_a_failed_write_leaves_nothing(tiny, tmp_path, monkeypatch):
    def full(_: Path) -> list[Path]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(variants, "weight_files", full)
    with pytest.raises(BenchwarrantError, match=r"No space left on device\); nothing was kept"):
        variants.write(spec(tiny), tmp_path / "out", "prune-0.5", no_texts)
    assert not list(tmp_path.iterdir())


@needs_compressed_tensors
def test_a_quantised_model_is_not_compressed_again(tiny, tmp_path):
    variants.write(spec(tiny), tmp_path / "once", "int8", no_texts)
    with pytest.raises(BenchwarrantError, match="is quantised already; compress the one"):
        variants.write(spec(tmp_path / "once"), tmp_path / "twice", "prune-0.5", no_texts)


@pytest.mark.slow
@needs_compressed_tensors
def test_int8_of_a_real_model(tmp_path):
    small = EngineSpec("hf", "embedded:smollm2-135m", dtype="bfloat16")
    made = variants.write(small, tmp_path / "int8", "int8", no_texts)
    # 106,168,320 numbers of one byte, 28,346,688 of two, and a scale for each of 155,520 rows
    rows = 30 * (576 + 192 + 192 + 576 + 1536 + 1536 + 576)
    exact = 106_168_320 + 2 * 28_346_688 + 2 * rows
    assert exact < made.bytes_after < exact * 1.001  # and the headers
    loaded = load_model(spec(tmp_path / "int8"), "float32", CPU, Path())
    chat = [{"role": "user", "content": "What is the capital of France?"}]
    ids = loaded.tokenizer.apply_chat_template(
        chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    made_text = loaded.model.generate(**ids, max_new_tokens=16, do_sample=False)[0]
    assert "Paris" in loaded.tokenizer.decode(made_text[ids["input_ids"].shape[1] :])


# GPTQ


def test_gptq_asks_the_library_for_what_was_meant(tiny, tmp_path, monkeypatch):
    calls = []

    class Quantiser:
        @staticmethod
        def load(model, config, **options):
            calls.append(("load", model, config, options))
            return Quantiser()

        def quantize(self, texts, tokenizer):
            calls.append(("quantize", texts, len(tokenizer)))

        def save(self, folder):
            loaded = load_model(spec(tiny), "float16", CPU, Path())
            loaded.model.save_pretrained(folder)  # weights, as the library leaves them
            calls.append(("save", Path(folder).parent.parent))

    library = ModuleType("gptqmodel")
    library.GPTQModel, library.QuantizeConfig = Quantiser, SimpleNamespace
    monkeypatch.setitem(sys.modules, "gptqmodel", library)
    monkeypatch.setattr(variants, "find_spec", lambda name: library)
    monkeypatch.setenv("GPTQMODEL_CPU_WORKERS", "2")
    made = variants.write(spec(tiny), tmp_path / "out", "gptq-4", lambda: ["one", "two"])
    # the matrices are 64 and 128 wide, so groups of 64 weights fit both
    config = SimpleNamespace(bits=4, group_size=64)
    assert calls == [
        ("load", str(tiny), config, {"trust_remote_code": False}),
        ("quantize", ["one", "two"], 260),
        ("save", tmp_path),
    ]
    assert made.matrices == 14 and (tmp_path / "out" / "tokenizer.json").is_file()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("method", ["gptq-8", "gptq-4"])
def test_gptq_for_real(tiny, tmp_path, method):
    """Skipped without a GPU or the gptq extra; on two CPU cores it was run by hand."""
    pytest.importorskip("gptqmodel")
    texts = [f"The sum of {n} and {n + 1} is {2 * n + 1}, as everyone knows. " for n in range(300)]
    made = variants.write(spec(tiny, "float16"), tmp_path / "out", method, lambda: texts)
    assert made.bytes_after < made.bytes_before / 2
    device = torch.device("cuda")
    loaded = load_model(spec(tmp_path / "out"), "bfloat16", device, Path())
    assert loaded.quantization["bits"] == int(method[-1]) and loaded.parameters == 90_688
    text = loaded.model.generate(PROMPT.to(device), max_new_tokens=8, do_sample=False)
    assert text.shape[1] > PROMPT.shape[1]


# The command


def test_the_command_prints_what_was_done_and_a_block_that_loads(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["compress", str(tiny), "pruned", "--method", "prune-0.3"]
    done = CliRunner().invoke(benchwarrant.build(), words, catch_exceptions=False)
    assert "prune-0.3: 14 matrices, 81.3% of the parameters" in done.stdout  # 73,728 / 90,688
    parent = f'[[model]]\nname = "{tiny.name.lower()}"\nmodel = "{tiny}"\n'
    pasted = done.stdout.partition("[[model]]")[2]
    (tmp_path / "study.toml").write_text(f'name = "s"\n{parent}[[model]]{pasted}')
    block = load_study(tmp_path / "study.toml").model[1]
    assert (block.name, block.compression) == ("pruned", "prune-0.3")
    assert block.parent == tiny.name.lower() and Path(block.model) == tmp_path / "pruned"
