"""What a model says aloud: its text without the thoughts that reasoning models write down."""

import re

TAG = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)
OPENED = re.compile(r"<think(?:ing)?>\s*\Z", re.IGNORECASE)


def spoken(text: str, prompt: str | None = None) -> str:
    """The text without its think blocks: what raters and judges see. The record keeps it whole.

    A block that is never closed means that the model did not get beyond its thoughts: then there is
    no answer, and none is guessed. Where the chat template opens the block at the end of the prompt
    the text has only its end; so what stands before an end without a beginning is thought too.
    """
    tags = list(TAG.finditer(text)) if "<" in text else []
    thinking = bool(prompt and OPENED.search(prompt[-40:]))
    if not tags and not thinking:
        return text
    said: list[str] = []
    start = 0
    for tag in tags:
        if tag[1] == "/":
            if not thinking:
                said.clear()
            start, thinking = tag.end(), False
        elif not thinking:
            said.append(text[start : tag.start()])
            thinking = True
    return "" if thinking else "".join([*said, text[start:]]).strip()
