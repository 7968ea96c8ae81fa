"""Files as a whole, beside their chunks: for those who know no Xet, and for a commit's checks.

The real Hub puts a file together when somebody asks for it by plain HTTP. Here it is done once,
when its shard comes, and lies where files lie that came over LFS: a commit that names a SHA-256
which never came in whole is refused in the same way.
"""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

from tests.servers.hub.repository import Repository
from tests.servers.hub.xet.hashes import hexadecimal

if TYPE_CHECKING:
    from tests.servers.hub.server import Hub
    from tests.servers.hub.xet.shard import File
    from tests.servers.hub.xet.store import Store
    from tests.servers.hub.xet.tokens import Scope


def keep_whole(hub: Hub, store: Store, scope: Scope, file: File) -> None:
    """Put a file into the repository that the token was for."""
    repository = hub.shelves.find(scope.kind, scope.name)
    if not isinstance(repository, Repository) or file.sha256 is None:
        return
    path = repository.large(hexadecimal(file.sha256))
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with beside.open("wb") as out:
        for piece in store.pieces(file):
            out.write(piece)
    os.replace(beside, path)  # noqa: PTH105
