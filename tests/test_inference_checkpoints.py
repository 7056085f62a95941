"""Faults of a model folder, each one line; only a missing package is pretended."""

import json
import shutil

import pytest
from tiny_model import build_tiny_model

from inference.checkpoints import BACK_ENDS, check_back_end, quantisation, read_config, weight_files
from samples.errors import BenchwarrantError

WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return build_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def sharded(tiny, tmp_path_factory):
    """The tiny model in four files and their index."""
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("sharded")
    AutoModelForCausalLM.from_pretrained(tiny).save_pretrained(folder, max_shard_size="100KB")
    return folder


def test_a_whole_folder_passes(tiny, sharded):
    assert read_config(tiny)["model_type"] == "llama"
    assert weight_files(tiny) == [tiny / WEIGHTS]
    names = [f"model-0000{n}-of-00004.safetensors" for n in (1, 2, 3, 4)]
    assert weight_files(sharded) == [sharded / name for name in names]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, r"there is no config\.json, so it is at most part of one"),
        ("{", r"config\.json cannot be read: .*line 1 column 2"),
        ("[]", r"config\.json holds no table"),
    ],
)
def test_config(tmp_path, text, said):
    if text:
        (tmp_path / "config.json").write_text(text)
    with pytest.raises(BenchwarrantError, match=said) as caught:
        read_config(tmp_path)
    assert str(caught.value).startswith(f"cannot load the model in {tmp_path} (")
    assert str(caught.value).endswith("check the path, or copy the model there again")


@pytest.mark.parametrize(
    "content",
    [
        lambda whole: whole[:200_000],  # the download stopped in the weights
        lambda whole: whole[:100],  # or in the header
        lambda whole: b"",
        lambda whole: b"<html>404 Not Found</html>" * 40,
        lambda whole: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
    ],
)
def test_half_a_download(tiny, tmp_path, content):
    folder = shutil.copytree(tiny, tmp_path / "half")
    (folder / WEIGHTS).write_bytes(content((tiny / WEIGHTS).read_bytes()))
    with pytest.raises(BenchwarrantError, match=rf"{WEIGHTS} is damaged or half downloaded: ") as e:
        weight_files(folder)
    assert "\n" not in str(e.value)


def test_missing_weights(sharded, tmp_path):
    folder = shutil.copytree(sharded, tmp_path / "part")
    (folder / "model-00002-of-00004.safetensors").unlink()
    with pytest.raises(BenchwarrantError, match=r"model-00002-of-.* is missing \(1 of 4 files are"):
        weight_files(folder)
    (folder / "model.safetensors.index.json").write_text('{"weight_map": [1]}')
    with pytest.raises(BenchwarrantError, match=r"index\.json is damaged"):
        weight_files(folder)
    with pytest.raises(BenchwarrantError, match=r"has no weights \(\*\.safetensors\)"):
        weight_files(tmp_path)


def test_the_hubs_cache_is_told_apart(tmp_path):
    folder = tmp_path / "models--we--tiny" / "snapshots" / "0123"
    folder.mkdir(parents=True)
    with pytest.raises(BenchwarrantError) as caught:
        weight_files(folder)
    assert str(caught.value).endswith(
        f"; delete {folder.parent.parent} and run the same command again to fetch it"
    )


@pytest.mark.parametrize(
    ("config", "method"),
    [
        ({}, None),
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "gptq"),
        ({"quantization_config": {"load_in_8bit": True}}, "bitsandbytes"),  # before 2024
    ],
)
def test_the_kind_of_quantisation(config, method):
    found = quantisation(json.loads(json.dumps(config)))
    assert (found and found["quant_method"]) == method


@pytest.mark.parametrize("method", sorted(BACK_ENDS))
def test_a_missing_back_end_is_named(method):
    packages = BACK_ENDS[method]
    check_back_end("we/small", method, module=lambda name: "there")
    wanted = f"quantised with {method}, which needs .*; install it with `pip install"
    with pytest.raises(BenchwarrantError, match=wanted) as caught:
        check_back_end("we/small", method, module=lambda name: None)
    assert str(caught.value).endswith(f"pip install {' '.join(packages)}`")
    last = list(packages)[-1]
    with pytest.raises(BenchwarrantError, match=rf"needs {last}; .* `pip install {last}`"):
        check_back_end("we/small", method, lambda name: None if name == packages[last] else "there")


def test_other_kinds_are_left_to_the_library():
    check_back_end("we/small", "hqq", module=lambda name: None)
    check_back_end("we/small", None, module=lambda name: None)
