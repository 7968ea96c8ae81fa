"""Chat models behind a server that puts its own chat template around turns."""
