"""Loading a model from wherever it is, for real: tiny random models and a hub on this machine."""

import json
import os
import shutil
import subprocess
import sys
from hashlib import sha1
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from test_inference_embedded import write_gguf
from tiny_model import build_tiny_model

from inference import checkpoints
from inference.engine import EngineSpec
from inference.loading import load_model
from samples.errors import BenchwarrantError

CPU = torch.device("cpu")
PROMPT = torch.tensor([[0, 40, 50, 60, 70, 80]])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return build_tiny_model(tmp_path_factory.mktemp("tiny"))


def load(model: Path, dtype: str = "auto", base_dir: Path = Path(), **options):
    """As the engine does on a CPU."""
    usual = "float32" if dtype == "auto" else dtype
    spec = EngineSpec("hf", str(model), dtype=dtype, options=options)
    return load_model(spec, usual, CPU, base_dir)


def greedy(model) -> list[int]:
    return model.generate(PROMPT, max_new_tokens=16, do_sample=False)[0].tolist()


def with_config(folder: Path, target: Path, **changes) -> Path:
    """A copy of a model with other settings in its config.json."""
    shutil.copytree(folder, target)
    file = target / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    return target


# Numbers


@pytest.mark.parametrize(
    ("dtype", "loaded"),
    [
        ("auto", torch.float32),
        ("float16", torch.float16),
        ("bf16", torch.bfloat16),
        ("fp32", torch.float32),
    ],
)
def test_dtypes(tiny, dtype, loaded):
    model = load(tiny, dtype)
    assert model.model.dtype == loaded and not model.model.training
    assert model.weights_bytes == (tiny / "model.safetensors").stat().st_size
    assert (model.parameters, model.quantization) == (90_688, None)


def test_unknown_dtype(tiny):
    with pytest.raises(BenchwarrantError, match=r"unknown dtype 'float8'; did you mean 'float32'"):
        load(tiny, "float8")


# Quantised checkpoints, by their own config


def compressed(tiny: Path, target: Path, **scheme) -> Path:
    """The tiny model in bfloat16, written by the compressed-tensors library itself."""
    from compressed_tensors.compressors import ModelCompressor
    from compressed_tensors.quantization import QuantizationConfig, apply_quantization_config
    from transformers import AutoModelForCausalLM

    shutil.copytree(tiny, target)
    model = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.bfloat16)
    groups = {"group_0": {"targets": ["Linear"], **scheme}}
    config = QuantizationConfig(config_groups=groups, ignore=["lm_head"])
    apply_quantization_config(model, config, show_progress=False)
    top = 2 ** (scheme["weights"]["num_bits"] - 1) - 1
    if scheme["weights"]["type"] == "float":
        top = 448  # the largest number of FP8 E4M3
    for layer in model.modules():
        if hasattr(layer, "weight_scale"):
            groups_of = layer.weight_scale.shape[1]
            rows = layer.weight.detach().unflatten(1, (groups_of, -1))
            layer.weight_scale.data = rows.abs().amax(dim=2) / top
    compressor = ModelCompressor.from_pretrained_model(model)
    compressor.compress_model(model)
    model.save_pretrained(target)
    compressor.update_config(target)
    return target


def weights(bits: int, kind: str = "int", strategy: str = "channel", **more) -> dict:
    return {"num_bits": bits, "type": kind, "strategy": strategy, "symmetric": True, **more}


def per_token(kind: str) -> dict:
    return weights(8, kind, "token", dynamic=True)


@pytest.mark.skipif(
    not find_spec("compressed_tensors"), reason="compressed-tensors is not installed"
)
@pytest.mark.parametrize(
    ("name", "scheme", "near"),
    [
        ("W8A16", {"weights": weights(8)}, 0.01),
        ("W4A16", {"weights": weights(4, strategy="group", group_size=32)}, 0.15),
        ("W8A8", {"weights": weights(8), "input_activations": per_token("int")}, 0.01),
        ("FP8", {"weights": weights(8, "float"), "input_activations": per_token("float")}, 0.08),
    ],
)
def test_compressed_tensors(tiny, tmp_path, capfd, name, scheme, near):
    folder = compressed(tiny, tmp_path / name, **scheme)
    capfd.readouterr()
    loaded = load(folder)
    model = loaded.model
    assert model.dtype == torch.bfloat16  # its own, not the CPU's usual
    assert loaded.parameters == 90_688 and loaded.quantization["quant_method"].startswith("compr")
    original = dict(load(tiny).model.named_parameters())
    layer = "model.layers.1.mlp.down_proj.weight"
    error = (dict(model.named_parameters())[layer].float() - original[layer]).norm()
    assert 0 < error / original[layer].norm() < near
    assert len(greedy(model)) > PROMPT.shape[1]
    assert capfd.readouterr().err == ""  # no bars of the library, then or in the first batch


