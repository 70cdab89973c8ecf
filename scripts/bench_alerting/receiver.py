"""A webhook in a process of its own: it answers at once, and reads what it was told when it is asked."""

import json
import socketserver
import threading
import time
from multiprocessing import Pipe, Process


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        while line := self.rfile.readline():
            length = 0
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                name, _, text = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(text)
            body = self.rfile.read(length)
            if len(body) < length:
                return
            self.server.messages.append((time.time(), body))
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 1024

    def handle_error(self, request, client_address) -> None:
        """Whoever tells may give up, and tries again."""


def _serve(pipe) -> None:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.messages = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pipe.send(server.server_address[1])
    n_read, first_told = 0, {}
    while pipe.recv() != "stop":
        messages = server.messages[n_read:]
        n_read += len(messages)
        for at_s, body in messages:
            for alert in json.loads(body)["alerts"]:
                # Bellwether may also tell of receivers that cannot be told; such an alert has no number.
                if alert["status"] == "firing" and "n" in alert["labels"]:
                    first_told.setdefault(alert["labels"]["n"], at_s)
        pipe.send((n_read, first_told))


class Receiver:
    """The webhook as the benchmark holds it."""

    def __init__(self) -> None:
        self.pipe, theirs = Pipe()
        self.process = Process(target=_serve, args=(theirs,), daemon=True)
        self.process.start()
        self.port: int = self.pipe.recv()

    def told(self) -> tuple[int, dict[str, float]]:
        """How many messages came, and when each alert, by its label `n`, was told first as firing, in seconds since the Unix epoch."""
        self.pipe.send("tell")
        return self.pipe.recv()

    def stop(self) -> None:
        self.pipe.send("stop")
        self.process.join()
