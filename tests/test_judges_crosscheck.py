"""Our α and the package's on the same labels."""

import math

import numpy as np
import pytest

from judges.crosscheck import alphas


def test_both_on_a_table_with_gaps() -> None:
    # Two cases agree, one differs, one has a single label: by hand, coincidences 00: 2, 11: 2,
    # 01 + 10: 2, n = 6; D_o = 2/6, D_e = 2·3·3 / (6·5) = 0.6, α = 1 − (1/3) / 0.6 = 4/9.
    ours, theirs = alphas(np.array([[0, 0], [1, 1], [0, 1], [1, -1]]), 2)
    assert ours == pytest.approx(4 / 9) and theirs == pytest.approx(4 / 9)


@pytest.mark.parametrize("ratings", [[[0, 0], [0, 0]], [[0, -1], [1, -1]]])
def test_both_are_undefined_together(ratings) -> None:
    assert all(math.isnan(alpha) for alpha in alphas(np.array(ratings), 2))
