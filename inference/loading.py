"""From a model's name to its weights in memory: an embedded model, a folder, or the hub's."""

import logging
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

import torch
import transformers
from huggingface_hub import snapshot_download
from transformers import AutoModelForCausalLM, AutoTokenizer

from inference import embedded
from inference.engine import EngineSpec
from samples.errors import BenchwarrantError
from samples.registry import find

log = logging.getLogger(__name__)
transformers.logging.set_verbosity_error()  # its advice and bars would tear our own bar apart
transformers.logging.disable_progress_bar()
logging.getLogger("huggingface_hub").setLevel(logging.ERROR)

DTYPES: dict[str, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


@dataclass(frozen=True)
class Loaded:
    """A model that is ready to run, its tokenizer, and the folder that they came from."""

    model: Any
    tokenizer: Any
    folder: Path


def load_model(spec: EngineSpec, dtype: str, device: torch.device, base_dir: Path) -> Loaded:
    """Load what the spec names; a relative folder is seen from ``base_dir``."""
    wanted = find("dtype", dtype, DTYPES)
    no_code: dict[str, Any] = {"trust_remote_code": False}  # nor a question about it
    try:
        folder = _folder(spec, base_dir)
        tokenizer = AutoTokenizer.from_pretrained(folder, **no_code)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=wanted, **no_code)
    except (OSError, ValueError, ImportError) as error:
        raise BenchwarrantError(
            f"cannot load the model {spec.model!r} ({shorten(str(error), 200)}); check its "
            "name, the network and, for a gated model, HF_TOKEN; HF_HUB_OFFLINE=1 uses only "
            "what was downloaded before"
        ) from error
    return Loaded(model.to(device).eval(), tokenizer, folder)


def _folder(spec: EngineSpec, base_dir: Path) -> Path:
    """The model's folder: an embedded one, a local one, or the hub's, fetched where needed."""
    kind, _, name = spec.model.partition(":")
    if kind == "embedded":
        return embedded.path(log.info, name)
    folder = base_dir / Path(spec.model).expanduser()
    if folder.is_dir():
        return folder
    if spec.model.startswith((".", "/", "~")):
        raise BenchwarrantError(f"there is no model folder {folder}; check the path")
    # All at once and at one commit: asked for file by file, a dead network costs minutes.
    return Path(
        snapshot_download(
            spec.model,
            revision=spec.revision,
            allow_patterns=["*.json", "*.jinja", "*.model", "*.safetensors", "*.txt"],
            ignore_patterns=["consolidated*", "onnx/*", "original/*"],  # the weights once more
        )
    )


def end_tokens(model: Any, tokenizer: Any) -> set[int]:
    """Every token that ends an answer, by the model's account and by the tokenizer's."""
    own = model.generation_config.eos_token_id
    ends = {*(own if isinstance(own, list) else [own]), tokenizer.eos_token_id} - {None}
    if not ends:
        raise BenchwarrantError(
            "the model names no end token; name one as eos_token in its tokenizer_config.json"
        )
    return ends
