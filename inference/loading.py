"""From a model's name to its weights in memory: embedded, in a folder, a GGUF file, or the hub's.

What was downloaded before is used as it is, without asking the hub: the answers of a study come
from one copy of a model. Another one is named by ``revision``, or fetched by `hf download`.
"""

import logging
import struct
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from textwrap import shorten
from typing import Any

import torch
import transformers
from httpx2 import HTTPError
from huggingface_hub import model_info, snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.quantizers import AutoHfQuantizer

from inference import checkpoints, embedded, gguf_file
from inference.engine import EngineSpec
from samples.errors import BenchwarrantError
from samples.registry import check_known

log = logging.getLogger(__name__)
transformers.logging.set_verbosity_error()  # its advice and bars would tear our own bar apart
transformers.logging.disable_progress_bar()
logging.getLogger("huggingface_hub").setLevel(logging.ERROR)

DTYPES: dict[str, torch.dtype | str] = {
    "auto": "auto",  # as it is stored
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}
NO_CODE: dict[str, Any] = {"trust_remote_code": False}  # nor a question about it
HUB_SECONDS = 10  # for the hub's first word; the library itself waits without end
MODEL_FILES = ["*.json", "*.jinja", "*.model", "*.safetensors", "*.txt"]
THE_SAME_AGAIN = ["consolidated*", "onnx/*", "original/*"]  # the weights once more
IN_THE_WAY = (
    OSError,
    ValueError,
    ImportError,
    RuntimeError,
    TypeError,
    LookupError,
    HTTPError,  # of the hub's client, which is no OSError
    SafetensorError,
    struct.error,  # of a GGUF file that ends too early
)


@dataclass(frozen=True)
class Loaded:
    """A model that is ready to run, its tokenizer, and the files that they came from."""

    model: Any
    tokenizer: Any
    folder: Path
    weights_bytes: int = 0  # on disk
    parameters: int = 0  # of the model as it was before it was packed into fewer bits
    quantization: dict[str, Any] | None = None  # of a quantised checkpoint: its own config


def load_model(spec: EngineSpec, dtype: str, device: torch.device, base_dir: Path) -> Loaded:
    """Load what the spec names; a relative folder is seen from ``base_dir``.

    ``dtype`` is what "auto" means here. A quantised checkpoint keeps its own instead, for which
    its numbers were made.
    """
    check_known("dtype", dtype, DTYPES)
    wanted = DTYPES[dtype]
    place = _place(spec, base_dir)
    if place.suffix == ".gguf":
        with _clearly(spec, f"check {place}, or fetch it again"):
            model, tokenizer = gguf_file.read(place, torch.float32 if wanted == "auto" else wanted)
        model, size = model.to(device).eval(), place.stat().st_size
        return Loaded(model, tokenizer, place.parent, size, model.num_parameters())
    config = checkpoints.read_config(place)
    quantised = checkpoints.quantisation(config)
    if quantised:
        checkpoints.check_back_end(spec.model, quantised["quant_method"])
    size = sum(file.stat().st_size for file in checkpoints.weight_files(place))
    with _clearly(spec, "see that its tokenizer's files are there and whole"):
        tokenizer = AutoTokenizer.from_pretrained(place, **NO_CODE)
    with _clearly(spec, checkpoints.again(place)):
        if quantised:
            own: Any = "auto" if spec.dtype == "auto" else wanted
            model, parameters = _quantised(place, own, device, quantised), _parameters(place)
        else:
            model = _weights(place, dtype=wanted).to(device)
            parameters = model.num_parameters()
    return Loaded(model.eval(), tokenizer, place, size, parameters, quantised)


@contextmanager
def _clearly(spec: EngineSpec, advice: str) -> Iterator[None]:
    """Whatever a library raises over a user's files becomes one line."""
    try:
        yield
    except IN_THE_WAY as error:
        if isinstance(error, torch.OutOfMemoryError):
            advice = "use another device, a smaller dtype or a smaller model"
        raise BenchwarrantError(
            f"cannot load the model {spec.model!r} ({shorten(str(error), 200)}); {advice}"
        ) from error


def _weights(folder: Path, **arguments: Any) -> Any:
    """The model; a tensor that is in no file would stay random without a word."""
    model, found = AutoModelForCausalLM.from_pretrained(
        folder, output_loading_info=True, **NO_CODE, **arguments
    )
    if absent := sorted(found["missing_keys"]):
        raise ValueError(f"{len(absent)} tensors are in none of its files, such as {absent[0]}")
    return model


