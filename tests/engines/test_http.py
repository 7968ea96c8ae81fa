"""The HTTP client against servers that write exactly what a test tells them."""

import asyncio
import contextlib
import shutil
import socket
import struct
import subprocess

import pytest

from builder.engines.remote.http import Answer, Server, UnreachableError
from builder.errors import (
    BrokenStreamError,
    EngineError,
    StalledError,
    UnavailableError,
    UsageError,
)
from builder.recipe.engine_spec import DeadlinesSpec

DEADLINES = DeadlinesSpec(first_token=20, between_tokens=20, whole=20)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class RefusedError(Exception):
    def __init__(self, answer):
        self.answer = answer


async def read_request(reader):
    """The head and the body of the next request; None when the client has gone."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return head, await reader.readexactly(int(line.split(b":")[1]))
    return head, b""


@contextlib.asynccontextmanager
async def served(*scripts, headers=None):
    """A client for a server whose connection number n is handled by script number n."""
    seen = []
    waiting = list(scripts)

    async def handle(reader, writer):
        script = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        seen.append(script)
        with contextlib.suppress(ConnectionError):
            await script(reader, writer)
        writer.close()

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    server = Server(f"http://127.0.0.1:{port}", headers or {}, RefusedError)
    server.connections = seen
    try:
        async with asyncio.timeout(30):
            yield server
    finally:
        await server.close()
        listener.close()


def answering(*answers, log=None):
    """A script that gives these answers to one request after the other, the last one for ever."""

    async def script(reader, writer):
        left = list(answers)
        while (request := await read_request(reader)) is not None:
            if log is not None:
                log.append(request)
            writer.write(left.pop(0) if len(left) > 1 else left[0])

    return script


async def all_of(stream):
    return b"".join([piece async for piece in stream])


def run(main):
    return asyncio.run(main())


def test_an_answer_has_its_status_headers_and_body():
    async def main():
        made = b"HTTP/1.1 404 Not Found\r\nX-Why: no route\r\nContent-Length: 4\r\n\r\nnope"
        async with served(answering(made)) as server:
            return await server.ask("GET", "/info", seconds=20)

    assert run(main) == Answer(404, {"x-why": "no route", "content-length": "4"}, b"nope")


def test_a_request_has_the_headers_of_the_server_and_its_own():
    log = []

    async def main():
        async with served(answering(OK, log=log), headers={"Authorization": "Bearer k"}) as server:
            await server.ask("POST", "/tokenize", b"{}", seconds=20, headers={"X-Own": "1"})
            await server.ask("GET", "", seconds=20)
            return server.address.removeprefix("http://").encode()

    host = run(main)
    assert log == [
        (
            b"POST /tokenize HTTP/1.1\r\nhost: " + host + b"\r\naccept: */*\r\n"
            b"authorization: Bearer k\r\nx-own: 1\r\ncontent-length: 2\r\n"
            b"content-type: application/json\r\n\r\n",
            b"{}",
        ),
        (
            b"GET / HTTP/1.1\r\nhost: " + host + b"\r\naccept: */*\r\n"
            b"authorization: Bearer k\r\n\r\n",
            b"",
        ),
    ]


def test_a_connection_is_used_again():
    async def main():
        async with served(answering(OK)) as server:
            bodies = [(await server.ask("GET", "/", seconds=20)).body for _ in range(5)]
            return bodies, len(server.connections)

    assert run(main) == ([b"ok"] * 5, 1)


def test_a_stream_is_whole_however_the_server_cuts_its_bytes():
    body = 'data:{"a": "ü🙂"}\n\n'.encode()
    wire = (
        CHUNKED + b"3\r\n" + body[:3] + b"\r\n%x\r\n" % len(body[3:]) + body[3:] + b"\r\n0\r\n\r\n"
    )

    async def byte_by_byte(reader, writer):
        await read_request(reader)
        for at in range(len(wire)):
            writer.write(wire[at : at + 1])
            await writer.drain()
            await asyncio.sleep(0)
        await read_request(reader)

    async def main():
        async with served(byte_by_byte) as server:
            return await all_of(server.stream("", b"{}", DEADLINES))

    assert run(main) == body


def test_the_first_piece_is_empty_and_comes_with_the_status():
    async def main():
        go_on = asyncio.Event()

        async def script(reader, writer):
            await read_request(reader)
            writer.write(CHUNKED)
            await go_on.wait()
            writer.write(b"2\r\nhi\r\n0\r\n\r\n")
            await read_request(reader)

        async with served(script) as server:
            stream = server.stream("", b"{}", DEADLINES)
            first = await anext(stream)
            go_on.set()
            return first, await all_of(stream)

    assert run(main) == (b"", b"hi")


def test_a_body_without_a_length_ends_with_its_connection():
    async def script(reader, writer):
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nto the end")

    async def main():
        async with served(script) as server:
            return (await server.ask("GET", "/", seconds=20)).body

    assert run(main) == b"to the end"


def test_an_interim_answer_is_passed_over():
    async def main():
        async with served(answering(b"HTTP/1.1 102 Processing\r\n\r\n" + OK)) as server:
            return await server.ask("GET", "/", seconds=20)

    assert run(main) == Answer(200, {"content-length": "2"}, b"ok")


def test_a_connection_that_the_server_wants_closed_is_not_used_again():
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")

    async def main():
        async with served(answering(closing)) as server:
            for _ in range(3):
                assert (await server.ask("GET", "/", seconds=20)).body == b"ok"
            return len(server.connections)

    assert run(main) == 3


def test_a_kept_connection_that_died_is_replaced_without_a_failure():
    async def once(reader, writer):
        """Answers once, and hangs up on the second request."""
        await read_request(reader)
        writer.write(OK)
        await read_request(reader)

    async def main():
        async with served(once, answering(OK)) as server:
            bodies = [(await server.ask("GET", "/", seconds=20)).body for _ in range(3)]
            return bodies, len(server.connections)

    assert run(main) == ([b"ok"] * 3, 2)


def test_a_kept_connection_is_replaced_once_only():
    async def once(reader, writer):
        await read_request(reader)
        writer.write(OK)
        await read_request(reader)

    async def never(reader, writer):
        await read_request(reader)

    async def main():
        async with served(once, never) as server:
            await server.ask("GET", "/", seconds=20)
            with pytest.raises(UnavailableError, match="without an answer"):
                await server.ask("GET", "/", seconds=20)
            return len(server.connections)

    assert run(main) == 2


def test_another_status_than_200_is_refused_with_the_whole_answer():
    wire = b"HTTP/1.1 422 Unprocessable\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbad\r\n0\r\n\r\n"

    async def main():
        async with served(answering(wire)) as server:
            with pytest.raises(RefusedError) as refused:
                await all_of(server.stream("", b"{}", DEADLINES))
            with pytest.raises(RefusedError):
                await all_of(server.stream("", b"{}", DEADLINES))
            return refused.value.answer, len(server.connections)

    answer, connections = run(main)
    assert (answer.status, answer.body, connections) == (422, b"bad", 1)


@pytest.mark.parametrize(
    "cut", [b"2\r\nhi\r\n", b"9\r\nhi", b""], ids=["between", "within", "none"]
)
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_an_answer_that_breaks_off_is_a_broken_stream(cut, reset):
    async def main():
        seen = asyncio.Event()

        async def script(reader, writer):
            await read_request(reader)
            writer.write(CHUNKED + cut)
            await seen.wait()
            if reset:
                peer = writer.get_extra_info("socket")
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()

        got = []
        async with served(script) as server:
            with pytest.raises(BrokenStreamError, match="in the middle of an answer"):
                async for piece in server.stream("", b"{}", DEADLINES):
                    got.append(piece)
                    if b"".join(got) == (b"hi" if cut else b""):
                        seen.set()
        return b"".join(got)

    assert run(main) == (b"hi" if cut else b"")


def test_what_is_no_http_is_a_broken_stream():
    async def main():
        async with served(answering(b"SSH-2.0-OpenSSH_9\r\n")) as server:
            with pytest.raises(BrokenStreamError, match="is not HTTP"):
                await server.ask("GET", "/", seconds=20)

    run(main)


def test_a_new_connection_that_is_closed_unanswered_is_unavailable():
    async def script(reader, writer):
        await read_request(reader)

    async def main():
        async with served(script) as server:
            with pytest.raises(UnavailableError, match=r"^the connection ended without an answer"):
                await server.ask("GET", "/", seconds=20)

    run(main)


def test_nobody_there_is_unreachable():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused
        port = taken.getsockname()[1]

        async def main():
            server = Server(f"http://127.0.0.1:{port}", {}, RefusedError)
            with pytest.raises(UnreachableError) as error:
                await server.ask("GET", "/", seconds=20)
            return error.value.message

        assert run(
            main
        ) == f"http://127.0.0.1:{port} cannot be reached: Connect call failed " + str(
            ("127.0.0.1", port)
        )


def test_a_name_that_does_not_exist_is_unreachable():
    async def main():
        server = Server("http://nobody.invalid:8080", {}, RefusedError)
        with pytest.raises(
            UnreachableError, match=r"^http://nobody\.invalid:8080 cannot be reached"
        ):
            await server.ask("GET", "/", seconds=20)

    run(main)


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://host/", "http://", "http://host:port"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(UsageError, match="is not the address of a server"):
        Server(url, {}, RefusedError)


def stalling(before, ended):
    """A script that writes `before`, then nothing; `ended` is set once the client has gone."""

    async def script(reader, writer):
        await read_request(reader)
        writer.write(before)
        assert await reader.read() == b""
        ended.set()

    return script


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (b"", "no first token within 0.2 s (deadlines.first_token)"),
        (CHUNKED, "no first token within 0.2 s (deadlines.first_token)"),
        (CHUNKED + b"3\r\n:\n\n\r\n", "no first token within 0.2 s (deadlines.first_token)"),
        (CHUNKED + b"2\r\nhi\r\n", "no token for 0.1 s (deadlines.between_tokens)"),
    ],
    ids=["no answer", "no token", "comments only", "after a token"],
)
def test_a_missed_deadline_cancels_the_request(before, said):
    async def main():
        ended = asyncio.Event()
        deadlines = DeadlinesSpec(first_token=0.2, between_tokens=0.1)
        async with served(stalling(before, ended)) as server:
            with pytest.raises(StalledError) as error:
                await all_of(server.stream("", b"{}", deadlines))
            await ended.wait()
            return error.value.message

    assert run(main) == said


def test_a_comment_is_no_token():
    async def comments(reader, writer):
        await read_request(reader)
        writer.write(CHUNKED + b"2\r\nhi\r\n")
        while not reader.at_eof():
            writer.write(b"3\r\n:\n\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    async def main():
        deadlines = DeadlinesSpec(first_token=20, between_tokens=0.2)
        async with served(comments) as server:
            with pytest.raises(StalledError, match=r"no token for 0\.2 s"):
                await all_of(server.stream("", b"{}", deadlines))

    run(main)


def test_an_answer_in_one_piece_has_its_deadline_too():
    async def main():
        ended = asyncio.Event()
        async with served(stalling(b"", ended)) as server:
            with pytest.raises(StalledError, match=r"^no whole answer within 0\.1 s$"):
                await server.ask("GET", "/", seconds=0.1)
            await ended.wait()

    run(main)


def test_a_stream_that_is_left_closes_its_connection_at_once():
    async def main():
        ended = asyncio.Event()
        async with served(stalling(CHUNKED + b"2\r\nhi\r\n", ended)) as server:
            stream = server.stream("", b"{}", DEADLINES)
            while await anext(stream) == b"":
                pass
            await stream.aclose()
            await ended.wait()

    run(main)


@pytest.mark.parametrize("before", [b"", CHUNKED], ids=["unanswered", "begun"])
def test_a_request_that_is_cancelled_closes_its_connection_at_once(before):
    async def main():
        asked, ended = asyncio.Event(), asyncio.Event()

        async def script(reader, writer):
            await read_request(reader)
            writer.write(before)
            asked.set()
            assert await reader.read() == b""
            ended.set()

        async with served(script) as server:
            task = asyncio.create_task(server.ask("GET", "/", seconds=20))
            await asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await ended.wait()

    run(main)


def test_closing_ends_what_is_in_flight_and_serves_nothing_afterwards():
    async def main():
        ended = asyncio.Event()
        async with served(stalling(CHUNKED + b"2\r\nhi\r\n", ended)) as server:
            stream = server.stream("", b"{}", DEADLINES)
            while await anext(stream) == b"":
                pass
            await server.close()
            await server.close()
            with pytest.raises(EngineError, match=r"^the engine is closed$"):
                await anext(stream)
            with pytest.raises(EngineError, match=r"^the engine is closed$"):
                await server.ask("GET", "/", seconds=20)
            await ended.wait()

    run(main)


def test_many_streams_lose_nothing_where_reads_are_put_together():
    streams, events = 24, 150
    body = b"".join(b"data:%d\n\n" % number for number in range(events))

    async def drip(reader, writer):
        while await read_request(reader) is not None:
            writer.write(CHUNKED)
            for number in range(events):
                data = b"data:%d\n\n" % number
                writer.write(b"%x\r\n%b\r\n" % (len(data), data))
                await asyncio.sleep(0.0005)
            writer.write(b"0\r\n\r\n")

    async def main():
        pieces = []

        async def one(server):
            parts = [piece async for piece in server.stream("", b"{}", DEADLINES)]
            pieces.append(len(parts) - 1)
            return b"".join(parts)

        async with served(drip) as server:
            for _ in range(2):
                found = await asyncio.gather(*(one(server) for _ in range(streams)))
                assert set(found) == {body}
            return len(server.connections), sum(pieces[streams:])

    connections, pieces = run(main)
    assert connections == streams
    assert pieces < streams * events / 2  # the second round knows how long streams last


@pytest.fixture
def certificate(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate, and is not installed")
    names = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    how = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=x"
    alt = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", *how.split(), *alt, *names], check=True, capture_output=True)
    return tmp_path / "cert.pem", tmp_path / "key.pem"


@pytest.mark.parametrize("trusted", [True, False])
def test_https_is_spoken_with_those_who_are_trusted(certificate, monkeypatch, trusted):
    import ssl

    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)

    async def handle(reader, writer):
        with contextlib.suppress(ConnectionError):
            await answering(CHUNKED + b"2\r\nhi\r\n0\r\n\r\n")(reader, writer)
        writer.close()

    async def main():
        listener = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
        port = listener.sockets[0].getsockname()[1]
        server = Server(f"https://127.0.0.1:{port}", {}, RefusedError)
        try:
            return [await all_of(server.stream("", b"{}", DEADLINES)) for _ in range(2)]
        finally:
            await server.close()
            listener.close()

    if trusted:
        assert run(main) == [b"hi", b"hi"]
    else:
        with pytest.raises(EngineError, match=r"^the certificate of https://.* is refused: self"):
            run(main)
