"""Takes metrics by OTLP over HTTP, with the messages of opentelemetry-proto, and shows the last request as JSON.

The first line that it writes is its address. A request that is not one is refused with status 400.
"""

import gzip
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

PATH = "/v1/metrics"


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    last: bytes | None = None

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        message = ExportMetricsServiceRequest()
        try:
            if self.path != PATH or self.headers["Content-Type"] != "application/x-protobuf":
                raise DecodeError(f"{self.path} with {self.headers['Content-Type']}")
            message.ParseFromString(body)
        except DecodeError as error:
            self.answer(400, "text/plain", str(error).encode())
            return
        Receiver.last = MessageToJson(message).encode()
        self.answer(200, "application/x-protobuf", ExportMetricsServiceResponse().SerializeToString())

    def do_GET(self):
        if Receiver.last is None:
            self.answer(404, "text/plain", b"nothing has come yet")
        else:
            self.answer(200, "application/json", Receiver.last)

    def answer(self, status, content_type, body):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(f"http://127.0.0.1:{server.server_port}{PATH}", flush=True)
server.serve_forever()
