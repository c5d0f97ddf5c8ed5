"""HTTP/1 clients that send given bytes and parse responses by their framing."""

import socket
import ssl

import patience


class Response:
    """One response: `status`, `reason`, `version`, `fields` (pairs, names in lower case), `body`, `trailers`."""

    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.version, status, self.reason = (lines[0].split(" ", 2) + [""])[:3]
        self.status = int(status)
        self.fields = [parse_field(line) for line in lines[1:]]
        self.body = b""
        self.trailers = []

    def __getitem__(self, name):
        """The value of the field `name`, None without one; more than one is a failure."""
        values = [value for field, value in self.fields if field == name.lower()]
        assert len(values) <= 1, f"{name} is there {len(values)} times"
        return values[0] if values else None

    @property
    def text(self):
        return self.body.decode()


def parse_field(line):
    name, colon, value = line.partition(":")
    assert colon, f"a field line has a colon: {line!r}"
    return name.lower(), value.strip()


class Client:
    """A connection. Reading waits for at most ten seconds."""

    def __init__(self, sock):
        self.socket = sock
        self.socket.settimeout(patience.seconds(10))
        self.received = bytearray()

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def get(self, path, *fields, version="HTTP/1.1", method="GET"):
        """Sends a request without body and returns its response."""
        self.send(request(path, *fields, version=version, method=method))
        return self.read_response(method)

    def post(self, path, body, *fields):
        """Sends `body` with its length and returns the response."""
        if isinstance(body, str):
            body = body.encode()
        self.send(request(path, f"Content-Length: {len(body)}", *fields, method="POST").encode() + body)
        return self.read_response("POST")

    def read_response(self, method="GET"):
        """The next response, interim ones included, read exactly to its end (RFC 9112 section 6.3)."""
        response = Response(self.read_until(b"\r\n\r\n")[:-4])
        if method == "HEAD" or response.status < 200 or response.status in (204, 304):
            return response
        coding = response["Transfer-Encoding"]
        if coding is not None:
            assert coding == "chunked" and response["Content-Length"] is None
            self.read_chunks(response)
        elif response["Content-Length"] is not None:
            response.body = self.read_bytes(int(response["Content-Length"]))
        else:
            response.body = self.read_to_end()
        return response

    def read_chunks(self, response):
        chunks = []
        while size := int(self.read_until(b"\r\n"), 16):
            chunks.append(self.read_bytes(size))
            assert self.read_bytes(2) == b"\r\n"
        response.body = b"".join(chunks)
        while (line := self.read_until(b"\r\n")) != b"\r\n":
            response.trailers.append(parse_field(line[:-2].decode("latin-1")))

    def read_until(self, end):
        while (index := self.received.find(end)) < 0:
            self.receive()
        return self.take(index + len(end))

    def read_bytes(self, count):
        while len(self.received) < count:
            self.receive()
        return self.take(count)

    def read_to_end(self):
        """All bytes before the connection ends properly."""
        while data := self.socket.recv(1 << 16):
            self.received += data
        return self.take(len(self.received))

    def receive(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError(f"the connection ended after {bytes(self.received)!r}")
        self.received += data

    def take(self, count):
        data = bytes(self.received[:count])
        del self.received[:count]
        return data

    def expect_end(self):
        """Fails unless the other side closes without sending anything more."""
        rest = self.read_to_end()
        assert rest == b"", f"nothing more was expected, not {rest!r}"

    def expect_gone(self):
        """Fails unless the connection ends, in any way."""
        try:
            while self.socket.recv(1 << 16):
                pass
        except (ConnectionError, ssl.SSLError):
            pass

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def request(path, *fields, version="HTTP/1.1", method="GET"):
    """A request head for the host `localhost`."""
    host = [] if any(field.lower().startswith("host:") for field in fields) else ["Host: localhost"]
    return "\r\n".join([f"{method} {path} {version}", *host, *fields, "", ""])


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=patience.seconds(10))


def client_context(authority):
    """A TLS client that trusts `authority` and distinguishes a truncated stream from a closed one."""
    context = ssl.create_default_context(cafile=authority)
    context.set_alpn_protocols(["http/1.1"])
    return context


def start_tls(sock, context, name="localhost", session=None):
    return context.wrap_socket(sock, server_hostname=name, suppress_ragged_eofs=False, session=session)
