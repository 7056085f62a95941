"""Compression of a model's matrices, against numbers worked out by hand."""

import pytest
import torch
from tiny_model import build_tiny_model
from torch import nn

from inference.compress import compress, linear_layers
from samples.errors import BenchwarrantError


def one_matrix(rows: list[list[float]], dtype: torch.dtype = torch.float32) -> nn.Linear:
    layer = nn.Linear(len(rows[0]), len(rows), bias=False, dtype=dtype)
    layer.weight.data = torch.tensor(rows, dtype=dtype)
    return layer


def test_int8_rounds_to_the_nearest_step_of_its_row():
    # Row 1: a step is 2.54 / 127 = 0.02; 0.033 is 1.65 steps -> 0.04, -1.005 is -50.25 -> -1.00.
    # Row 2: a step is 0.127 / 127 = 0.001; 0.0004 -> 0 and -0.0126 -> -0.013. Row 3: zeros.
    layer = one_matrix([[2.54, 0.033, -1.005], [0.127, 0.0004, -0.0126], [0.0, 0.0, 0.0]])
    record = compress(layer, "int8")
    expected = [[2.54, 0.04, -1.00], [0.127, 0.0, -0.013], [0.0, 0.0, 0.0]]
    torch.testing.assert_close(layer.weight.data, torch.tensor(expected))
    assert record["max_error"] == pytest.approx(0.007, abs=1e-6)  # 0.033 -> 0.04
    assert record["share_zero"] == pytest.approx(4 / 9)


def test_int8_rounds_the_step_as_the_matrix_is_stored():
    # 1 / 127 = 0.00787402; the nearest bfloat16 is 129 / 2^14 = 0.00787354 (8 significant bits).
    # 0.7 is stored as 179 / 2^8 = 0.69921875, which is 88.806 steps -> 89 x 0.00787354 = 0.70074,
    # stored as 179 / 2^8 again; 127 x 0.00787354 = 0.99994 is stored as 1.
    layer = one_matrix([[1.0, 0.7, -0.0118]], torch.bfloat16)
    compress(layer, "int8")
    # -0.0118 is stored as -0.01177979, which is 1.4961 steps -> one step
    assert layer.weight.tolist() == [[1.0, 179 / 256, -129 / 2**14]]


def test_int8_leaves_at_most_255_values_in_a_row():
    torch.manual_seed(0)
    layer = nn.Linear(2000, 3)
    before = layer.weight.detach().clone()
    record = compress(layer, "int8")
    assert all(len(row.unique()) <= 255 for row in layer.weight)
    half_a_step = before.abs().amax(dim=1, keepdim=True) / 127 / 2
    assert ((layer.weight - before).abs() <= half_a_step * 1.001).all()
    assert 0 < record["max_error"] <= half_a_step.max() * 1.001


def test_prune_zeroes_the_smallest_share_of_each_matrix():
    # 0.4 of 5 values: the two nearest to zero, whatever their sign
    model = nn.Sequential(
        one_matrix([[5.0, -1.0, 3.0, 2.0, -4.0]]), one_matrix([[10.0, 50.0, 40.0, -20.0, 30.0]])
    )
    record = compress(model, "prune-0.4")
    assert model[0].weight.tolist() == [[5.0, 0.0, 3.0, 0.0, -4.0]]
    assert model[1].weight.tolist() == [[0.0, 50.0, 40.0, 0.0, 30.0]]
    assert record == {
        "method": "prune-0.4",
        "matrices": 2,
        "parameters_touched": 10,
        "share_touched": 1.0,
        "share_zero": 0.4,
        "max_error": 20.0,
    }


def test_prune_takes_its_share_even_among_equals():
    layer = one_matrix([[1.0] * 10])
    assert compress(layer, "prune-0.3")["share_zero"] == pytest.approx(0.3)


def test_keeps_the_dtype():
    layer = one_matrix([[1.0, 0.3, -0.2]], torch.bfloat16)
    compress(layer, "int8")
    assert layer.weight.dtype == torch.bfloat16


def test_spares_embeddings_and_a_tied_head(tmp_path):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(build_tiny_model(tmp_path))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    record = compress(model, "prune-0.5")
    changed = {n for n, tensor in model.state_dict().items() if not torch.equal(tensor, before[n])}
    assert changed == {n for n in before if n.endswith("_proj.weight")}
    # 2 layers x (q 64x64, k and v 32x64, o 64x64, gate, up and down 128x64) = 2 x 36,864
    assert (record["matrices"], record["parameters_touched"]) == (14, 73_728)
    assert record["share_zero"] == pytest.approx(0.5)


def test_spares_an_untied_head_and_counts_a_shared_layer_once():
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(7, 4)
            self.first = nn.Linear(4, 4)
            self.second = nn.Linear(4, 4)
            self.second.weight = self.first.weight
            self.head = nn.Linear(4, 7)

        def get_output_embeddings(self) -> nn.Module:
            return self.head

    assert [name for name, _ in linear_layers(Model())] == ["first"]


@pytest.mark.parametrize("method", ["prune", "prune-0", "prune-1", "prune-x", "prune-nan"])
def test_prune_needs_a_share(method):
    with pytest.raises(BenchwarrantError, match=r"between 0 and 1, as in 'prune-0\.3'"):
        compress(nn.Linear(2, 2), method)


def test_unknown_methods_and_models_without_linear_layers():
    with pytest.raises(BenchwarrantError, match="did you mean 'int8'"):
        compress(nn.Linear(2, 2), "int4")
    with pytest.raises(BenchwarrantError, match="int8 takes no argument"):
        compress(nn.Linear(2, 2), "int8-4")
    with pytest.raises(BenchwarrantError, match="no linear layer"):
        compress(nn.Embedding(2, 2), "int8")
