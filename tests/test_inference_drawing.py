"""The draw of a token: the right distribution, and the same whatever else is in the batch."""

import pytest
import torch
from tiny_model import build_tiny_model

from inference.drawing import choose, generator, stopped
from inference.engine import Sampling

CPU = torch.device("cpu")


def draws(sampling: Sampling, logits: list[float], times: int) -> torch.Tensor:
    source = generator(sampling, "prompt", CPU)
    scores = torch.tensor([logits])
    picked = torch.cat([choose(scores, sampling, [source]) for _ in range(times)])
    assert scores.tolist() == [logits]  # what came in is left as it was
    return torch.bincount(picked, minlength=len(logits)) / times


def test_greedy_takes_the_likeliest_and_asks_no_chance():
    scores = torch.tensor([[0.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
    assert choose(scores, Sampling(), []).tolist() == [1, 0]


def test_draws_from_the_softmax_at_the_temperature():
    # logits ln 1, ln 4, ln 9 at temperature 2 weigh 1 : 2 : 3. Of 4,000 draws a share of 1/2 has a
    # standard error of 0.008, so four of them are 0.032.
    logits = torch.tensor([1.0, 4.0, 9.0]).log().tolist()
    shares = draws(Sampling(temperature=2.0), logits, 4000)
    assert shares.tolist() == pytest.approx([1 / 6, 2 / 6, 3 / 6], abs=0.032)


def test_top_p_keeps_the_likeliest_tokens_only():
    # 0.6 + 0.3 is the first sum to reach 0.8; among the two that stay it is 2 : 1.
    logits = torch.tensor([0.6, 0.3, 0.1]).log().tolist()
    shares = draws(Sampling(temperature=1.0, top_p=0.8), logits, 4000)
    assert shares[2] == 0
    assert shares.tolist()[:2] == pytest.approx([2 / 3, 1 / 3], abs=0.032)


def test_a_row_draws_the_same_alone_and_in_company():
    sampling = Sampling(temperature=1.0, seed=3)
    scores = torch.randn(500, generator=torch.Generator().manual_seed(0)).repeat(3, 1)
    together = [generator(sampling, prompt, CPU) for prompt in "abc"]
    alone = generator(sampling, "b", CPU)
    rows = [choose(scores, sampling, together).tolist() for _ in range(5)]
    assert [row[1] for row in rows] == [
        int(choose(scores[1:2], sampling, [alone])) for _ in range(5)
    ]
    assert [row[0] for row in rows] != [row[1] for row in rows]


def test_the_seed_follows_from_seed_and_prompt():
    def seed(number: int, prompt: str) -> int:
        return generator(Sampling(seed=number), prompt, CPU).initial_seed()

    assert seed(1, "x") == seed(1, "x")
    assert len({seed(1, "x"), seed(2, "x"), seed(1, "y"), seed(1, "\ud800")}) == 4


def test_stops_at_text_that_was_just_written(tmp_path):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(build_tiny_model(tmp_path))
    rows = [tokenizer(new, add_special_tokens=False)["input_ids"] for new in ("Q: no", "x\nQ: y")]
    assert stopped(tokenizer, ["zzz", "\nQ:"], rows) == [False, True]
    assert stopped(tokenizer, [], rows) == [False, False]
    far = tokenizer("\nQ:" + 20 * "a", add_special_tokens=False)["input_ids"]
    assert stopped(tokenizer, ["\nQ:"], [far]) == [False]  # it was seen when it was written
