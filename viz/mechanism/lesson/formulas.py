"""The formulas of the chapter, as LaTeX, in no language."""

from types import MappingProxyType

FORMULAS: MappingProxyType[str, str] = MappingProxyType(
    {
        "vectors": r"x_i = \mathrm{LayerNorm}\left(E_{t_i} + P_i + S_i\right)",
        "score": r"s_{ij} = \frac{q_i \cdot k_j}{\sqrt{d}}",
        "weights": r"a_{ij} = \frac{e^{s_{ij}}}{\sum_{m} e^{s_{im}}}",
        "mix": r"o_i = \sum_{j} a_{ij}\, v_j",
        "heads": r"\mathrm{JSD}(a, b) = \sqrt{\tfrac{1}{2}\, \mathrm{KL}(a \,\|\, m)"
        r" + \tfrac{1}{2}\, \mathrm{KL}(b \,\|\, m)},\quad m = \tfrac{1}{2}(a + b)",
        "residual": r"x_i' = \mathrm{LayerNorm}\left(x_i + W_O\left[o_i^{(1)};\ldots;"
        r" o_i^{(H)}\right]\right)",
        "feed_forward": r"\mathrm{FFN}(x) = W_2\, f\left(W_1\, x + b_1\right) + b_2",
        "class": r"p = \mathrm{softmax}\left(\frac{z}{T}\right),\quad z = W h + b",
        "explanation": r"c_{ij} = a_{ij}\, \frac{\partial z}{\partial a_{ij}}",
    }
)
"""By step; the first one, which cuts a text into words, has none."""