@pytest.mark.parametrize("method", ["gptq", "awq", "torchao", "bitsandbytes", "fp8"])
def test_a_missing_back_end_is_found_before_loading(tiny, tmp_path, method, monkeypatch):
    monkeypatch.setattr(checkpoints.check_back_end, "__defaults__", (lambda name: None,))
    folder = with_config(
        tiny, tmp_path / "quantised", quantization_config={"quant_method": method, "bits": 4}
    )
    (folder / "model.safetensors").unlink()  # so it is not even looked at
    with pytest.raises(BenchwarrantError, match=rf"quantised with {method}, .*`pip install"):
        load(folder)


def test_an_unknown_quantisation_is_one_line(tiny, tmp_path):
    folder = with_config(tiny, tmp_path / "odd", quantization_config={"quant_method": "int3.14"})
    with pytest.raises(BenchwarrantError, match=r"cannot load the model .*int3\.14") as caught:
        load(folder)
    assert "\n" not in str(caught.value)


# GGUF


def test_a_gguf_file(tiny, tmp_path):
    write_gguf(tiny, tmp_path / "tiny.gguf")
    by_path = load(Path("tiny.gguf"), base_dir=tmp_path)
    by_option = load(tmp_path, gguf_file="tiny.gguf")
    assert greedy(by_path.model) == greedy(by_option.model) == greedy(load(tiny).model)
    assert by_path.weights_bytes == (tmp_path / "tiny.gguf").stat().st_size
    assert by_path.tokenizer.chat_template and by_path.parameters == 90_688
    with pytest.raises(BenchwarrantError, match=r"has no file small\.gguf; check options\.gguf_"):
        load(tmp_path, gguf_file="small.gguf")


def test_a_gguf_file_of_the_hubs_cache(tiny, tmp_path, monkeypatch):
    snapshot = download(tiny, tmp_path, "packed")
    for file in snapshot.iterdir():
        file.unlink()  # such repositories often hold nothing else
    write_gguf(tiny, snapshot / "Q4.gguf")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    loaded = load(Path("we/packed"), gguf_file="Q4.gguf")
    assert loaded.folder == snapshot and greedy(loaded.model) == greedy(load(tiny).model)
    with pytest.raises(BenchwarrantError, match=r"cannot load the model 'we/packed'"):
        load(Path("we/packed"), gguf_file="Q8.gguf")


@pytest.mark.parametrize("size", [0, 1_000, 100_000])
def test_a_damaged_gguf_file(tiny, tmp_path, size):
    file = tmp_path / "tiny.gguf"
    write_gguf(tiny, file)
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(BenchwarrantError, match=r"cannot load the model .*check .*tiny\.gguf") as e:
        load(file)
    assert "\n" not in str(e.value)


# Faults of a folder


def test_a_tensor_that_is_nowhere_does_not_stay_random(tiny, tmp_path):
    deeper = with_config(tiny, tmp_path / "deeper", num_hidden_layers=3)
    with pytest.raises(BenchwarrantError, match=r"9 tensors are in none .* model\.layers\.2\."):
        load(deeper)


def test_weights_of_another_shape(tiny, tmp_path):
    wider = with_config(tiny, tmp_path / "wider", intermediate_size=256)
    with pytest.raises(BenchwarrantError, match=r"cannot load the model .*copy the model there"):
        load(wider)


def test_a_model_that_is_too_large_for_the_device(tiny, monkeypatch):
    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr("transformers.AutoModelForCausalLM.from_pretrained", full)
    with pytest.raises(BenchwarrantError, match=r"out of memory.*; use another device, a smaller"):
        load(tiny)


@pytest.mark.parametrize("damage", ["gone", "{"])
def test_no_tokenizer(tiny, tmp_path, damage):
    folder = shutil.copytree(tiny, tmp_path / "mute")
    (folder / "tokenizer.json").unlink()
    if damage != "gone":
        (folder / "tokenizer.json").write_text(damage)
    with pytest.raises(BenchwarrantError, match="see that its tokenizer's files are there") as e:
        load(folder)
    assert "\n" not in str(e.value)


# The hub, on this machine

ASK = """
import sys, time
from pathlib import Path
import torch
from inference import loading
from inference import checkpoints
from inference.engine import EngineSpec
from samples.errors import BenchwarrantError
loading.HUB_SECONDS = 1
for model in sys.argv[1:]:
    start = time.monotonic()
    try:
        spec = EngineSpec("hf", *model.split("@"))
        loaded = loading.load_model(spec, "float32", torch.device("cpu"), Path())
        print("loaded", loaded.folder.name)
    except BenchwarrantError as error:
        print(f"{time.monotonic() - start:.1f} s: {error}")
"""
COMMIT = "0123456789" * 4


