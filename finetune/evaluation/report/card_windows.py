"""What a model card says of texts that the model reads in windows."""

from finetune.evaluation.report.markdown import escaped
from finetune.run.record import RunRecord

POOLING_WORDS = {
    "mean": "the means of those of its windows",
    "max": "the largest of its windows, class by class",
    "first": "those of its first window alone",
}


def windows_paragraph(record: RunRecord) -> str:
    """How longer texts are read; empty where they are cut."""
    settings = record.settings
    if not settings.get("window_stride"):
        return ""
    pooling = str(settings.get("window_pooling", "mean"))
    cut = " and end with sentences" if settings.get("window_cut") == "sentences" else ""
    text = (
        f"Texts of more than {record.max_length} tokens are read in windows that begin at most"
        f" {escaped(str(settings['window_stride']))} tokens apart{cut}; the logits of a text are"
        f" {POOLING_WORDS.get(pooling, escaped(pooling))}."
    )
    if settings.get("max_windows") and pooling != "first":
        most = escaped(str(settings["max_windows"]))
        text += f" Training read at most {most} windows of a text in an epoch."
    return f"{text} `pipeline` knows of no windows; `clsight predict` reads them all."


def fate_of_long_texts(record: RunRecord) -> str:
    """What became of rows that are too long."""
    return "read in windows" if record.settings.get("window_stride") else "cut"
