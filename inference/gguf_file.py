"""A GGUF file, unpacked into an ordinary model in memory."""

from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any


def read(file: Path, dtype: Any) -> tuple[Any, Any]:
    """The model, its blocks unpacked to ``dtype``, and its tokenizer with the chat template.

    Not AutoModelForCausalLM.from_pretrained(gguf_file=...): that needs accelerate, and what it
    loads counts as quantised and refuses to be saved.
    """
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    where: dict[str, Any] = {
        "pretrained_model_name_or_path": file.parent,
        "gguf_file": file.name,
        "trust_remote_code": False,
    }
    with redirect_stderr(StringIO()):  # the library's own progress bars
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(**where), dtype=dtype)
        tensors = load_gguf_checkpoint(
            file, return_tensors=True, model_to_load=model, torch_dtype=dtype
        )["tensors"]
        absent, unknown = model.load_state_dict(tensors, strict=False)
        if unknown or set(absent) - set(model.all_tied_weights_keys):
            raise ValueError(f"it lacks {absent} and holds {unknown}, which have no place")
        return model, AutoTokenizer.from_pretrained(**where)
