"""What a router is told by its launcher, with the launcher's own defaults."""

from __future__ import annotations

from dataclasses import dataclass

VERSION = "3.3.5-dev0"
SHA = "0" * 40
DEFAULT_NEW_TOKENS = 1024


@dataclass(frozen=True)
class Limits:
    """The flags that the protocol shows; `slots` is how many requests one batch holds.

    `passes_over_grammar` is no flag: versions before 1.4.3 do so.
    """

    model_id: str = "demo/model"
    revision: str | None = None
    max_concurrent_requests: int = 128
    max_best_of: int = 2
    max_stop_sequences: int = 4
    max_top_n_tokens: int = 5
    max_input_tokens: int = 2047
    max_total_tokens: int = 2048
    max_client_batch_size: int = 4
    validation_workers: int = 2
    api_key: str | None = None
    disable_grammar_support: bool = False
    passes_over_grammar: bool = False

    def info(self) -> dict[str, object]:
        """The answer of `GET /info`."""
        return {
            "model_id": self.model_id,
            "model_sha": self.revision or SHA,
            "model_pipeline_tag": None,
            "max_concurrent_requests": self.max_concurrent_requests,
            "max_best_of": self.max_best_of,
            "max_stop_sequences": self.max_stop_sequences,
            "max_input_tokens": self.max_input_tokens,
            "max_total_tokens": self.max_total_tokens,
            "validation_workers": self.validation_workers,
            "max_client_batch_size": self.max_client_batch_size,
            "router": "text-generation-router",
            "version": VERSION,
            "sha": None,
            "docker_label": None,
        }
