"""What the labelling page shows of a case. All of its text comes from outside and is only shown."""

import re
from dataclasses import dataclass

import streamlit as st

from annotator.passages import final_markdown, parts, shortened
from annotator.rendering import as_markdown, raw_html
from annotator.steps import steps
from annotator.turns import Desk, Progress
from samples.records import Item

# Streamlit leaves a hand's breadth free above and below, which a phone does not have.
STYLE = """<style>
.stMainBlockContainer { padding-top: 1.5rem; padding-bottom: 0; }
.stApp:has([data-testid="stTopNavLink"]) .stMainBlockContainer { padding-top: 4.5rem; }
[data-testid="stLayoutWrapper"]:has(> :is(.st-key-dock, .st-key-actions)) { position: sticky;
  bottom: 0; z-index: 10; }
[data-testid="stLayoutWrapper"]:has(> .st-key-dock) { bottom: 3.25rem; }
.st-key-dock { padding: 0.5rem 0; gap: 0.5rem; background: var(--bw-ground, Canvas);
  border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
.st-key-actions { min-height: 3.25rem; padding-bottom: 0.75rem; margin-top: -1rem;
  flex-wrap: nowrap; overflow-x: auto; background: var(--bw-ground, Canvas); }
.st-key-actions button { white-space: nowrap; }
.st-key-labels button { min-height: 3.25rem; min-width: 3.25rem; }
[data-testid="stCaptionContainer"] { opacity: 0.8; }  /* Streamlit's 0.6 is too pale to read */
.stMarkdown :is(p, li, td, th, h1, h2, h3, h4) { unicode-bidi: plaintext; }
.stMarkdown:has(table) { overflow-x: auto; }  /* a wide table moves, not the page */
.stMarkdown [style*="cc0000"] { color: inherit !important; }
@media (max-width: 640px) {  /* a phone: the row of actions can be pushed aside */
  .st-key-actions button, .st-key-labels button { padding: 0.25rem 0.5rem; }
}
[class*="st-key-final-"] { border-left: 4px solid #d97706; padding: 0.25rem 0 0.25rem 0.75rem;
  background: color-mix(in srgb, #f59e0b 12%, transparent); }
</style>"""
# Streamlit takes a key that is held down for many presses, which would label cases that nobody has
# seen; it keeps the next case where the last one was scrolled to; a note's field keeps the keys,
# and from the key that opens it on, keys are waiting for the field: none may label.
SCRIPT = """<script>
document.documentElement.style.setProperty("--bw-ground",
  getComputedStyle(document.querySelector(".stApp")).backgroundColor);
if (!window.benchwarrantKeys) {
  window.benchwarrantKeys = {waiting: 0, note: null};
  let shown = "";
  new MutationObserver(() => {  // a case is on screen when its buttons are
    const button = document.querySelector(".st-key-labels > *");
    if (!button || button.className === shown) return;
    shown = button.className;
    document.querySelector("[data-testid=stMain]").scrollTo(0, 0);
  }).observe(document.body, {childList: true, subtree: true});
  window.addEventListener("keydown", (event) => {
    const field = event.target.closest("input, textarea");
    if (field && event.key === "Escape") field.blur();
    if (field || event.ctrlKey || event.altKey) return;
    const keys = window.benchwarrantKeys, waits = performance.now() < keys.waiting;
    if (event.key.toLowerCase() === "KEY" && document.querySelector(".st-key-do-note"))
      keys.waiting = performance.now() + 3000;
    if (!event.repeat && !waits) return;
    event.stopImmediatePropagation();
    if (waits || event.target.closest("button")) event.preventDefault();
  }, true);
}
</script>"""
# Once for each time that the note is opened; its field may come a moment later than this.
FOCUS = """<script>{
  const look = (times) => {
    const field = document.querySelector(".st-key-FIELD textarea");
    if (!field && times) return setTimeout(look, 30, times - 1);
    field?.focus();
    window.benchwarrantKeys.waiting = 0;
  };
  if (window.benchwarrantKeys.note !== NUMBER) look(100);
  window.benchwarrantKeys.note = NUMBER;
}</script>"""
HELP = {
    "undo": "take the last answer back; again for the one before",
    "skip": "put the case off; it comes back at the end",
    "flag": "tell the lead that something is wrong with this case",
    "note": "write a note; Esc leaves the field",
    "help": "show or hide this help",
    "raw": "the text exactly as it was written, or laid out",
    "rest": "all of a long answer",
    "unsure": "how sure you are; the next level at each press",
    "cannot judge": "the case cannot be judged at all",
}


@dataclass(frozen=True)
class View:
    """How a person wants to see the case."""

    raw: bool
    all: bool


