"""One pool of requests over all engines of a run."""
