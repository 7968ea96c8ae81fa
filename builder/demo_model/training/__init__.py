"""Makes the demo model anew: grammar, corpus, tokenizer, training, GGUF, evaluation.

Nothing else in the package imports this folder: it needs the extra `train`.
"""
