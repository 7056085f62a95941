"""The launcher's parameters, as the library has them; it runs in test_inference_served.py."""

import subprocess
import sys
from typing import Any

import pytest

from inference import llama_server

LINE = ("--model", "m.gguf", "--alias", "m", "--port", "4711")


@pytest.fixture
def library() -> Any:
    return pytest.importorskip("xllamacpp", reason="pip install xllamacpp")


def parameters(library: Any, *more: str) -> Any:
    return llama_server.parameters(llama_server.read([*LINE, *more]), library)


def test_each_slot_has_the_whole_context(library):
    p = parameters(library, "--slots", "8", "--context", "2048")
    assert (p.n_parallel, p.n_ctx) == (8, 16384)  # which llama.cpp shares out: 16384 / 8 = 2048


def test_loopback_with_a_key(library, monkeypatch):
    monkeypatch.setenv(llama_server.KEY, "secret")
    p = parameters(library)
    assert (p.hostnames, p.port, p.api_keys) == (["127.0.0.1"], 4711, ["secret"])
    assert p.model_alias == {"m"} and p.model.path == "m.gguf"
    assert not p.ui and not p.endpoint_slots


def test_nothing_but_the_request_shapes_what_is_drawn(library):
    p = parameters(library)
    assert (p.sampling.top_k, p.sampling.top_p, p.sampling.min_p) == (0, 1.0, 0.0)
    # top_k 2, top_p 4, min_p 8, xtc_probability 16, penalty_repeat 256: not those of the model
    assert p.sampling.user_sampling_config == 2 + 4 + 8 + 16 + 256
    assert p.cache_prompt
    none = library.common_reasoning_format.COMMON_REASONING_FORMAT_NONE
    assert p.reasoning_format == none  # <think> blocks stay in the text


def test_fields_of_the_library_by_name(library):
    p = parameters(library, "n_gpu_layers=0", "swa_full=true", "chat_template=chatml")
    assert (p.n_gpu_layers, p.swa_full, p.chat_template) == (0, True, "chatml")
    p = parameters(library, "rope_freq_base=1e6")
    assert p.rope_freq_base == 1e6


@pytest.mark.parametrize(
    "field", ["no_such=1", "n_gpu_layers=many", "swa_full=perhaps", "model=x", "n_batch", "=1"]
)
def test_a_field_that_cannot_be_set_is_named(library, field):
    with pytest.raises(SystemExit, match="no field of CommonParams can be set by"):
        parameters(library, field)


def test_without_the_library_it_says_what_to_install():
    hidden = "import sys, runpy; sys.modules['xllamacpp'] = None; sys.argv[1:] = ['--version']; "
    code = f"{hidden}runpy.run_path({llama_server.__file__!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.strip().endswith("pip install xllamacpp") and done.stderr.count("\n") == 1


def test_its_version(library):
    command = [sys.executable, "-P", llama_server.__file__, "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"xllamacpp {library.__version__}\n"
