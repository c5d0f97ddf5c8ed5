"""A server with one scripted behaviour for each path, good, bad or worse.

A behaviour is a list of steps: bytes to send, or a function that is given the connection. After the last step the
server closes, unless that is `KEEP`, which reads the next request on the same connection.
"""

import contextlib
import socket
import struct
import threading

import patience


class Origin:
    """Listens on its own port, or on a socket in the file system, and records its requests."""

    def __init__(self, path=None, context=None):
        family = socket.AF_UNIX if path else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.bind(str(path) if path else ("127.0.0.1", 0))
        self.listener.listen(128)
        self.port = None if path else self.listener.getsockname()[1]
        self.context = context
        self.behaviours = {}
        self.requests = []
        self.connections = 0
        self.changed = threading.Condition()
        self.open = set()
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    def on(self, path, *steps):
        self.behaviours[path] = steps

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                with self.changed:
                    self.connections += 1
                    self.open.add(sock)
                    self.changed.notify_all()
                threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        connection = Connection(self, sock)
        try:
            if self.context:
                connection.socket = self.context.wrap_socket(sock, server_side=True)
            while self.answer(connection):
                pass
        except OSError:
            pass
        finally:
            with contextlib.suppress(OSError):
                connection.socket.close()
            with self.changed:
                self.open.discard(sock)
                self.changed.notify_all()

    def answer(self, connection):
        head = connection.read_until(b"\r\n\r\n")
        if head is None:
            return False
        request = Request(head)
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()
        connection.request = request
        keep = False
        for step in self.behaviours.get(request.path, (OK,)):
            if step is KEEP:
                keep = True
            elif callable(step):
                step(connection)
            else:
                connection.send(step)
        return keep

    def wait_for_requests(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.requests) >= count, patience.seconds(10)), self.requests
            return self.requests

    def wait_until_closed(self):
        """Waits until no connection is open."""
        with self.changed:
            assert self.changed.wait_for(lambda: not self.open, patience.seconds(10)), "connections are still open"

    def close(self):
        self.listener.close()
        with self.changed:
            connections = list(self.open)
        for sock in connections:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Connection:
    """One connection of the gateway to the origin."""

    def __init__(self, origin, sock):
        self.origin = origin
        self.socket = sock
        self.received = bytearray()
        self.request = None
        self.socket.settimeout(patience.seconds(20))

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def read_until(self, end):
        while (index := self.received.find(end)) < 0:
            data = self.socket.recv(1 << 16)
            if not data:
                return None
            self.received += data
        data = bytes(self.received[: index + len(end)])
        del self.received[: index + len(end)]
        return data

    def read_bytes(self, count):
        while len(self.received) < count:
            data = self.socket.recv(1 << 16)
            if not data:
                raise OSError("the gateway closed")
            self.received += data
        data = bytes(self.received[:count])
        del self.received[:count]
        return data

    def read_body(self):
        """The body of the request, by its framing."""
        if self.request["transfer-encoding"] == "chunked":
            body = b""
            while size := int(self.read_until(b"\r\n"), 16):
                body += self.read_bytes(size)
                assert self.read_bytes(2) == b"\r\n"
            while (line := self.read_until(b"\r\n")) != b"\r\n":
                self.request.trailers.append(line[:-2].decode())
        else:
            body = self.read_bytes(int(self.request["content-length"] or 0))
        self.request.body = body
        return body

    def wait_for_end(self):
        """Reads until the gateway has closed."""
        with contextlib.suppress(ConnectionError):
            while self.socket.recv(1 << 16):
                pass


class Request:
    """A request as the origin got it: `line`, `method`, `path` with its query, `fields`, `body`, `trailers`."""

    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.line = lines[0]
        self.method, self.path, self.version = lines[0].split(" ")
        self.fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:-2])]
        self.body = b""
        self.trailers = []

    def __getitem__(self, name):
        values = [value for field, value in self.fields if field == name.lower()]
        assert len(values) <= 1, f"{name} is there {len(values)} times: {values}"
        return values[0] if values else None


KEEP = object()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"


def read_body(connection):
    connection.read_body()


def echo(connection):
    """Answers with the body of the request."""
    body = connection.read_body()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def hang(connection):
    """Sends nothing until the gateway closes."""
    connection.wait_for_end()


def reset(connection):
    """Closes with RST."""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.socket.close()


def endless(piece):
    """Sends `piece` repeatedly until the gateway closes."""

    def send(connection):
        with contextlib.suppress(OSError):
            while True:
                connection.send(piece)

    return send


def drip(data):
    """Sends bytes one by one, each in its own packet as far as the system allows it."""

    def send(connection):
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for index in range(len(data)):
            connection.send(data[index : index + 1])

    return send


def head(*fields, status="200 OK", version="HTTP/1.1"):
    return "\r\n".join([f"{version} {status}", *fields, "", ""]).encode("latin-1")


