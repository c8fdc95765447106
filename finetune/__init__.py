"""Fine-tune a BERT-family text classifier and leave a checkpoint folder behind.

The story of a run, in the order in which the files are worth reading:

1. `config`: the settings of a run, checked before anything heavy is loaded.
2. `sources`, `columns`, `labels`, `scores`, `rows`, `data`: a data set from the Hub or from disk
   becomes rows of texts and class names, or scores, cut into train, validation and test.
3. `models`: the base model and its tokenizer are opened, as safetensors only.
4. `train`, with `opening`, `fit`, `outcome` and `ending`: what is opened before the first step, the
   epochs, what they come to, and how a run ends that does not finish.
   - The epochs: `trainer` is the Hugging Face Trainer with `batches` of as many `tokens` each, and
     with `snapshots` of `weights` and all else, taken by `keeping`; `optimizer`, `losses`,
     `freezing`, `lora`, `stopping` and `pretraining` are its recipes; `processes` that share a run
     are one to the outside.
   - Nothing is lost: `output` holds the working folder, `settings` what the run was begun with,
     `disk` lets files be whole or not there, and `interrupt` hears the wish to stop; `progress` and
     `events` tell how far it is.
   Scores are learned on a `scale` of their own; `seeds` makes several runs of one.
5. `evaluate`, `metrics`, `regression`, `spread`: what was saved is read back and measured.
6. `record`, `card` with `markdown`, `report`: the run as `run.json`, as a model card, as text for
   the terminal.

`python -m finetune train` and `python -m finetune evaluate` are the two ways in; `options` makes
the options of the first from `config`, and `network` looks whether the Hub is there.
Whatever a user can mend is an `errors.FinetuneError`.
"""
