"""A second opinion: people's α by the package of the method's own literature, not by our code.

``krippendorff`` is GPL-3.0-or-later; nothing else in the project imports it.
"""

import numpy as np

from judges import raters
from judges.agreement import IntArray


def alphas(ratings: IntArray, k: int) -> tuple[float, float]:
    """People's nominal α (ours, the package's); NaN where it is undefined.

    ``ratings`` is (cases, raters) in label codes, −1 for no label.
    """
    import krippendorff

    ours = float(raters.krippendorff_alpha(raters.rater_tables(ratings, k).sum()))
    values = np.where(ratings >= 0, ratings, np.nan).T
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            theirs = krippendorff.alpha(
                reliability_data=values, value_domain=list(range(k)), level_of_measurement="nominal"
            )
    except ValueError:  # no case has two people's labels
        theirs = float("nan")
    return ours, float(theirs)
