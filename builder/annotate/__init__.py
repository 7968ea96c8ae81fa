"""Annotators: what judges and detectors say of a row. One module each, which declares its columns.

`prompts/` holds the prompts of the LLM judges, one slot `{instruction}` each; the demo model is
trained to answer them.
"""
