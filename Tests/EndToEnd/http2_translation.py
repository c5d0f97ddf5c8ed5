"""A client that says by HTTP/2 what a test wrote as HTTP/1, for tests of what does not depend on the protocol."""

import http2
import wire
from http2 import DATA, END_HEADERS, END_STREAM, HEADERS, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame


class Client(http2.Client):
    """As `wire.Client`: requests leave on a stream each, responses are read in the order of the requests."""

    def __init__(self, sock, scheme):
        super().__init__(sock, preface=None)
        self.raw(http2.PREFACE + http2.settings())
        self.scheme = scheme
        self.text = b""
        self.waiting = []
        self.made = {}
        self.windows = {0: 65535}
        self.initial = 65535
        # What is left to be sent of a body: its stream, and the bytes to come, nil of one in chunks.
        self.body = None

    def send(self, *data):
        self.text += b"".join(part.encode("latin-1") if isinstance(part, str) else part for part in data)
        while self.step():
            pass

    def raw(self, *data):
        self.socket.sendall(b"".join(data))

    def answer(self, data):
        try:
            self.raw(data)
        except OSError:
            pass

    def step(self):
        if self.body is None:
            end = self.text.find(b"\r\n\r\n")
            if end < 0:
                return False
            head, self.text = self.text[:end], self.text[end + 4 :]
            self.begin(head.decode("latin-1").split("\r\n"))
            return True
        stream, left = self.body
        if left is not None:
            piece, self.text = self.text[:left], self.text[left:]
            if piece:
                self.content(stream, piece, ends=len(piece) == left)
            self.body = (stream, left - len(piece)) if len(piece) < left else None
            return self.body is None
        end = self.text.find(b"\r\n")
        if end < 0:
            return False
        size = int(self.text[:end].split(b";")[0], 16)
        if size == 0:
            finish = self.text.find(b"\r\n\r\n", end)
            if finish < 0:
                return False
            lines = self.text[end + 2 : finish].decode("latin-1")
            self.text = self.text[finish + 4 :]
            self.body = None
            if lines:
                names = [wire.parse_field(line) for line in lines.split("\r\n")]
                self.raw(frame(HEADERS, END_HEADERS | END_STREAM, stream, self.block(names)))
            else:
                self.content(stream, b"", ends=True)
            return True
        if len(self.text) < end + 4 + size:
            return False
        self.content(stream, self.text[end + 2 : end + 2 + size], ends=False)
        self.text = self.text[end + 4 + size :]
        return True

    def begin(self, lines):
        method, path, _ = lines[0].split(" ", 2)
        names, authority, length = [], "", None
        chunked = False
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name, value = name.lower(), value.strip(" \t")
            if name == "host":
                authority = value
            elif name == "transfer-encoding":
                chunked = True
            elif name not in ("connection", "keep-alive", "te", "upgrade"):
                names.append((name, value.encode("latin-1")))
            if name == "content-length":
                length = int(value)
        ends = not chunked and not length
        stream = self.next_stream
        self.next_stream += 2
        self.windows[stream] = self.initial
        self.waiting.append(stream)
        self.made[stream] = []
        head = [(":method", method), (":scheme", self.scheme), (":path", path), (":authority", authority), *names]
        self.raw(frame(HEADERS, END_HEADERS | (END_STREAM if ends else 0), stream, self.block(head)))
        if not ends:
            self.body = (stream, length)

    def content(self, stream, data, ends):
        """Sends content as the windows allow; a response that comes meanwhile is kept."""
        while data:
            room = min(self.windows[0], self.windows[stream], 16384)
            if room <= 0:
                if self.is_over(stream):
                    return
                self.take_frame()
                continue
            piece, data = data[:room], data[room:]
            self.windows[0] -= len(piece)
            self.windows[stream] -= len(piece)
            self.raw(frame(DATA, END_STREAM if ends and not data else 0, stream, piece))
            if not data:
                return
        if ends:
            self.raw(frame(DATA, END_STREAM, stream))

    def is_over(self, stream):
        return any(got.kind == RST_STREAM or got.ends_stream for got in self.made[stream])

    def take_frame(self):
        got = self.read_frame()
        if got is None:
            raise EOFError("the connection ended")
        if got.kind == WINDOW_UPDATE:
            self.windows[got.stream] = self.windows.get(got.stream, 0) + int.from_bytes(got.payload, "big")
        elif got.kind == SETTINGS:
            for place in range(0, len(got.payload), 6):
                name, value = int.from_bytes(got.payload[place : place + 2], "big"), int.from_bytes(got.payload[place + 2 : place + 6], "big")
                if name == 4:
                    for stream in self.windows:
                        if stream:
                            self.windows[stream] += value - self.initial
                    self.initial = value
        elif got.kind == DATA and got.payload and not got.ends_stream:
            self.answer(http2.window_update(got.stream, len(got.payload)))
        if got.kind in (HEADERS, DATA, RST_STREAM) and got.stream in self.made:
            self.made[got.stream].append(got)
        return got

    def get(self, path, *fields, version="HTTP/1.1", method="GET"):
        self.send(wire.request(path, *fields, version=version, method=method))
        return self.read_response(method)

    def post(self, path, body, *fields):
        body = body.encode() if isinstance(body, str) else body
        self.send(wire.request(path, f"Content-Length: {len(body)}", *fields, method="POST").encode() + body)
        return self.read_response("POST")

    def read_response(self, method="GET"):
        stream = self.waiting[0]
        answer = None
        while True:
            while not self.made[stream]:
                self.take_frame()
            got = self.made[stream].pop(0)
            if got.kind == HEADERS and answer is None:
                answer = http2.Response(got.names)
                answer.fields = [(name, value) for name, value in answer.fields]
                if answer.status < 200:
                    return answer
            elif got.kind == HEADERS:
                answer.trailers = [(str(name), str(value)) for name, value in got.names]
            elif got.kind == DATA:
                answer.body += got.payload
            else:
                if answer is None or got.code != "NO_ERROR":
                    raise EOFError(f"the stream was reset: {got.code}")
                break
            if got.ends_stream:
                break
        self.waiting.pop(0)
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def secure(gateway, context, name, session):
    sock = wire.connect(gateway.ports["secure"])
    context.set_alpn_protocols(["h2"])
    return Client(wire.start_tls(sock, context, name, session), "https")


def plain(gateway):
    return Client(wire.connect(gateway.ports["plain"]), "http")
