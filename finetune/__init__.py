"""Fine-tune a BERT-family text classifier and leave a checkpoint folder behind.

The story of a run, in the order in which the files are worth reading:

1. `config`: the settings of a run, checked before anything heavy is loaded.
2. `data`, out of the parts in `dataset`: a data set from the Hub or from disk becomes rows of texts
   and class names, or scores, cut into train, validation and test; `check` says what is wrong with
   it.
3. `models`: the base model and its tokenizer are opened, as safetensors only.
4. `train`, with `opening`, `run` and `outcome`: what is opened before the first step, the epochs,
   and what they come to; the epochs themselves are in `learning`, and `saving` lets nothing of
   them be lost.  `seeds` makes several runs of one.
5. `evaluate`, `metrics` and the room `measuring`: what was saved is read back and measured;
   `quality` does so with a finished run, beside a `baseline`.
6. `record`, `card` and the room `reporting`: the run as `run.json`, as a model card, as text for
   the terminal.

`python -m finetune train` and `python -m finetune evaluate` are the two ways in; `options` makes
the options of the first from `config`, `recipe` reads settings from a file, `disk` lets files be
whole or not there, `network` looks whether the Hub is there, and `privacy` keeps the libraries
from sending anything on their own.  Whatever a user can mend is an
`errors.FinetuneError`.
"""

from finetune.checkpoint.telemetry import send_nothing

send_nothing()
