"""The search for settings: trials on the training rows, compared on validation, the best trained.

`tune` is the whole story: `search_space` says which settings are tried between which limits,
`trials` trains with one choice of them, `study` keeps what all came to, so that a stopped search
goes on, and `results` tells it.
"""
