"""Text as libraries written in Rust take it."""

from __future__ import annotations


def well_formed(text: str) -> str:
    """Return the text with a question mark for each lone surrogate, which UTF-8 cannot hold.

    A model that writes bytes, cut inside of a character, leaves such halves behind.
    """
    return text.encode("utf-8", "replace").decode("utf-8")
