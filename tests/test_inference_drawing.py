"""The draw of a token: the right distribution, and the same whatever else is in the batch."""

import pytest
import torch
from tiny_model import build_tiny_model

from inference.drawing import GumbelDraw, StopAtText, row_seed
from inference.engine import Sampling

CPU = torch.device("cpu")
NO_IDS = torch.zeros((1, 1), dtype=torch.long)


def draws(sampling: Sampling, logits: list[float], times: int) -> torch.Tensor:
    draw = GumbelDraw(sampling, ["prompt"], CPU)
    scores = torch.tensor([logits])
    picked = torch.stack([draw(NO_IDS, scores).argmax() for _ in range(times)])
    assert scores.tolist() == [logits]  # what came in is left as it was
    return torch.bincount(picked, minlength=len(logits)) / times


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
    scores = torch.randn(50, generator=torch.Generator().manual_seed(0)).repeat(3, 1)
    together = GumbelDraw(sampling, ["a", "b", "c"], CPU)
    alone = GumbelDraw(sampling, ["b"], CPU)
    for _ in range(5):
        rows = together(NO_IDS, scores)
        assert torch.equal(rows[1], alone(NO_IDS, scores[1:2])[0])
        assert not torch.equal(rows[0], rows[1])


def test_the_seed_follows_from_seed_and_prompt():
    assert row_seed(1, "x") == row_seed(1, "x")
    assert len({row_seed(1, "x"), row_seed(2, "x"), row_seed(1, "y"), row_seed(1, "\ud800")}) == 4


def test_stops_at_text_that_is_new(tmp_path):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(build_tiny_model(tmp_path))
    prompt = "Q: Enough.\n"
    rows = [f"{prompt}{new}" for new in ("Q: no ", "nothing", "x\nQ: y", "aa\nQ:Q")]
    ids = torch.tensor(tokenizer(rows)["input_ids"])
    stop = StopAtText(tokenizer, ["zzz", "\nQ:"], len(tokenizer(prompt)["input_ids"]))
    # The first row has "\nQ:" too, but its line break is the prompt's.
    assert stop(ids, None).tolist() == [False, False, True, True]
