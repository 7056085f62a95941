"""A judge at its desk in the full run: it grades what has been collected, and what still comes.

Answers are rows of the study before anybody grades them, and the judge follows the rows as they
come. So nothing is handed over in memory, and a kill on either side loses nothing.
"""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from threading import Event as Signal

from inference.engine import COMPUTING
from inference.ledger import Purse
from judges import grade
from judges.batch_journal import BATCHED
from judges.costs import PROVIDERS, Books, asked
from judges.judge import Judge
from judges.panel import members_of
from samples.errors import BenchwarrantError, Refused
from samples.records import Rubric, Spec, Verdict
from samples.store import Store, Ungraded
from samples.study import JudgeBlock, Study

log = logging.getLogger(__name__)

LOOK = 0.5  # seconds between two looks for new answers
TRIES = 3  # times in a row that a judge may break off without a verdict between them
PAUSE = 30.0  # seconds until it is asked again


class Halted(Exception):
    """Somebody ended the run: whoever meets it saves what is finished and leaves."""


@dataclass
class Halt:
    """The end of a run before its time, for all its threads, and why; no reason is Ctrl-C."""

    signal: Signal = field(default_factory=Signal)
    reason: BaseException | None = None

    def __call__(self, reason: BaseException | None = None) -> None:
        if not self.signal.is_set():
            self.reason = reason
            self.signal.set()

    def check(self) -> None:
        if self.signal.is_set():
            raise Halted


@dataclass(frozen=True)
class Office:
    """What all the judges of a run share. ``collected`` is set when no answer comes any more."""

    study: Study
    tick: Callable[[object], None]  # once per verdict
    now: Callable[[], str]
    purse: Purse
    halt: Halt = field(default_factory=Halt)
    collected: Signal = field(default_factory=Signal)
    pause: float = PAUSE


@dataclass
class Desk:
    """One judge, the answers that it grades, and how far it has come."""

    block: JudgeBlock
    spec: Spec
    asked: Ungraded
    rubric: Rubric  # as it was when the run began, whatever becomes of the guidance's file
    looked: int = 0  # how far down the responses
    given: int = 0  # verdicts
    stopped: BenchwarrantError | None = None

    def takes_turns(self, study: Study) -> bool:
        """Whether it computes on this machine, so that it waits until no model runs here."""
        return any(block.engine in COMPUTING for block in asked(study, [self.block]))

    def grade(self, office: Office, store: Store, at_once: bool = False) -> None:
        """Grade all there is and, but ``at_once``, all that comes until everything is collected.

        Where the judge breaks off it is asked again after a pause; where it does so `TRIES` times
        in a row it stops, and the models go on. One that breaks off before it has given anything
        ends the run: something is wrong with it that nobody should pay models for to learn.
        """
        idle = 0
        while True:
            before = self.given
            try:
                return self._follow(office, store, at_once)
            except Halted:
                return None
            except BenchwarrantError as error:
                idle = 1 if self.given > before else idle + 1
                if not self.given:
                    office.halt(error)
                if office.halt.signal.is_set() and self.given:
                    return None
                if isinstance(error, Refused) or not self.given or idle == TRIES:
                    self.stopped = error
                    log.warning("judge %s stopped: %s", self.spec.name, error)
                    return None
                log.warning("judge %s broke off and is asked again: %s", self.spec.name, error)
                office.halt.signal.wait(office.pause)

    def _follow(self, office: Office, store: Store, at_once: bool) -> None:
        study = office.study
        books = Books("verdict", office.now, office.purse, stop=office.halt.signal)
        known: dict[str, dict[str, tuple[str | None, str | None]]] = {}
        judge: Judge | None = None
        most, least = self._heap(study)
        with ExitStack() as stack:
            while True:
                office.halt.check()
                # Before the look: what comes between the two would never be seen.
                is_last = at_once or office.collected.is_set()
                found, looked = store.ungraded(self.asked, self.looked, most)
                if found and (is_last or len(found) >= least):
                    for member in members_of(self.spec):
                        known[member.name] = store.judged(member.id, self.rubric.id, found)
                    if judge is None:
                        opened = grade.open_block(study, store, self.block, self.spec, known, books)
                        judge = stack.enter_context(opened)
                    docket = grade.Docket(self.block, self.spec, tuple(found), len(found))
                    own = partial(grade.tick_own, self.spec.id, partial(self._count, office))
                    grade.put(docket, judge, (study, store, self.rubric), own, books)
                    office.halt.check()  # what it left out then is no verdict missing
                    self.looked = looked
                elif is_last:
                    return
                else:
                    office.halt.signal.wait(LOOK)

    def _count(self, office: Office, verdict: Verdict) -> None:
        self.given += 1
        office.tick(verdict)
        office.halt.check()

    def _heap(self, study: Study) -> tuple[int, int]:
        """How many answers it takes at a time: at most, and at least while more may come."""
        if any(block.batch for block in asked(study, [self.block])):
            return BATCHED, BATCHED  # a batch takes its time, whatever its size
        if self.block.engine in PROVIDERS:  # which are read one by one
            return BATCHED, 1
        return grade.chunk(study, self.block), 1
