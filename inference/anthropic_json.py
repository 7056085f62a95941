"""The two ways to have a Claude model answer in JSON: its output format, and a tool's input."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from samples.records import canonical_json

TOOL = "give_verdict"
NO_FORMAT = re.compile(r"400: .*(\boutput_(config|format)\b|[Ss]tructured output)")


def with_format(body: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """A request for JSON by the schema; a format of the options' own stays."""
    wanted = {"format": {"type": "json_schema", "schema": dict(schema)}}
    return body | {"output_config": wanted | (body.get("output_config") or {})}


def as_tool(schema: Mapping[str, Any]) -> dict[str, Any]:
    """For models without an output format: a tool that has to be called, with the JSON as input."""
    tool = {
        "name": TOOL,
        "description": "Give the verdict that is asked for.",
        "input_schema": dict(schema),
    }
    return {"tools": [tool], "tool_choice": {"type": "tool", "name": TOOL}}


def tool_inputs(content: Sequence[Mapping[str, Any]]) -> list[str]:
    """The JSON of each call; two calls are two verdicts, which in a row are no JSON any more."""
    calls = [block for block in content if block.get("type") == "tool_use"]
    return [canonical_json(call.get("input")) for call in calls if call.get("name") == TOOL]
