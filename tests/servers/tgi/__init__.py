"""text-generation-inference for the tests: its protocol, its launcher, its log, its deaths.

    with tgi_server() as server:                      in a thread: server.url, .requests, .injected
    with tgi_process() as server:                     a process of its own that is started again
    python -m tests.servers.tgi --model-id X          the launcher, also in a container

Sources: TGI's own router (`validation.rs`, `server.rs`), model server (`tokens.py`) and launcher
(`main.rs`), version 3, and its OpenAPI description. Left out: regex grammars, tools, chat, images,
adapters, speculation, ranking of best-of, truncation of a stop buffer at exactly TGI's 300/200.
"""

from tests.servers.tgi.limits import Limits
from tests.servers.tgi.process import TgiProcess, tgi_process
from tests.servers.tgi.thread import TgiServer, tgi_server

__all__ = ["Limits", "TgiProcess", "TgiServer", "tgi_process", "tgi_server"]
