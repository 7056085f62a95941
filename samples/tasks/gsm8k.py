"""GSM8K (Cobbe et al. 2021): word problems whose solution ends in ``#### answer``."""

import re

from samples.records import Item
from samples.tasks import TASKS, TaskData, TaskOptions
from samples.tasks.rows import Row, as_text, hub_file, items_from, read_rows

HUB_FILE = "main/{split}-00000-of-00001.parquet"
CALCULATOR_MARK = re.compile(r"<<[^<>]*>>")


def load(options: TaskOptions, task: str) -> TaskData:
    """The rows ``question`` and ``answer``; the worked solution is kept as the rationale."""
    path = options.path or hub_file(options, TASKS[task], HUB_FILE)
    return items_from(read_rows(path), lambda row: _item(row, options.name))


def _item(row: Row, name: str) -> Item:
    solution, mark, final = row.text("answer").rpartition("####")
    if not mark:
        raise row.error("'answer' has no '####' before the final answer")
    return Item(
        task=name,
        key=row.key(),
        question=row.text("question"),
        references=(as_text(row, "answer after '####'", final),),
        answer_type="number",
        meta={"rationale": CALCULATOR_MARK.sub("", solution).strip()},
    )
