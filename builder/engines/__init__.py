"""Engines: each turns a raw prompt into a streamed completion. See `base.Engine`."""
