"""The frames of a film in words: their names, what was measured, what changed."""

from finetune.run.history import HistoryFrame
from finetune.run.metrics import METRICS
from viz.attention.rollout import place
from viz.comparison.film.film import Film, FilmFrame, changed_most, layer_changed_most


def step_name(step: HistoryFrame) -> str:
    """A frame by its step, e.g. `step 120 · epoch 1.5`."""
    if step.is_final:
        return f"finished · step {step.step:,} · epoch {step.epoch:.3g}"
    if not step.step:
        return "base · step 0"
    return f"step {step.step:,} · epoch {step.epoch:.3g}"


def measures(step: HistoryFrame) -> str:
    """The loss of a step and what was measured on validation rows; empty where nothing was."""
    parts = [] if step.loss is None else [f"training loss {step.loss:.4f}"]
    if "validation_loss" in step.validation:
        parts.append(f"validation loss {step.validation['validation_loss']:.4f}")
    parts += [
        f"{metric.label} {step.validation[metric.name]:{metric.format}}"
        for metric in METRICS
        if metric.name in step.validation
    ]
    return " · ".join(parts)


def changes(film: Film, index: int) -> str:
    """Which head and layer changed most up to a frame, in one or two sentences."""
    frame = film.frames[index]
    if not isinstance(frame, FilmFrame):
        return ""
    if film.no_attention:
        return film.no_attention
    sentences = []
    if not index:
        sentences.append("The base model, before the first step.")
        last = film.frames[-1]
        if isinstance(last, FilmFrame) and last.from_base is not None:
            head = changed_most(last.from_base)
            sentences.append(
                f"By the last frame, {place(*head)} will have changed most "
                f"(distance {last.from_base[head]:.2f})."
            )
    if frame.from_before is not None:
        head, layer = changed_most(frame.from_before), layer_changed_most(frame.from_before)
        before = film.steps[index - 1]
        since = f"Since step {before.step:,}" if before.step else "Since the base"
        sentences.append(
            f"{since}, the head that changed most is {place(*head)} "
            f"(distance {frame.from_before[head]:.2f}), the layer L{layer} "
            f"({frame.from_before[layer].mean():.2f})."
        )
    if frame.from_base is not None and index > 1:
        head = changed_most(frame.from_base)
        sentences.append(f"Since the base: {place(*head)} ({frame.from_base[head]:.2f}).")
    return " ".join(sentences)
