"""The epochs: a base model learns from rows of tokens.

`fit` runs `trainer`, the Hugging Face Trainer with `batches` of as many `tokens` each, and with
snapshots of `weights` and all else, taken by `keeping`.  `optimizer`, `losses`, `freezing`, `lora`,
`stopping` and `pretraining` are its recipes.
"""
