"""Compressed variants of a model as checkpoint folders, which transformers and vLLM load.

int8 is written in the pack-quantized form of compressed-tensors (8-bit weights, one scale a row)
and holds the values that ``options.compress = "int8"`` gives in memory. A pruned model is an
ordinary checkpoint. GPTQ (Frantar et al. 2023) is GPT-QModel's work.
"""

import json
import os
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors import SafetensorError

from inference.checkpoints import weight_files
from inference.compress import METHODS, compress, int8_scale, linear_layers
from inference.engine import EngineSpec
from inference.loading import Loaded, load_model
from samples.errors import BenchwarrantError
from samples.registry import check_known

GROUPS = (128, 64, 32)  # how many weights of a row share a scale in GPTQ: the usual first


@dataclass(frozen=True)
class Variant:
    """What was done to a model, as told and as kept beside the weights."""

    model: str
    method: str
    commit: str | None  # of a model from the hub
    matrices: int
    share_touched: float  # of all parameters
    bytes_before: int
    bytes_after: int = 0


Writer = Callable[[Loaded, Path], None]


def write(spec: EngineSpec, out: Path, method: str, texts: Callable[[], list[str]]) -> Variant:
    """Write the compressed model to the new folder ``out``: whole, or not at all.

    ``texts`` gives what GPTQ is calibrated on, and is asked only then.
    """
    if out.exists():
        raise BenchwarrantError(f"{out} exists already; give the name of a new folder")
    writer = _writer(method, texts)
    loaded = load_model(spec, spec.dtype, torch.device("cpu"), Path())
    if loaded.quantization:
        raise BenchwarrantError(
            f"the model {spec.model!r} is quantised already; compress the one it was made from"
        )
    layers = [layer for _, layer in linear_layers(loaded.model)]
    variant = Variant(
        model=spec.model,
        method=method,
        commit=loaded.folder.name if loaded.folder.parent.name == "snapshots" else None,
        matrices=len(layers),
        share_touched=sum(layer.weight.numel() for layer in layers) / loaded.parameters,
        bytes_before=loaded.weights_bytes,
    )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as making:
            made = Path(making) / "made"
            writer(loaded, made)
            variant = replace(
                variant, bytes_after=sum(f.stat().st_size for f in weight_files(made))
            )
            (made / "COMPRESSION.json").write_text(json.dumps(asdict(variant), indent=2) + "\n")
            made.rename(out)
    except (OSError, SafetensorError) as error:
        raise BenchwarrantError(f"cannot write {out} ({error}); nothing was kept") from error
    return variant


def _writer(method: str, texts: Callable[[], list[str]]) -> Writer:
    """What writes that method's checkpoint; a mistake is found before anything is loaded."""
    name, _, argument = method.partition("-")
    check_known("compression", name, METHODS | {"gptq": None})
    if name == "gptq":
        if argument not in ("4", "8"):
            raise BenchwarrantError(f"compress: {method!r} is not known; write gptq-8 or gptq-4")
        if not find_spec("gptqmodel"):
            raise BenchwarrantError(
                f"{method} needs gptqmodel, and a GPU for all but tiny models; install them with"
                " `pip install 'benchwarrant[gptq]'`"
            )
        return partial(_write_gptq, bits=int(argument), texts=texts())
    METHODS[name](argument)
    if name == "int8" and not find_spec("compressed_tensors"):
        raise BenchwarrantError(
            "int8 needs compressed-tensors; install it with `pip install 'benchwarrant[quantised]'`"
        )
    return partial(_write_int8 if name == "int8" else _write_changed, method=method)


def _write_changed(loaded: Loaded, folder: Path, method: str) -> None:
    """An ordinary checkpoint of the changed weights."""
    compress(loaded.model, method)
    loaded.model.save_pretrained(folder)
    loaded.tokenizer.save_pretrained(folder)


def _write_int8(loaded: Loaded, folder: Path, method: str) -> None:
    from compressed_tensors.compressors import ModelCompressor
    from compressed_tensors.quantization import (
        QuantizationArgs,
        QuantizationConfig,
        QuantizationScheme,
        apply_quantization_config,
    )

    model, change, scales = loaded.model, METHODS[method](""), {}
    for name, layer in linear_layers(model):
        weight = layer.weight.detach()
        scales[name] = int8_scale(weight)
        layer.weight.data = change(weight)  # whole steps in float32, which packing finds again
    linear = [name for name, layer in model.named_modules() if isinstance(layer, torch.nn.Linear)]
    weights = QuantizationArgs(num_bits=8, type="int", symmetric=True, strategy="channel")
    config = QuantizationConfig(
        config_groups={"group_0": QuantizationScheme(targets=["Linear"], weights=weights)},
        ignore=[name for name in linear if name not in scales],
    )
    with redirect_stderr(StringIO()):  # the library's own progress bars
        apply_quantization_config(model, config)
        for name, scale in scales.items():
            model.get_submodule(name).weight_scale.data.copy_(scale)
        compressor = ModelCompressor.from_pretrained_model(model)
        compressor.compress_model(model)
        for name, scale in scales.items():
            model.get_submodule(name).weight_scale.data = scale
        model.save_pretrained(folder)
    compressor.update_config(folder)
    loaded.tokenizer.save_pretrained(folder)


def _write_gptq(loaded: Loaded, folder: Path, bits: int, texts: list[str]) -> None:
    widths = {layer.in_features for _, layer in linear_layers(loaded.model)}
    groups = [size for size in GROUPS if all(width % size == 0 for width in widths)]
    if not groups or not (loaded.folder / "config.json").is_file():
        raise BenchwarrantError(
            "gptq needs a model of *.safetensors files whose matrices are a multiple of 32 wide"
        )
    if (os.cpu_count() or 1) < 3:  # its own reckoning gives one worker, and then asks for two
        os.environ.setdefault("GPTQMODEL_CPU_WORKERS", "2")
    from gptqmodel import GPTQModel, QuantizeConfig

    config = QuantizeConfig(bits=bits, group_size=groups[0])
    model = GPTQModel.load(str(loaded.folder), config, trust_remote_code=False)
    model.quantize(texts, tokenizer=loaded.tokenizer)
    model.save(str(folder))
    loaded.tokenizer.save_pretrained(folder)


def block(variant: Variant, out: Path) -> str:
    """The [[model]] block of the variant, to be pasted into a study file."""
    parent = variant.model.rpartition("/")[2].rpartition(":")[2].lower()
    return "\n".join(
        [
            "[[model]]",
            f"name = {json.dumps(out.name)}",
            f"model = {json.dumps(str(out.resolve()))}",
            f"parent = {json.dumps(parent)}  # the name of the block with {variant.model}",
            f"compression = {json.dumps(variant.method)}",
        ]
    )
