"""What a classifier answers, as `problem_type` of config.json names it."""

SINGLE_LABEL = "single_label_classification"
MULTI_LABEL = "multi_label_classification"
REGRESSION = "regression"
PROBLEM_TYPES = (SINGLE_LABEL, MULTI_LABEL, REGRESSION)


def is_regression(problem_type: str | None, n_logits: int) -> bool:
    """Whether the model predicts a number; as in transformers, a lone logit is one by default."""
    return problem_type == REGRESSION or (problem_type is None and n_logits == 1)