# Responses that no client may receive: the behaviour, and the reason in the log.
REFUSED = {
    "http09": ((b"hello, I am a document\n",), "invalid status line"),
    "version2": ((head("Content-Length: 0", version="HTTP/2.0"),), "unsupported protocol version"),
    "no_version": ((b"200 OK\r\n\r\n",), "invalid status line"),
    "lower_case_version": ((head("Content-Length: 0", version="http/1.1"),), "invalid status line"),
    "status_two_digits": ((head("Content-Length: 0", status="20 OK"),), "invalid status code"),
    "status_four_digits": ((head("Content-Length: 0", status="2000 OK"),), "invalid status code"),
    "status_letters": ((head("Content-Length: 0", status="2OO OK"),), "invalid status code"),
    "status_099": ((head("Content-Length: 0", status="099 Low"),), "invalid status code"),
    "status_600": ((head("Content-Length: 0", status="600 High"),), "invalid status code"),
    "bare_lf": ((b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",), "bare LF"),
    "bare_cr": ((head("A: b\rc", "Content-Length: 0"),), "bare CR"),
    "folding": ((head("A: b", " c", "Content-Length: 0"),), "obsolete line folding"),
    "space_before_colon": ((head("Content-Length : 0"),), "white space before the colon of a field"),
    "no_colon": ((head("Content-Length 0"),), "field line without a colon"),
    "empty_name": ((head(": x", "Content-Length: 0"),), "empty field name"),
    "nul_in_value": ((head("A: b\0c", "Content-Length: 0"),), "control byte in a field value"),
    "bell_in_reason": ((head("Content-Length: 0", status="200 O\x07K"),), "control byte in a field value"),
    "name_with_bracket": ((head("A[b]: c", "Content-Length: 0"),), "invalid field name"),
    "negative_length": ((head("Content-Length: -1"),), "invalid Content-Length"),
    "signed_length": ((head("Content-Length: +3") + b"ok\n",), "invalid Content-Length"),
    "hex_length": ((head("Content-Length: 0x3") + b"ok\n",), "invalid Content-Length"),
    "huge_length": ((head("Content-Length: 99999999999999999999"),), "invalid Content-Length"),
    "empty_length": ((head("Content-Length:"),), "invalid Content-Length"),
    "length_list": ((head("Content-Length: 3, 3") + b"ok\n",), "invalid Content-Length"),
    "length_twice": ((head("Content-Length: 3", "Content-Length: 3") + b"ok\n",), "more than one Content-Length"),
    "two_lengths": ((head("Content-Length: 3", "Content-Length: 4") + b"ok\n",), "more than one Content-Length"),
    "length_and_chunked": (
        (head("Content-Length: 3", "Transfer-Encoding: chunked") + b"0\r\n\r\n",),
        "Content-Length with Transfer-Encoding",
    ),
    "gzip_coding": ((head("Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",), "unknown transfer coding"),
    "chunked_twice": (
        (head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked") + b"0\r\n\r\n",),
        "unknown transfer coding",
    ),
    "chunked_on_10": (
        (head("Transfer-Encoding: chunked", version="HTTP/1.0") + b"0\r\n\r\n",),
        "Transfer-Encoding on HTTP/1.0",
    ),
    "chunked_204": (
        (head("Transfer-Encoding: chunked", status="204 No Content"),),
        "Transfer-Encoding in a response without a body",
    ),
    "two_spaces_before_the_status": ((b"HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",), "invalid status code"),
    "no_space_behind_the_status": ((head("Content-Length: 0", status="200OK"),), "invalid status code"),
    "tab_before_the_status": ((b"HTTP/1.1\t200 OK\r\nContent-Length: 0\r\n\r\n",), "invalid status line"),
    "empty_lines_first": ((b"\r\n\r\n" + OK,), "invalid status line"),
    "signed_status": ((head("Content-Length: 0", status="+20 OK"),), "invalid status code"),
    "chunked_interim": (
        (head("Transfer-Encoding: chunked", status="103 Early Hints") + OK,),
        "Transfer-Encoding in a response without a body",
    ),
    "unasked_101": ((head("Connection: upgrade", "Upgrade: websocket", status="101 S"),), "101 that was not asked for"),
    "head_too_large": ((head("A: " + "x" * 70000),), "response head too large"),
    "endless_head": ((b"HTTP/1.1 200 OK\r\n", endless(b"A: b\r\n" * 100)), "too many fields"),
    "endless_line": ((b"HTTP/1.1 200 OK\r\nA: ", endless(b"x" * 4096)), "response head too large"),
    "too_many_fields": ((head(*["A: b"] * 300),), "too many fields"),
    "endless_interim": ((endless(head(status="102 Processing")),), "too many interim responses"),
    "silent_close": ((), "server closed before its response"),
    "reset_at_once": ((reset,), "server closed before its response"),
    "half_a_head": ((b"HTTP/1.1 200 OK\r\nContent-Le",), "server closed before its response"),
    "reset_in_head": ((b"HTTP/1.1 200 OK\r\nContent-Le", reset), "server closed before its response"),
    "only_interim": ((head(status="103 Early Hints"),), "server closed before its response"),
    "tls_instead": ((b"\x15\x03\x01\x00\x02\x02\x46",), "invalid status line"),
}

# Responses that begin well and must end visibly cut.
CUT = {
    "short_length": ((head("Content-Length: 100") + b"only this",), "server closed inside its response"),
    "reset_in_body": ((head("Content-Length: 100") + b"only this", reset), "server closed inside its response"),
    "no_last_chunk": (
        (head("Transfer-Encoding: chunked") + b"5\r\nhello\r\n",),
        "server closed inside its response",
    ),
    "half_a_chunk": ((head("Transfer-Encoding: chunked") + b"50\r\nhello",), "server closed inside its response"),
    "bad_chunk_size": (
        (head("Transfer-Encoding: chunked") + b"5\r\nhello\r\nxyz\r\n",),
        "invalid chunk size",
    ),
    "bad_chunk_end": ((head("Transfer-Encoding: chunked") + b"5\r\nhelloXX",), "chunk data not followed by CRLF"),
    "bare_lf_in_chunks": ((head("Transfer-Encoding: chunked") + b"5\r\nhello\r\n5\nhello",), "bare LF"),
    "endless_chunk_line": (
        (head("Transfer-Encoding: chunked") + b"5\r\nhello\r\n5;", endless(b"x" * 4096)),
        "chunk size line too long",
    ),
    "endless_trailers": (
        (head("Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n", endless(b"A: b\r\n" * 100)),
        "trailers too large",
    ),
    "bad_chunk_extension": (
        (head("Transfer-Encoding: chunked") + b'5\r\nhello\r\n5;="\r\nhello\r\n0\r\n\r\n',),
        "invalid chunk extension",
    ),
    "chunk_size_overflow": (
        (head("Transfer-Encoding: chunked") + b"5\r\nhello\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",),
        "invalid chunk size",
    ),
    "framing_in_trailers": (
        (head("Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n",),
        "invalid trailer field",
    ),
}

# Responses that are unusual and good: the behaviour, the status and the body.
GOOD = {
    "plain": ((OK, KEEP), 200, b"ok\n"),
    "no_reason": ((head("Content-Length: 3", status="200 ") + b"ok\n", KEEP), 200, b"ok\n"),
    "no_space": ((head("Content-Length: 3", status="200") + b"ok\n", KEEP), 200, b"ok\n"),
    "dripped": ((drip(OK), KEEP), 200, b"ok\n"),
    "dripped_chunks": (
        (drip(head("Transfer-Encoding: chunked") + b"3\r\nok\n\r\n0\r\n\r\n"), KEEP),
        200,
        b"ok\n",
    ),
    "many_chunks": (
        (head("Transfer-Encoding: chunked") + b"1\r\nx\r\n" * 5000 + b"0\r\n\r\n", KEEP),
        200,
        b"x" * 5000,
    ),
    "chunk_extensions": (
        (head("Transfer-Encoding: chunked") + b'3;a="b;c"\r\nok\n\r\n0;x\r\n\r\n', KEEP),
        200,
        b"ok\n",
    ),
    "http10": ((head("Content-Length: 3", version="HTTP/1.0") + b"ok\n",), 200, b"ok\n"),
    "http10_to_close": ((head(version="HTTP/1.0") + b"ok\n",), 200, b"ok\n"),
    "to_close": ((head("Connection: close") + b"ok\n",), 200, b"ok\n"),
    "empty_to_close": ((head("Connection: close"),), 200, b""),
    "length_and_close": ((head("Content-Length: 3", "Connection: close") + b"ok\n",), 200, b"ok\n"),
    "closes_unannounced": ((OK,), 200, b"ok\n"),
    "no_content": ((head(status="204 No Content"), KEEP), 204, b""),
    "not_modified": ((head("Content-Length: 100", status="304 Not Modified"), KEEP), 304, b""),
    "empty": ((head("Content-Length: 0"), KEEP), 200, b""),
    "unknown_status": ((head("Content-Length: 3", status="599 Odd") + b"ok\n", KEEP), 599, b"ok\n"),
    "server_error": ((head("Content-Length: 3", status="500 Oh") + b"ok\n", KEEP), 500, b"ok\n"),
    "interim_first": ((head(status="102 Processing") + head(status="102 Processing") + OK, KEEP), 200, b"ok\n"),
    "unasked_100": ((head(status="100 Continue") + OK, KEEP), 200, b"ok\n"),
    "no_content_with_content": (
        (head("Content-Length: 5", status="204 No Content") + b"hello", KEEP), 204, b""
    ),
    "not_modified_with_content": (
        (head("Content-Length: 5", status="304 Not Modified") + b"hello", KEEP), 304, b""
    ),
    "interim_with_length": ((head("Content-Length: 5", status="103 Early Hints") + OK, KEEP), 200, b"ok\n"),
    "longer_than_told": ((head("Content-Length: 3") + b"ok\nHTTP/1.1 200 OK\r\n\r\n", KEEP), 200, b"ok\n"),
    "garbage_behind": ((OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen", KEEP), 200, b"ok\n"),
    "large": ((head("Content-Length: 3000000") + b"y" * 3000000, KEEP), 200, b"y" * 3000000),
}
