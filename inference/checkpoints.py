"""What a model folder holds, looked at before anything is loaded: a fault has one clear line."""

import json
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from samples.errors import BenchwarrantError

# What transformers needs to load each kind of quantised checkpoint: the package to install, and
# the module that shows that it is there (read in transformers/quantizers of 5.23). Any other
# kind is left to the library's own words.
BACK_ENDS: dict[str, dict[str, str]] = {
    "gptq": {"gptqmodel": "gptqmodel", "optimum": "optimum"},
    "awq": {"gptqmodel": "gptqmodel", "accelerate": "accelerate"},
    "compressed-tensors": {"compressed-tensors": "compressed_tensors"},
    "bitsandbytes": {"bitsandbytes": "bitsandbytes", "accelerate": "accelerate"},
    "torchao": {"torchao": "torchao"},
    "fp8": {"accelerate": "accelerate"},
}


def read_config(folder: Path) -> dict[str, Any]:
    """The folder's config.json."""
    file = folder / "config.json"
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _fault(folder, "there is no config.json, so it is at most part of one") from None
    except (OSError, ValueError) as error:
        raise _fault(folder, f"config.json cannot be read: {error}") from None
    if not isinstance(config, dict):
        raise _fault(folder, "config.json holds no table of settings")
    return config


def weight_files(folder: Path) -> list[Path]:
    """The files of the weights, all there and whole; only their headers are read."""
    from safetensors import SafetensorError, safe_open

    files = _named_in_index(folder) or sorted(folder.glob("*.safetensors"))
    if not files:
        raise _fault(folder, "it has no weights (*.safetensors)")
    if missing := [file.name for file in files if not file.is_file()]:
        raise _fault(folder, f"{missing[0]} is missing ({len(missing)} of {len(files)} files are)")
    for file in files:
        try:
            with safe_open(file, framework="pt"):  # it compares the header with the file's size
                pass
        except (SafetensorError, OSError) as error:
            raise _fault(folder, f"{file.name} is damaged or half downloaded: {error}") from None
    return files


def _named_in_index(folder: Path) -> list[Path]:
    """The files that weights in several files are listed in; none where one file holds all."""
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return []
    try:
        names = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        return [folder / name for name in sorted(set(names))]
    except (ValueError, LookupError, TypeError, AttributeError):
        raise _fault(folder, f"{index.name} is damaged") from None


def _fault(folder: Path, what: str) -> BenchwarrantError:
    return BenchwarrantError(f"cannot load the model in {folder} ({what}); {again(folder)}")


def again(folder: Path) -> str:
    """How to get a whole copy: the hub's cache keeps what it has until the folder is gone."""
    if folder.parent.name == "snapshots":
        return f"delete {folder.parent.parent} and run the same command again to fetch it"
    return "check the path, or copy the model there again"


def quantisation(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """The quantization_config of a quantised checkpoint, its method named as in BACK_ENDS."""
    found = config.get("quantization_config")
    if not isinstance(found, dict):
        return None
    bits = "load_in_8bit" in found or "load_in_4bit" in found
    return found | {"quant_method": found.get("quant_method", "bitsandbytes" if bits else None)}


def check_back_end(
    model: str, method: str | None, module: Callable[[str], object] = find_spec
) -> None:
    """A quantised checkpoint whose packages are missing is refused with their names."""
    packages = BACK_ENDS.get(method or "", {})
    missing = [package for package, name in packages.items() if module(name) is None]
    if missing:
        raise BenchwarrantError(
            f"the model {model!r} is quantised with {method}, which needs {' and '.join(missing)};"
            f" install it with `pip install {' '.join(missing)}`"
        )
