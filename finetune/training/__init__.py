"""The training: data and base model are prepared, the epochs run, the best model is saved.

`train` is the whole story: `prepare` opens what is needed, `fit` runs the epochs by `trainer`, the
Hugging Face Trainer with `batches` of about as many tokens each and with snapshots, and `results`
is what they come to.  `optimizer`, `losses`, `freezing`, `lora`, `early_stopping` and `pretraining`
are its recipes; `seeds` makes several runs of one.
"""