def progress(seen: Progress, saved: str | None, problem: str | None) -> None:
    total = seen.done + seen.left
    words = [f"{seen.done} of {total} done"]
    if seen.skipped:
        words.append(f"{seen.skipped} skipped, for the end")
    if saved:
        words.append(f"✓ {as_words(saved)}")
    st.progress(seen.done / total if total else 1.0, " · ".join(words))
    if problem is not None:
        st.error("Not saved. The case is still here; try again, or tell whoever runs the study.")
        st.text(problem)


def rubric(desk: Desk, *, opened: bool, help_: bool) -> None:
    st.markdown(f"**{as_words(desk.rubric.question)}**")
    if help_:
        keys = desk.annotation.all_keys(desk.rubric.labels)
        st.markdown(
            " · ".join(f"**{key}** {as_words(HELP.get(name, name))}" for name, key in keys.items())
        )
    if desk.rubric.guidance.strip():
        with st.expander("Guidance", expanded=opened or help_):
            st.markdown(desk.rubric.guidance)


def finished(seen: Progress) -> None:
    done = seen.done
    st.success(
        f"Finished: nothing is left that needs you. You have labelled {done}; thank you. Cases that"
        " somebody else puts down come here when you reload the page."
    )


def case(desk: Desk, item: Item, text: str, view: tuple[int, View]) -> int:
    """Question and reference beside the answer; returns how many steps the answer has."""
    number, how = view
    left, right = st.columns(2, gap="medium")
    with left:
        _box("Question", item.question, how)
        if item.choices:
            _box(
                "Choices", "\n".join(f"- {label}. {choice}" for label, choice in item.choices), how
            )
        _box("Reference answer", "\n\nor: ".join(_reference(item, x) for x in item.references), how)
    with right:
        if desk.annotation.steps and not how.raw:
            return _steps(text)
        _answer(item, text, number, how)
    return len(steps(text)) if desk.annotation.steps else 0


def _reference(item: Item, reference: str) -> str:
    """The letter of a choice with its words, so that nobody has to look it up."""
    words = dict(item.choices).get(reference)
    return reference if words is None else f"{reference}. {words}"


def _box(title: str, text: str, how: View) -> None:
    """One element each: what the browser has to put up anew is what a case costs in time."""
    if how.raw:
        st.html(f"<h6>{title}</h6>{raw_html(text)}")
    else:
        st.markdown(f"###### {title}\n\n{as_markdown(text)}", anchors=False)


def _answer(item: Item, text: str, number: int, how: View) -> None:
    """The passage with the final answer stands out; of a long text it comes first."""
    title = "Answer to judge"
    if not text.strip():
        st.markdown(f"###### {title}", anchors=False)
        st.info("It is empty: there is no text here.")
        return
    found = parts(text, item)
    seen = shortened(found)
    if how.raw or (how.all and seen.raw):
        start = len(found.before)
        span = found.span and (start + found.span[0], start + found.span[1])
        st.html(f"<h6>{title}</h6>{raw_html(text, span)}")
        return
    if not how.all and seen.hidden:
        found = seen.parts
        title += f": its end, {seen.hidden:,} characters are left out"
    before = as_markdown(found.before) if found.before.strip() else ""
    st.markdown(f"###### {title}\n\n{before}", anchors=False)
    with st.container(key=f"final-{number}" if found.marked else f"last-{number}", gap=None):
        st.markdown(final_markdown(found), anchors=False)
    if found.after.strip():
        st.markdown(as_markdown(found.after), anchors=False)


def _steps(text: str) -> int:
    """Each step with its number."""
    found = steps(text)
    st.markdown("###### Answer to judge, step by step", anchors=False)
    for number, step in enumerate(found, start=1):
        with st.container(horizontal=True, gap="small"):
            st.markdown(f"**{number}**", width="content")
            with st.container():
                st.markdown(as_markdown(step), anchors=False)
    return len(found)


def style() -> None:
    """How all pages look."""
    st.html(STYLE)


def script(note: str = "") -> None:
    """Run once in the browser; ``note`` is the key that opens the note.

    Nothing from outside stands in it.
    """
    st.html(SCRIPT.replace("KEY", note), unsafe_allow_javascript=True)


def focus(field: str, number: int) -> None:
    """Put the cursor into a field; another number does so again."""
    made = FOCUS.replace("NUMBER", str(number)).replace("FIELD", field)
    st.html(made, unsafe_allow_javascript=True)


def minute(at: str) -> str:
    """An ISO time to the minute."""
    return at[:16].replace("T", " ")


def cell(text: str) -> str:
    """Text from outside in a cell of a table, or anywhere that has one line."""
    return as_words(" ".join(text.split()))


def as_words(text: str) -> str:
    """Text in a place that reads Markdown, escaped so that it shows as it is."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)
