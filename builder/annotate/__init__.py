"""Annotators: what judges and detectors say of a row. Their columns are declared in `rows`.

`prompts/` holds the prompts of the LLM judges, one slot `{instruction}` each; the demo model is
trained to answer them.
"""
