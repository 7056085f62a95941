"""The texts that GPTQ is calibrated on: of a file, or of the train split of a study's tasks.

Never of the items that are asked: a model that was compressed to suit them would look better.
"""

from collections.abc import Sequence
from pathlib import Path
from random import Random

from inference.collect import task_options
from samples.errors import BenchwarrantError
from samples.records import Item
from samples.study import Study, load_study
from samples.tasks import shuffled, train_items
from samples.tasks.files import read_rows
from samples.tasks.rows import Row

ENOUGH = 512  # texts; more take longer and change little


def chosen(file: Path | None, study: Path) -> list[str]:
    """The texts of the file, or without one those of the study."""
    return from_file(file) if file else from_study(load_study(study))


def from_file(path: Path, seed: int = 0) -> list[str]:
    """The blocks of a .txt file, or the rows of another: 'text', or 'question' and 'answer'."""
    if path.suffix == ".txt":
        try:
            blocks = path.read_text(encoding="utf-8").split("\n\n")
        except (OSError, UnicodeDecodeError) as error:
            raise BenchwarrantError(f"--calibration: cannot read {path} ({error})") from None
        return _some([block.strip() for block in blocks if block.strip()], seed, str(path))
    if not path.is_file():
        raise BenchwarrantError(f"--calibration: there is no file {path}; check the path")
    return _some([_row_text(row) for row in read_rows(path)], seed, str(path))


def from_study(study: Study) -> list[str]:
    """Questions and worked answers of the train splits that the study's tasks have."""
    items = [
        item
        for block in study.task
        for item in train_items(task_options(study, block), block.kind or block.name)
    ]
    return _some([_item_text(item) for item in items], study.seed, "the tasks of the study")


def _some(texts: Sequence[str], seed: int, where: str) -> list[str]:
    if not texts:
        raise BenchwarrantError(
            f"{where}: no text to calibrate on; give a file with --calibration FILE, or exemplars ="
            " FILE in a [[task]] block"
        )
    return shuffled(texts, Random(seed))[:ENOUGH]


def _row_text(row: Row) -> str:
    if "text" in row.columns:
        return row.text("text")
    return f"{row.text('question')}\n\n{row.text('answer')}"


def _item_text(item: Item) -> str:
    options = "".join(f"\n{label}. {text}" for label, text in item.choices)
    rationale = f"{item.meta['rationale']} " if item.meta.get("rationale") else ""
    return f"{item.question}{options}\n\n{rationale}{item.reference}"