def ask(hub: str, cache: Path, *models: str) -> list[str]:
    """What a fresh process says of each model, with that address as the hub."""
    own = {"HF_ENDPOINT": hub, "HF_HOME": str(cache), "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(
        [sys.executable, "-c", ASK, *models],
        env={k: v for k, v in os.environ.items() if k != "HF_HUB_OFFLINE"} | own,
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def download(tiny: Path, cache: Path, name: str) -> Path:
    """A model as an earlier download has left it."""
    repository = cache / "hub" / f"models--we--{name}"
    shutil.copytree(tiny, repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    return repository / "snapshots" / COMMIT


def serve(httpserver, tiny: Path, name: str) -> None:
    """What the hub says of a model, and its files."""
    files = {file.name: file.read_bytes() for file in tiny.iterdir()}
    at = f"/api/models/we/{name}"
    entries = [
        {"type": "file", "path": file, "size": len(content), "oid": sha1(content).hexdigest()}
        for file, content in files.items()
    ]
    for where in (at, f"{at}/revision/main"):
        info = {"id": f"we/{name}", "sha": COMMIT, "siblings": [], "tags": []}
        httpserver.expect_request(where).respond_with_json(info)
    httpserver.expect_request(f"{at}/tree/{COMMIT}").respond_with_json(entries)
    for file, content in files.items():
        httpserver.expect_request(f"/we/{name}/resolve/{COMMIT}/{file}").respond_with_data(
            content, headers={"ETag": f'"{sha1(content).hexdigest()}"', "X-Repo-Commit": COMMIT}
        )


@pytest.mark.slow
def test_what_is_not_there_is_fetched_once(tiny, tmp_path, httpserver):
    serve(httpserver, tiny, "new")
    serve(httpserver, tiny, "part")
    (download(tiny, tmp_path, "part") / "model.safetensors").unlink()
    lines = ask(httpserver.url_for(""), tmp_path, "we/new", "we/part")
    assert lines == [f"loaded {COMMIT}"] * 2
    asked = len(httpserver.log)
    assert ask(httpserver.url_for(""), tmp_path, "we/new", "we/part") == lines
    assert len(httpserver.log) == asked


def test_faults_of_the_hub_are_one_line_each(tiny, tmp_path, httpserver):
    httpserver.expect_request("/api/models/we/gone").respond_with_data(
        "", 404, headers={"X-Error-Code": "RepoNotFound", "X-Error-Message": "Not found"}
    )
    httpserver.expect_request("/api/models/we/locked").respond_with_data(
        "", 403, headers={"X-Error-Code": "GatedRepo", "X-Error-Message": "Ask for access"}
    )
    httpserver.expect_request("/api/models/we/broken").respond_with_data("", 503)
    httpserver.expect_request("/api/models/we/html").respond_with_data("<html>log in</html>")
    download(tiny, tmp_path, "here")
    (download(tiny, tmp_path, "part") / "model.safetensors").unlink()
    httpserver.expect_request("/api/models/we/part").respond_with_data("", 503)
    names = ["gone", "locked", "broken", "html", "part", "here"]
    *faults, here = ask(httpserver.url_for(""), tmp_path, *(f"we/{name}" for name in names))
    assert here == f"loaded {COMMIT}"
    assert not [request for request, _ in httpserver.log if "we/here" in request.path]
    assert len(faults) == 5  # one line each
    for name, line in zip(names, faults, strict=False):
        assert f"cannot load the model 'we/{name}'" in line and "HF_TOKEN" in line
    for line, said in zip(faults, ["404", "Ask for access", "503", "", "503"], strict=True):
        assert said in line


def test_a_dead_hub_does_not_hold_up(tiny, tmp_path):
    """Nothing listens there; at a commit the library itself tries for 23 seconds."""
    download(tiny, tmp_path, "here")
    lines = ask("http://127.0.0.1:9", tmp_path, "we/far", f"we/far@{COMMIT}", "we/here")
    assert all("cannot load the model 'we/far'" in line for line in lines[:2])
    assert all(float(line.split()[0]) < 5 for line in lines[:2])
    assert lines[2] == f"loaded {COMMIT}"


@pytest.mark.slow
def test_a_hub_that_hangs_is_given_up(tmp_path):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the call and says nothing
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        (line,) = ask(address, tmp_path, "we/far")
    assert "cannot load the model 'we/far'" in line and float(line.split()[0]) < 5