def _quantised(
    folder: Path, dtype: Any, device: torch.device, quantization: Mapping[str, Any]
) -> Any:
    """A quantised model, loaded the way its own config says."""
    method = quantization["quant_method"]
    if not AutoHfQuantizer.supports_quant_method(dict(quantization)):  # it would be passed over
        raise ValueError(f"transformers {transformers.__version__} does not know {method!r}")
    arguments: dict[str, Any] = {"dtype": dtype}
    placed = method in ("gptq", "awq", "bitsandbytes", "fp8")  # their kernels fit one device
    if placed:
        arguments["device_map"] = {"": str(device)}
    if method == "compressed-tensors" and _plain_weights(quantization):
        arguments["quantization_config"] = transformers.CompressedTensorsConfig(dequantize=True)
    with redirect_stderr(StringIO()), warnings.catch_warnings():  # bars, and advice on each of them
        warnings.simplefilter("ignore")
        model = _weights(folder, **arguments)
        if method == "compressed-tensors" and hasattr(model, "ct_decompress_hook"):
            model.hf_quantizer.compressor.decompress_model(model)  # now, not in the first batch
    return model if placed else model.to(device)


def _plain_weights(quantization: Mapping[str, Any]) -> bool:
    """Whether all layers store their weights in one way and nothing but weights is quantised.

    Then they are unpacked once while loading. The library has no faster kernel for them; where
    activations are rounded too, its slower layers are what computes the model's true answers.
    """
    groups = list((quantization.get("config_groups") or {}).values())
    rounded = ("input_activations", "output_activations")
    return (
        len(groups) == 1
        and not any(groups[0].get(key) for key in rounded)
        and not quantization.get("kv_cache_scheme")
    )


def _parameters(folder: Path) -> int:
    """How many numbers the model has, whatever few bits they are packed into."""
    config = transformers.AutoConfig.from_pretrained(folder, **NO_CODE)
    del config.quantization_config
    with torch.device("meta"):
        count: int = AutoModelForCausalLM.from_config(config, **NO_CODE).num_parameters()
    return count


def _place(spec: EngineSpec, base_dir: Path) -> Path:
    """The model's folder or GGUF file: an embedded one, a local one, or the hub's."""
    kind, _, name = spec.model.partition(":")
    if kind == "embedded":
        return embedded.path(log.info, name)
    inside = spec.options.get("gguf_file") or ""
    local = base_dir / Path(spec.model).expanduser()
    if local.suffix == ".gguf" and local.is_file():
        return local
    if local.is_dir():
        if inside and not (local / inside).is_file():
            raise BenchwarrantError(f"{local} has no file {inside}; check options.gguf_file")
        return local / inside
    if spec.model.startswith((".", "/", "~")):
        raise BenchwarrantError(f"there is no model folder {local}; check the path")
    with _clearly(
        spec,
        "check its name, the network and, for a gated model, HF_TOKEN; HF_HUB_OFFLINE=1 uses only"
        " what was downloaded before",
    ):
        return _from_hub(spec, inside) / inside


def _from_hub(spec: EngineSpec, gguf: str) -> Path:
    """The hub's folder of the model: the one downloaded before when it is whole, else fetched.

    All files at once and at one commit: asked for file by file, a dead network costs minutes.
    """
    wanted: dict[str, Any] = {
        "revision": spec.revision,
        "allow_patterns": [gguf] if gguf else MODEL_FILES,
        "ignore_patterns": THE_SAME_AGAIN,
    }
    try:
        folder = Path(snapshot_download(spec.model, local_files_only=True, **wanted))
        if (folder / gguf).is_file() if gguf else _whole(folder):
            return folder
    except LocalEntryNotFoundError:
        pass
    # Asked once, with a limit: what fetches the files tries six times, or waits without end.
    model_info(spec.model, revision=spec.revision, timeout=HUB_SECONDS)
    folder = Path(snapshot_download(spec.model, **wanted))
    if gguf and not (folder / gguf).is_file():
        raise ValueError(f"it has no file {gguf}: see options.gguf_file")
    return folder


def _whole(folder: Path) -> bool:
    try:
        checkpoints.read_config(folder)
        return bool(checkpoints.weight_files(folder))
    except BenchwarrantError:
        return False


def end_tokens(model: Any, tokenizer: Any) -> set[int]:
    """Every token that ends an answer, by the model's account and by the tokenizer's."""
    own = model.generation_config.eos_token_id
    ends = {*(own if isinstance(own, list) else [own]), tokenizer.eos_token_id} - {None}
    if not ends:
        raise BenchwarrantError(
            "the model names no end token; name one as eos_token in its tokenizer_config.json"
        )
    return ends
