"""Several judges, one verdict: by majority, by weighted vote, or one after the other (cascade).

A panel has no opinion of its own: its verdict follows from what its members said of the case, and
what they said before is not asked, or paid for, again.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event
from typing import Any

from judges.answers import require_texts
from judges.judge import Judge, open_judge
from samples.records import Case, Spec, Verdict

Said = tuple[str | None, str | None]  # value and failure, one of them None
TIE = 1e-9  # of sums of logarithms


class PanelJudge:
    """Asks its members what they have not said, and gives a verdict once that settles the case."""

    def __init__(self, spec: Spec, run: Mapping[str, Any]) -> None:
        self.spec = spec
        self._members = members_of(spec)
        self._run: Mapping[str, Any] = run.get("members", {})
        self._known: Mapping[str, Mapping[str, Said]] = run.get("known", {})
        self._opened: dict[str, Judge] = {}

    def judge(self, cases: Sequence[Case]) -> Iterator[Verdict]:
        require_texts(self.spec.name, cases)
        waiting = {case.response.id: case for case in cases}
        said: dict[str, dict[str, Said]] = {response: {} for response in waiting}
        in_turn = self.spec.body["how"] == "cascade"
        for members in [[one] for one in self._members] if in_turn else [self._members]:
            for name, response, ruling, new in self._hear(members, list(waiting.values())):
                if new is not None:
                    yield new
                said[response][name] = ruling
                if self._settled(said[response]):
                    yield self._verdict(waiting.pop(response), said[response])

    def close(self) -> None:
        for judge in self._opened.values():
            judge.close()
        self._opened = {}

    def _hear(
        self, members: Sequence[Spec], cases: Sequence[Case]
    ) -> Iterator[tuple[str, str, Said, Verdict | None]]:
        """(member, response, what it says, the verdict if it is new), old ones first."""
        asked = []
        for member in members:
            known, unasked = self._known.get(member.name, {}), []
            for case in cases:
                if case.response.id in known:
                    yield member.name, case.response.id, known[case.response.id], None
                else:
                    unasked.append(case)
            if unasked:
                if member.name not in self._opened:
                    self._opened[member.name] = open_judge(member, self._run.get(member.name, {}))
                asked.append(self._opened[member.name].judge(unasked))
        for verdict in at_once(asked, self._stop_waiting):
            yield verdict.judge, verdict.response, (verdict.value, verdict.failure), verdict

    def _stop_waiting(self) -> None:
        """Have no member wait for a batch any more, which may take a day."""
        for run in self._run.values():
            if "journal" in run:
                run["journal"].stopped.set()

    def _settled(self, said: Mapping[str, Said]) -> bool:
        """Whether nobody else need be asked."""
        if self.spec.body["how"] == "cascade" and any(
            value is not None for value, _ in said.values()
        ):
            return True
        return len(said) == len(self._members)

    def _verdict(self, case: Case, said: Mapping[str, Said]) -> Verdict:
        body = self.spec.body
        said = {one.name: said[one.name] for one in self._members if one.name in said}
        value, failure = ruling(said, body.get("weights"), len(case.rubric.labels))
        words = "; ".join(f"{name}: {what or why}" for name, (what, why) in said.items())
        meta: dict[str, Any] = {
            "said": {
                name: {"failure": why} if what is None else {"value": what}
                for name, (what, why) in said.items()
            }
        }
        if body["how"] == "cascade" and value is not None:
            meta["decided_by"] = list(said)[-1]
        return Verdict(
            response=case.response.id,
            rubric=case.rubric.id,
            judge=self.spec.name,
            spec=self.spec.id,
            value=value,
            failure=failure,
            reason=words,
            meta=meta,
        )


def at_once(
    streams: Sequence[Iterator[Verdict]], stop: Callable[[], None] = lambda: None
) -> Iterator[Verdict]:
    """What several judges say, as soon as one says it: none waits for another's slow case.

    An accident of one is raised after the others have finished, for what they say is paid for.
    ``stop`` is called where nobody listens any more.
    """
    if len(streams) == 1:  # the caller's own thread will do
        yield from streams[0]
        return
    heard: SimpleQueue[Verdict | BaseException | None] = SimpleQueue()
    nobody_listens = Event()

    def listen(stream: Iterator[Verdict]) -> None:
        try:
            for verdict in stream:
                heard.put(verdict)
                if nobody_listens.is_set():
                    break
            heard.put(None)
        except BaseException as error:
            heard.put(error)

    accidents: list[BaseException] = []
    with ThreadPoolExecutor(max(1, len(streams))) as pool:
        try:
            running = [pool.submit(listen, stream) for stream in streams]
            while running:
                got = heard.get()
                if isinstance(got, Verdict):
                    yield got
                    continue
                running.pop()
                accidents += [got] if got else []
        except BaseException:  # the listener's own, such as Ctrl-C
            stop()
            raise
        finally:
            nobody_listens.set()
    if accidents:
        raise accidents[0]


def panel_judge(spec: Spec, run: Mapping[str, Any]) -> PanelJudge:
    """The judge of kind "panel"; ``run`` holds its members' settings and what they have said."""
    return PanelJudge(spec, run)


def members_of(spec: Spec) -> list[Spec]:
    """The panel's members as judges of their own, in the order in which they are asked."""
    return [Spec("judge", one["name"], one["body"]) for one in spec.body.get("members", ())]


def ruling(said: Mapping[str, Said], weights: Mapping[str, float] | None, labels: int) -> Said:
    """The value with the most votes; a tie is a failure, and who has failed has no vote.

    With ``weights`` p a vote counts log((K − 1) p / (1 − p)), K the number of labels: for two
    labels the log-odds, which decide best where members err independently (Nitzan and Paroush
    1982).
    """
    votes: dict[str, float] = {}
    for name, (value, _) in said.items():
        if value is not None:
            p = weights[name] if weights else 0.0
            vote = math.log((labels - 1) * p / (1 - p)) if weights else 1.0
            votes[value] = votes.get(value, 0.0) + vote
    if not votes:
        return None, next(failure for _, failure in said.values())
    most = max(votes.values())
    first, *rest = [value for value, sum_ in votes.items() if most - sum_ < TIE]
    return (None, "ambiguous") if rest else (first, None)
