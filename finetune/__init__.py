"""Fine-tune a BERT-family text classifier and leave a checkpoint folder behind.

The story of a run, in the order in which the files are worth reading:

1. `config`: the settings of a run, checked before anything heavy is loaded.
2. `sources`, `columns`, `labels`, `scores`, `rows`, `data`: a data set from the Hub or from disk
   becomes rows of texts and class names, or scores, cut into train, validation and test.
3. `models`: the base model and its tokenizer are opened, as safetensors only.
4. `train`, with `optimizer`, `progress` and `output`: the Hugging Face Trainer fine-tunes,
   evaluates each epoch and keeps the best one; the checkpoint folder appears when it is whole.
   Scores are learned on a `scale` of their own.
5. `evaluate`, `metrics`, `regression`: what was saved is read back and measured.
6. `record`, `card` with `markdown`, `report`: the run as `run.json`, as a model card, as text for
   the terminal.

`python -m finetune train` and `python -m finetune evaluate` are the two ways in; `options` makes
the options of the first from `config`, and `network` looks whether the Hub is there.
Whatever a user can mend is an `errors.FinetuneError`.
"""
