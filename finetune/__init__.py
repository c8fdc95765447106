"""Fine-tune a text classifier and leave a checkpoint folder behind.

The packages, in the order in which they are worth reading; each imports only from those after it:

1. `tuning`: settings are searched for by trials on validation, and a run is made with the best.
2. `training`: data and base model are prepared, the epochs run, the best model is saved.
3. `evaluation`: what was saved is read back and measured, beside classical baselines; `report` says
   it as a model card, as figures, and as text for the terminal.
4. `data`: a data set from the Hub or from disk becomes rows of texts and class names, or scores, in
   three splits; `check` says what is wrong with it.
5. `run`: a run on disk: its settings, its output folder, snapshots, events, and `run.json`.
6. `checkpoint`: the one place that opens a checkpoint or a base model, as safetensors only.

`python -m finetune` is the way in.  Whatever a user can mend is an `errors.FinetuneError`.
"""

from finetune.checkpoint.telemetry import disable_telemetry

disable_telemetry()
