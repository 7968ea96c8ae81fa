"""What the storage holds: xorbs, and files as terms that point into them.

    xorbs/HASH        the chunks as they came
    files/HASH.json   SHA-256, and xorb, first chunk, last chunk, bytes of each term

Everything stands under its name once it is whole and was checked. A server that starts again with
the same folder goes on.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.servers.hub.refusals import Refusal
from tests.servers.hub.repository import replace
from tests.servers.hub.xet.hashes import binary, hexadecimal, is_eligible, of_file, of_term
from tests.servers.hub.xet.shard import File, Shard, Term
from tests.servers.hub.xet.xorb import Chunk, Xorb, read_xorb, unpacked


class Store:
    """Xorbs and files of all repositories of a Hub."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.RLock()
        self._xorbs: dict[bytes, Xorb] = {}
        self._asked: dict[bytes, bytes] = {}
        self._files: dict[bytes, File] = {}
        self._by_sha256: dict[str, bytes] = {}
        for path in sorted(folder.glob("xorbs/*")):
            xorb = read_xorb(path.read_bytes())
            self._xorbs[xorb.digest] = xorb
        for path in sorted(folder.glob("files/*.json")):
            self._remember(_read(path))

    def put(self, digest: bytes, body: bytes) -> bool:
        """Hold a xorb; whether it is new. Refuses one that is not what it is called."""
        with self._lock:
            if digest in self._xorbs:
                return False
            xorb = read_xorb(body)
            if xorb.digest != digest:
                raise Refusal(400, "the xorb's hash does not match its body")
            replace(self.path(digest), body[: xorb.length])
            self._xorbs[digest] = xorb
            return True

    def register(self, shard: Shard) -> list[File]:
        """Hold the files of a shard whose xorbs are all there. Returns them."""
        with self._lock:
            for listed in shard.xorbs:
                known = [(one.digest, one.size) for one in self.xorb(listed.digest).chunks]
                if known != [(digest, size) for digest, size, _ in listed.chunks]:
                    raise Refusal(400, "a xorb has other chunks than the shard says")
            for file in shard.files:
                self._check(file)
            for file in shard.files:
                told = {"sha256": hexadecimal(file.sha256 or b""), "terms": _told(file.terms)}
                path = self.folder / "files" / f"{hexadecimal(file.digest)}.json"
                replace(path, json.dumps(told).encode())
                self._remember(file)
        return list(shard.files)

    def xorb(self, digest: bytes) -> Xorb:
        if digest not in self._xorbs:
            raise Refusal(400, f"xorb {hexadecimal(digest)} was not uploaded")
        return self._xorbs[digest]

    def path(self, digest: bytes) -> Path:
        return self.folder / "xorbs" / hexadecimal(digest)

    def holds(self, digest: bytes) -> bool:
        return digest in self._xorbs

    def file(self, digest: bytes) -> File | None:
        return self._files.get(digest)

    def named(self, sha256: str | None) -> str | None:
        """The hash of a file by its SHA-256, where it came over Xet."""
        found = self._by_sha256.get(sha256 or "")
        return hexadecimal(found) if found else None

    def asked(self, digest: bytes) -> Xorb | None:
        """The xorb that holds a chunk, where one may ask for that chunk."""
        found = self._asked.get(digest)
        return self._xorbs[found] if found else None

    def pieces(self, file: File) -> Iterator[bytes]:
        """The content of a file, chunk by chunk."""
        for term in file.terms:
            body = self.path(term.xorb).read_bytes()
            for chunk in self.chunks(term):
                yield unpacked(body, chunk.start, chunk.end)

    def chunks(self, term: Term) -> tuple[Chunk, ...]:
        return self.xorb(term.xorb).chunks[term.start : term.end]

    def _check(self, file: File) -> None:
        every: list[tuple[bytes, int]] = []
        for term in file.terms:
            chunks = self.chunks(term)
            fits = 0 <= term.start < term.end <= len(self.xorb(term.xorb).chunks)
            if not fits or sum(chunk.size for chunk in chunks) != term.size:
                raise Refusal(400, "a term does not lie in its xorb")
            if term.proof != of_term(chunk.digest for chunk in chunks):
                raise Refusal(400, "a term is not verified")
            every += [(chunk.digest, chunk.size) for chunk in chunks]
        if file.digest != of_file(every):
            raise Refusal(400, "a file's hash does not match its terms")
        if file.sha256 is None:
            raise Refusal(400, "a file's SHA-256 is not told")
        found = hashlib.sha256()
        for piece in self.pieces(file):
            found.update(piece)
        if found.hexdigest() != hexadecimal(file.sha256):
            raise Refusal(400, "a file's SHA-256 does not match its content")

    def _remember(self, file: File) -> None:
        """Hold a file; its first chunk may be asked for whatever its hash is."""
        self._files[file.digest] = file
        self._by_sha256[hexadecimal(file.sha256 or b"")] = file.digest
        chunks = ((chunk.digest, term.xorb) for term in file.terms for chunk in self.chunks(term))
        for number, (digest, xorb) in enumerate(chunks):
            if not number or is_eligible(digest):
                self._asked.setdefault(digest, xorb)


def _told(terms: Sequence[Term]) -> list[list[str | int]]:
    return [[hexadecimal(one.xorb), one.start, one.end, one.size] for one in terms]


def _read(path: Path) -> File:
    told = json.loads(path.read_text(encoding="utf-8"))
    terms = tuple(Term(binary(xorb), *rest) for xorb, *rest in told["terms"])
    return File(binary(path.stem), terms, binary(told["sha256"]))
