"""The default attribution: the network, made linear at this text, split exactly over its tokens.

Attention weights and the scale of each LayerNorm are held at the values they take for this text,
and each activation is written as its input times a fixed slope.  The logits do not change, but
they are now linear in the first layer's input and in the biases, so that

    explained scalar = sum over tokens <input, gradient> + sum over biases <bias, gradient>

holds exactly.  Source: viz/attribution/README.md 2.1; equal to DecompX (Modarressi et al. 2023)
without bias and to layer-wise relevance propagation with frozen attention (Ali et al. 2022).
"""

from viz.attribution.linear_pass import linear_pass, require_linear
from viz.attribution.method import AttributionInput, Method, TokenScores
from viz.attribution.registry import register_method
from viz.model.recording import Recorder


def _decomposition(inputs: AttributionInput) -> TokenScores:
    reading = inputs.reading
    linear = linear_pass(
        inputs.classifier,
        [reading.encoding.inputs],
        Recorder("input", freeze=True),
        reading.prediction.logits[None],
    )
    slopes = linear.split_gradients(inputs.target.value)
    scores = linear.token_shares(linear.leaves, slopes.leaves)[0]
    return TokenScores(scores.to(linear.logits.dtype).cpu().numpy(), slopes.bias)


DECOMPOSITION = Method(
    name="decomposition",
    label="Decomposition",
    signed=True,
    cost=1.8,
    description="Split exactly into tokens and bias, attention and normalization held fixed.",
    reference="Modarressi et al. 2023 (DecompX); Ali et al. 2022",
    score=_decomposition,
    requirements=(require_linear,),
)

register_method(DECOMPOSITION)
