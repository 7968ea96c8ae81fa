"""Lines as the launcher and its router write them to stdout: compact, or --json-output."""

from __future__ import annotations

import datetime
import json
from typing import Any

LAUNCHER = "text_generation_launcher"
ROUTER = "text_generation_router::server"


class Lines:
    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def info(self, words: str, target: str = LAUNCHER, **span: Any) -> None:
        self.write("INFO", words, target, span)

    def warn(self, words: str, target: str = LAUNCHER, **span: Any) -> None:
        self.write("WARN", words, target, span)

    def error(self, words: str, target: str = LAUNCHER, **span: Any) -> None:
        self.write("ERROR", words, target, span)

    def write(self, level: str, words: str, target: str, span: dict[str, Any]) -> None:
        """`span` is where it happened, such as {"name": "shard-manager", "rank": 0}."""
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if self._as_json:
            line: dict[str, Any] = {"timestamp": now, "level": level}
            line |= {"fields": {"message": words}, "target": target}
            if span:
                line |= {"span": span, "spans": [span]}
            print(json.dumps(line), flush=True)  # noqa: T201
            return
        where = f"{span['name']}: " if span else ""
        fields = "".join(f" {key}={value}" for key, value in span.items() if key != "name")
        print(f"{now} {level:>5} {where}{target}: {words}{fields}", flush=True)  # noqa: T201
