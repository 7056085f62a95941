"""What is known of a model beside its name: its family, its size, and how it was compressed.

The catalogue's entry says it where a [[model]] block names one, or an imported model has the name
of one; else the names say it, by the rules below.
"""

import re
from typing import NamedTuple

from inference.families import family
from samples.study import Study, catalogue

SIZE = re.compile(r"(?<![\d.a-z])((?:\d+x)?\d+(?:\.\d+)?)\s?([bm])(?![a-z0-9])", re.IGNORECASE)
COMPRESSIONS = (
    ("pruned", re.compile(r"prun|spars|2of4|wanda", re.IGNORECASE)),
    (
        "quantised",
        re.compile(
            r"gptq|awq|gguf|bnb|quant|fp8|int[48]|w[48]a\d+|q\d_|[48][-_ ]?bit", re.IGNORECASE
        ),
    ),
    ("distilled", re.compile(r"distil", re.IGNORECASE)),
)
NONE = "none"


class Lineage(NamedTuple):
    """An empty size is not known."""

    family: str
    size: str
    compression: str


def lineage(model: str, study: Study) -> Lineage:
    """Of a model that was audited, by the name that it has in the study."""
    block = next((block for block in study.model if block.name == model), None)
    listed = catalogue().get((block.entry if block else None) or model)
    if listed is not None:
        return Lineage(listed["family"], listed["size"], listed["compression"])
    runs = block.model if block and block.engine != "replay" else None
    names = [name for name in (model, runs) if name]
    said = f"{block.compression or ''} {runs or ''} {model}" if block else model
    found = next((kind for kind, words in COMPRESSIONS if words.search(said)), NONE)
    if found == NONE and block and block.compression not in (None, "", NONE):
        found = str(block.compression)
    return Lineage(family(runs or model), next(filter(None, map(_size, names)), ""), found)


def _size(name: str) -> str:
    """ "13B" in "llama2-13b-chat"; empty where no number of parameters stands in the name."""
    found = SIZE.search(name)
    return f"{found[1].lower()}{found[2].upper()}" if found else ""
