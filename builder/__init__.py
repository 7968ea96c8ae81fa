"""Build and publish Magpie data sets. The main path is `builder.pipeline`."""

__version__ = "0.1.0"
