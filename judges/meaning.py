"""What each statistic means, in the words that the report shows."""

# (what it answers, how it can mislead)
MEANING: dict[str, tuple[str, str]] = {
    "accuracy": (
        "How often does the judge say what people say?",
        "Where one label is common, always saying it already scores high.",
    ),
    "cohen_kappa": (
        "How far is the judge above chance agreement, given how often each side uses each label?",
        "It falls towards 0 where nearly all labels are the same, however few the disagreements.",
    ),
    "cohen_kappa_linear": (
        "Cohen's κ where a disagreement counts by the number of labels between the two sides.",
        "It takes neighbouring labels to be equally far apart; on two labels it is plain κ.",
    ),
    "cohen_kappa_quadratic": (
        "Cohen's κ where a disagreement counts by the square of the distance between labels.",
        "Many small disagreements hardly lower it, and more labels raise it.",
    ),
    "scott_pi": (
        "Like κ, with chance drawn from the labels of both sides taken together.",
        "It falls where nearly all labels are the same, and counts a judge's leniency as error.",
    ),
    "gwet_ac1": (
        "Agreement above chance that stays steady where nearly all labels are the same.",
        "It can stay high for a judge that hardly recognises the rare label.",
    ),
    "gwet_ac2": (
        "AC1 where a disagreement counts by the square of the distance between labels.",
        "It can stay high for a judge that hardly recognises the rare labels.",
    ),
    "brennan_prediger": (
        "Agreement above chance if every label were equally likely.",
        "On two labels it is accuracy on another scale, so a common label inflates it too.",
    ),
    "krippendorff_alpha": (
        "How far are judge and people below the disagreement of labels dealt out at random?",
        "It falls towards 0 where nearly all labels are the same.",
    ),
    "krippendorff_alpha_ordinal": (
        "Krippendorff's α where a disagreement counts by the ranks between the two labels.",
        "How much a disagreement costs depends on how common the labels between are.",
    ),
    "krippendorff_alpha_interval": (
        "Krippendorff's α where a disagreement counts by the square of the distance.",
        "It takes neighbouring labels to be equally far apart.",
    ),
    "mcc": (
        "How strongly do the judge's labels go with people's, over all cells of the table?",
        "It falls where nearly all labels are the same, and needs both sides to use two of them.",
    ),
    "spearman": (
        "Do people's higher labels get the judge's higher labels?",
        "A judge that is always one label too kind can score 1; on two labels it is the MCC.",
    ),
    "kendall": (
        "Of two cases that differ, how much more often does the judge order them as people do?",
        "A judge that is always one label too kind can score 1; on two labels it is the MCC.",
    ),
    "pearson": (
        "Do the judge's labels rise in line with people's, labels read as 0, 1, 2 …?",
        "A judge that is always one label too kind can score 1; on two labels it is the MCC.",
    ),
    "sensitivity": (
        "Of what people call positive, how much does the judge call positive?",
        "A judge that calls everything positive scores 1.",
    ),
    "specificity": (
        "Of what people do not call positive, how much does the judge not call positive?",
        "A judge that calls nothing positive scores 1.",
    ),
    "positive_predictive_value": (
        "When the judge says positive, how often do people?",
        "It changes with how common the positive label is, so it is no property of the judge.",
    ),
    "negative_predictive_value": (
        "When the judge does not say positive, how often do people not either?",
        "It changes with how common the positive label is, so it is no property of the judge.",
    ),
    "f1": (
        "How well does the judge find the positive label without false alarms?",
        "It ignores the cases both sides reject, and always saying positive can score high.",
    ),
    "balanced_accuracy": (
        "How often is the judge right, if each label people use counts the same?",
        "A few cases of a rare label weigh as much as all the others.",
    ),
    "leniency": (
        "How much more often than people does the judge say positive?",
        "False alarms and misses cancel out: 0 does not mean that the judge is right.",
    ),
}

# Of judges that give scores in [0, 1], the probability of the positive label.
GRADED_MEANING: dict[str, tuple[str, str]] = {
    "auroc": (
        "Of a positive answer and another one, how often does the positive one score higher?",
        "It sees the order of the scores only: scores that are all far too high can have 1.",
    ),
    "calibration_error": (
        "How far are the scores from the share of positive labels, in up to ten bins of scores?",
        "Errors that cancel within a bin do not show, and it says nothing about telling apart.",
    ),
    "brier": (
        "How far is the score from 1 for positive answers and from 0 for others, squared?",
        "Where one label is rare, always scoring the base rate already comes out low.",
    ),
}

# Each of these is one and the same number when there are two labels: one fact, not several.
SAME_ON_TWO_LABELS: tuple[tuple[str, ...], ...] = (
    ("mcc", "spearman", "kendall", "pearson"),
    ("cohen_kappa", "cohen_kappa_linear", "cohen_kappa_quadratic"),
    ("gwet_ac1", "gwet_ac2"),
    ("krippendorff_alpha", "krippendorff_alpha_ordinal", "krippendorff_alpha_interval"),
)
