"""Upstream servers: each answers with its name and the request, and can be configured by a test."""

import http.server
import socketserver
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        origin = self.server.origin
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        with origin.lock:
            origin.requests.append((self.command, self.path, body))
        if origin.held is not None and self.path.startswith("/hold"):
            origin.held.wait(30)
        status = origin.status
        answer = f"{origin.name} {self.headers.get('X-Token', '')}".encode()
        if origin.delay:
            origin.woken.wait(origin.delay)
        fields = [("Content-Length", len(answer)), *origin.fields]
        head = "".join(f"{name}: {value}\r\n" for name, value in fields)
        # In one piece, so that the server's end cannot fall inside the response.
        content = answer if self.command != "HEAD" else b""
        self.wfile.write(f"HTTP/1.1 {status} Status\r\n{head}\r\n".encode() + content)

    do_GET = do_POST = do_PUT = do_HEAD = answer

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def handle_error(self, *_):
        """Does not report clients that disconnect."""


class Origin:
    """Answers with its name and the request's X-Token; `status`, `fields` and `delay` may change, `stop` makes it refuse."""

    def __init__(self, name, port=0, address="127.0.0.1"):
        self.name = name
        self.address = address
        self.status = 200
        self.fields = []
        self.requests = []
        self.held = None
        self.delay = 0
        self.woken = threading.Event()
        self.lock = threading.Lock()
        self.connections = set()
        self.port = port
        self.server = None
        self.start()

    def start(self):
        origin = self

        class Tracking(Server):
            def process_request(self, request, address):
                with origin.lock:
                    origin.connections.add(request)
                super().process_request(request, address)

            def shutdown_request(self, request):
                with origin.lock:
                    origin.connections.discard(request)
                super().shutdown_request(request)

        self.server = Tracking((self.address, self.port), Handler)
        self.server.origin = self
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def stop(self):
        """Closes the listener and every connection at once."""
        if self.server is None:
            return
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        self.drop_connections()
        self.server = None

    def drop_connections(self):
        with self.lock:
            connections = list(self.connections)
        for connection in connections:
            try:
                connection.shutdown(2)
            except OSError:
                pass

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"
