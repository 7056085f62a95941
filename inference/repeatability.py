"""Ask some answered items again, under the same seed and settings, and see what changes.

Nobody promises the same text twice: batches, threads and servers move the last digits of a sum, and
a near tie between two tokens then falls the other way. So it is measured, model by model.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from random import Random
from typing import Any

from inference.asking import Chats, Job
from inference.collect import draws, engine_spec, open_model, sampling
from inference.engine import Completion, Engine
from samples.errors import BenchwarrantError
from samples.records import Event, Item, Response, as_row
from samples.store import Store
from samples.study import ModelBlock, Study
from samples.tasks import shuffled

KIND = "repeatability"  # of the event; judges/repeatability.py reads it

Answer = tuple[Job, Item, Response]


@dataclass(frozen=True)
class Again:
    """What one model is asked again, and what it said the first time."""

    block: ModelBlock
    answers: tuple[Answer, ...]


def choose(study: Study, store: Store, jobs: Sequence[Job], number: int) -> list[Again]:
    """``number`` answers of each model, drawn by the seed and spread over its tasks and strategies.

    A model with fewer answers is asked all of them again; one without any is left out.
    """
    chosen = []
    for block in study.model:
        mine = [_answered(store, job, study.seed) for job in jobs if job.block.name == block.name]
        in_turn = chain.from_iterable(zip_longest(*mine))
        answers = tuple(islice((answer for answer in in_turn if answer), number))
        if answers:
            chosen.append(Again(block, answers))
    return chosen


def _answered(store: Store, job: Job, seed: int) -> Iterator[Answer]:
    """A job's answers that have a text, in an order drawn by the seed."""
    for number in shuffled(range(job.wanted), Random(f"again/{seed}/{job.spec.id}")):
        draw, place = divmod(number, len(job.items))
        item = job.items[place]
        response = store.response(job.spec.id, item.id, draw)
        if response is not None and response.text is not None:
            yield job, item, response


def run(
    study: Study,
    store: Store,
    chosen: Iterable[Again],
    tick: Callable[[object], None],
    now: Callable[[], str],
    cluster: str | None = None,
) -> tuple[list[Event], dict[str, str]]:
    """Ask again; an event per model that could be asked, and why others could not, by name.

    The new texts are no responses of the study: they stand in the event, where they differ.
    """
    events: list[Event] = []
    failed: dict[str, str] = {}
    for again in chosen:
        try:
            with closing(open_model(study, again.block, cluster)) as engine:
                second = dict(_second(engine, again, tick))
                body = compared(again, second) | {"facts": engine.facts()}
        except BenchwarrantError as error:
            failed[again.block.name] = str(error)
            continue
        events.append(Event(KIND, again.block.name, body, now()))
        store.add(events[-1:])
    return events, failed


def _second(
    engine: Engine, again: Again, tick: Callable[[object], None]
) -> Iterator[tuple[str, Completion]]:
    """(response, what is said this time) of every answer, each draw with its own seed."""
    for draw in range(draws(again.block)):
        of_draw = [answer for answer in again.answers if answer[2].draw == draw]
        chats = Chats([(job, item) for job, item, _ in of_draw])
        if not of_draw:
            continue
        for done in engine.generate(chats, sampling(again.block, draw)):
            tick(done)
            yield of_draw[done.index][2].id, done


def compared(again: Again, second: dict[str, Completion]) -> dict[str, Any]:
    """What changed, as an event's body.

    ``n`` answers were compared; ``textless`` ones got no text this time (a server's refusal, say)
    and are not among them. ``texts`` holds the new text and finish of every answer that changed.
    """
    first = {response.id: response for _, _, response in again.answers}
    given = {key: done for key, done in second.items() if done.text is not None}
    return {
        "engine": as_row(engine_spec(again.block)),
        "sampling": as_row(sampling(again.block)),
        "n": len(given),
        "textless": len(first) - len(given),
        "responses": sorted(given),
        "texts": {
            key: {"text": done.text, "finish": done.finish}
            for key, done in given.items()
            if done.text != first[key].text
        },
    }


def line(event: Event) -> str:
    """What an event says, for the terminal."""
    body = event.body
    textless = f"; {body['textless']} got no text this time" if body["textless"] else ""
    return (
        f"{event.subject}: asked again with the same seed and settings, {len(body['texts'])} of"
        f" {body['n']} texts changed{textless}"
    )
