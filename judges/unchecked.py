"""What the bias audit could not look at, and why: what nobody looked at is not free of bias."""

from collections.abc import Iterable, Iterator, Mapping

from judges.divisions import new_slices, traits_of
from judges.tables import Audit
from judges.traits import ALIKE

NOT_KIN = "{} graded model, nor of a family with one"
SAME = "its slices hold the same answers as slices of another kind"
ONCE = "it was asked once about each case; `repeats = 3` in its block asks more often"
IMPORTED = "verdicts that were imported come from a judge that cannot be asked again"


def unlooked(audit: Audit, no_length: Mapping[str, str]) -> list[dict[str, str]]:
    """Of the traits that a report reads; ``no_length`` says by judge why length was not tested."""
    if audit.traits is None:
        return []
    new, reasons = new_slices(audit)[0], []
    for kind, trait in traits_of(audit).items():
        unknown = int((trait.codes < 0).sum())
        if trait.why_not == ALIKE:
            reasons.append((f"{kind} ({trait.names[0]})", ALIKE))
        elif trait.why_not:
            reasons.append((kind, trait.why_not))
        elif not new[kind][0]:
            reasons.append((kind, SAME))
        elif unknown:
            reasons.append((f"{kind}, in part", f"of {unknown:,} answers it is not known"))
    made = [{"check": f"bias by {what}", "why": why} for what, why in _together(reasons)]
    apart = [name for name in audit.judges if audit.traits.kin[name].why_not]
    if apart:
        every = len(apart) == len(audit.judges)
        who = "" if every else f" of {', '.join(apart)}"
        why = NOT_KIN.format("no judge is a" if every else "it is no")
        made.append({"check": f"self- and family preference{who}", "why": why})
    return made + list(_of_judges("length of the answer", no_length))


def unrepeated(audit: Audit) -> list[dict[str, str]]:
    """Whose verdicts may differ from run to run, and nobody saw: rules give the same ones again."""
    reasons = {}
    for name, run in audit.judges.items():
        kind = run.spec.body["kind"]
        if kind == "imported" or (kind == "llm" and not run.spec.body.get("repeats")):
            reasons[name] = IMPORTED if kind == "imported" else ONCE
    return list(_of_judges("run-to-run flips", reasons, len(audit.judges)))


def _of_judges(check: str, reasons: Mapping[str, str], many: int = 0) -> Iterator[dict[str, str]]:
    """One line per reason; the judges are named where it is not everybody's."""
    for reason in dict.fromkeys(filter(None, reasons.values())):
        who = [name for name, why in reasons.items() if why == reason]
        every = len(who) == (many or len(reasons))
        yield {"check": check if every else f"{check}, {', '.join(who)}", "why": reason}


def _together(reasons: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The kinds that have one reason in one line."""
    by_reason: dict[str, list[str]] = {}
    for kind, why in reasons:
        by_reason.setdefault(why, []).append(kind)
    for why, kinds in by_reason.items():
        yield " and ".join([", ".join(kinds[:-1]), kinds[-1]] if len(kinds) > 1 else kinds), why
