"""A kept-alive HTTP connection that costs the client next to nothing: it shares the machine with what it measures."""

import json
import socket
from typing import Self


class HttpError(Exception):
    """An answer that is not the one that was wanted."""


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


JSON = "Content-Type: application/json\r\n"


def post_head(path: str, length: int, headers: str = JSON) -> bytes:
    """The head of a POST. `headers` are whole lines."""
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n".encode()


class Connection:
    """One connection to a port of this machine."""

    def __init__(self, port: int, timeout_s: float = 120):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()

    def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Sends a whole request. Returns status and body of the answer."""
        self.socket.sendall(request)
        return self._answer()

    def get(self, path: str) -> tuple[int, bytes]:
        return self.exchange(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    def get_json(self, path: str):
        status, body = self.get(path)
        if status != 200:
            raise HttpError(f"GET {path}: {status} {body[:300]!r}")
        return json.loads(body)

    def post_json(self, path: str, value) -> tuple[int, bytes]:
        body = json.dumps(value).encode()
        return self.exchange(post_head(path, len(body)) + body)

    def _answer(self) -> tuple[int, bytes]:
        data = self.rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._receive()
        head, data = data[:end].decode("latin-1"), data[end + 4 :]
        status = int(head.split(" ", 2)[1])
        lines = (line.partition(":") for line in head.split("\r\n")[1:])
        headers = {name.lower(): text.strip() for name, _, text in lines}
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return status, self._chunks(data)
        length = int(headers.get("content-length", 0))
        parts, have = [data], len(data)
        while have < length:
            part = self._receive()
            parts.append(part)
            have += len(part)
        data = b"".join(parts)
        self.rest = data[length:]
        return status, data[:length]

    def _chunks(self, data: bytes) -> bytes:
        buffer, at, body = bytearray(data), 0, []
        while True:
            while (end := buffer.find(b"\r\n", at)) < 0:
                buffer += self._receive()
            size, at = int(buffer[at:end], 16), end + 2
            while len(buffer) < at + size + 2:
                buffer += self._receive()
            body.append(buffer[at : at + size])
            at += size + 2
            if size == 0:
                self.rest = bytes(buffer[at:])
                return b"".join(body)

    def _receive(self) -> bytes:
        data = self.socket.recv(1 << 20)
        if not data:
            raise OSError("the connection was closed in the middle of an answer")
        return data
