"""How the labelling page asks: its keys, what it asks beside a label, how it measures people."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field, field_validator

from samples.registry import did_you_mean

ACTIONS = {  # what can be done to a case beside labelling it, by its usual key
    "undo": "u",
    "skip": "s",
    "flag": "f",
    "note": "n",
    "help": "h",
    "raw": "m",
    "rest": "e",
    "unsure": "d",
    "cannot judge": "x",
}
ALL_RIGHT = "0"  # where the first wrong step is asked for: there is none
RESERVED = "cr"  # Streamlit's own
CANNOT_JUDGE = "cannot judge"
DOUBTS = 2  # people who cannot judge a case, after whom nobody else is asked


class AnnotationBlock(BaseModel):
    """The [annotation] block of a study."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keys: dict[str, str] = {}  # of labels and ACTIONS; labels have 1, 2, 3 … otherwise
    confidence: list[str] = Field(default=["unsure", "sure"], min_length=2, max_length=9)
    steps: bool = False  # ask for the first wrong step
    reasons: dict[str, list[str]] = {}  # label or "cannot judge" -> what is asked after it
    repeats: float = Field(default=0.0, ge=0, le=0.5)  # share of cases shown once more
    controls: float = Field(default=0.0, ge=0, le=0.5)  # share of cases with a known answer
    lease_minutes: float = Field(default=30.0, gt=0)  # a case on screen is kept for so long
    backup_every: int = Field(default=100, ge=1)  # labels

    @field_validator("keys")
    @classmethod
    def _single(cls, keys: dict[str, str]) -> dict[str, str]:
        for name, key in keys.items():
            if len(key) != 1 or not key.isascii() or not (key.isdigit() or key.islower()):
                raise ValueError(f"{name} = {key!r}; a key is one small letter or one digit")
            if key in RESERVED:
                raise ValueError(f"{name} = {key!r}; the keys c and r are taken by the browser app")
        return keys

    @field_validator("reasons")
    @classmethod
    def _few(cls, reasons: dict[str, list[str]]) -> dict[str, list[str]]:
        for name, texts in reasons.items():
            if not 1 <= len(texts) <= 9 or len(set(texts)) < len(texts):
                raise ValueError(f"{name}: give 1 to 9 different reasons, each has a digit as key")
        return reasons

    def check(self, labels: Sequence[str]) -> None:
        """Refuse what does not go with these labels; ValueError says what."""
        known = [*labels, *ACTIONS]
        for name in self.keys:
            if name not in known:
                raise ValueError(f"keys: no label or action {name!r}; {did_you_mean(name, known)}")
            if name in labels and name in ACTIONS:
                raise ValueError(f"keys: {name!r} is a label and an action; rename the label")
        for name in self.reasons:
            if name not in (*labels, CANNOT_JUDGE):
                hint = did_you_mean(name, [*labels, CANNOT_JUDGE])
                raise ValueError(f"reasons: no label {name!r}; {hint}")
        if self.steps and len(labels) != 2:
            raise ValueError("steps: the rubric needs two labels: a step is wrong, all are right")
        by_key: dict[str, str] = {}
        for name, key in self.all_keys(labels).items():
            if key in by_key:
                raise ValueError(f"keys: {by_key[key]!r} and {name!r} both have the key {key!r}")
            by_key[key] = name
        digits = [name for name, key in self.action_keys().items() if key.isdigit()]
        if digits and (self.reasons or self.steps):
            raise ValueError(f"keys: {digits[0]!r} needs a letter: digits name reasons and steps")

    def action_keys(self) -> Mapping[str, str]:
        """Action -> key."""
        return {name: self.keys.get(name, key) for name, key in ACTIONS.items()}

    def label_keys(self, labels: Sequence[str]) -> Mapping[str, str]:
        """Label -> key. Where steps are asked for only the last label has one: no step is wrong."""
        if self.steps:
            return {labels[-1]: self.keys.get(labels[-1], ALL_RIGHT)}
        return {
            label: self.keys.get(label, str(digit)) for digit, label in enumerate(labels, start=1)
        }

    def step_keys(self, labels: Sequence[str], number: int) -> list[str]:
        """The keys of steps 1, 2, 3 …: digits, then the letters that are free; '' beyond them."""
        taken = {*RESERVED, *self.all_keys(labels).values()}
        free = [key for key in "123456789abdefghijklmnopqstuvwxyz" if key not in taken]
        return [free[place] if place < len(free) else "" for place in range(number)]

    def all_keys(self, labels: Sequence[str]) -> Mapping[str, str]:
        """Every key of the page by what it stands for."""
        return {**self.label_keys(labels), **self.action_keys()}
