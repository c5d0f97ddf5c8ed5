"""HTTP/2 clients that send the frames they are told to, well-formed or not."""

import socket
import ssl
import struct

import hpack
import patience
import wire

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
PRIORITY_UPDATE = 0x10

END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
WITH_PRIORITY = 0x20

CODES = (
    "NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED FRAME_SIZE_ERROR "
    "REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM INADEQUATE_SECURITY HTTP_1_1_REQUIRED"
).split()


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """The bytes of a frame; `length` may tell another length than it has."""
    length = len(payload) if length is None else length
    return struct.pack(">I", length)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(*pairs, flags=0):
    return frame(SETTINGS, flags, 0, b"".join(struct.pack(">HI", name, value) for name, value in pairs))


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def reset(stream, code=8):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def fields(path="/ping", method="GET", authority="localhost", scheme="https", more=()):
    return [(":method", method), (":scheme", scheme), (":path", path), (":authority", authority), *more]


class Frame:
    def __init__(self, kind, flags, stream, payload):
        self.kind, self.flags, self.stream, self.payload = kind, flags, stream, payload

    @property
    def ends_stream(self):
        return self.kind in (DATA, HEADERS) and bool(self.flags & END_STREAM)

    @property
    def code(self):
        """The name of the error that RST_STREAM or GOAWAY tells."""
        place = 0 if self.kind == RST_STREAM else 4
        return CODES[struct.unpack(">I", self.payload[place : place + 4])[0]]

    def __repr__(self):
        return f"Frame({self.kind}, {self.flags:#x}, {self.stream}, {self.payload[:40]!r})"


class Client:
    """A connection on which the preface was sent, unless `preface` says otherwise."""

    def __init__(self, sock, preface=PREFACE + settings()):
        self.socket = sock
        self.socket.settimeout(patience.seconds(10))
        self.received = bytearray()
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.next_stream = 1
        self.frames = []
        # Whether the connection's window is given back.
        self.answers = True
        if preface:
            self.send(preface)

    def send(self, *parts):
        self.socket.sendall(b"".join(parts))

    def block(self, names):
        """Field lines as a field block, without a dynamic table, so that any number of them may be left out."""
        block = b""
        for name, value in names:
            name = name.encode() if isinstance(name, str) else name
            value = value.encode() if isinstance(value, str) else value
            block += b"\x00" + integer(len(name), 7) + name + integer(len(value), 7) + value
        return block

    def headers(self, names=None, stream=1, flags=END_STREAM | END_HEADERS):
        return frame(HEADERS, flags, stream, self.block(fields() if names is None else names))

    def read_frame(self):
        """The next frame; None at the end of the connection."""
        while len(self.received) < 9 or len(self.received) < 9 + int.from_bytes(self.received[:3], "big"):
            try:
                data = self.socket.recv(1 << 16)
            except (ConnectionResetError, ssl.SSLError):
                data = b""
            if not data:
                return None
            self.received += data
        length = int.from_bytes(self.received[:3], "big")
        kind, flags, stream = struct.unpack(">BBI", self.received[3:9])
        payload = bytes(self.received[9 : 9 + length])
        del self.received[: 9 + length]
        got = Frame(kind, flags, stream, payload)
        self.frames.append(got)
        if kind == DATA and payload and self.answers:
            self.answer(window_update(0, length))
        if kind == HEADERS:
            # The server's heads are never longer than a frame here.
            got.names = self.decoder.decode(payload)
        if kind == SETTINGS and not flags & ACK:
            self.answer(settings(flags=ACK))
        return got

    def answer(self, data):
        """Sends what the protocol owes, as long as there is somebody to hear it."""
        try:
            self.send(data)
        except OSError:
            pass

    def read_until(self, condition):
        """The first frame of which it holds; None when the connection ends before."""
        while (got := self.read_frame()) is not None:
            if condition(got):
                return got
        return None

    def response(self, stream):
        """Reads the response of a stream, giving windows back: a `wire.Response`, with `reset` where it was reset."""
        answer = None
        interim = []
        while (got := self.read_frame()) is not None:
            if got.kind == GOAWAY and got.code != "NO_ERROR":
                raise AssertionError(f"GOAWAY {got.code}: {got.payload[8:]!r}")
            if got.kind == HEADERS:
                names = got.names
                if got.stream != stream:
                    continue
                if answer is not None:
                    answer.trailers = [(name, value) for name, value in names]
                else:
                    made = Response(names)
                    if made.status < 200:
                        interim.append(made)
                        continue
                    answer = made
                    answer.interim = interim
            elif got.kind == DATA:
                if got.stream != stream:
                    continue
                answer.body += got.payload
                if got.payload and not got.ends_stream:
                    self.answer(window_update(stream, len(got.payload)))
            elif got.kind == RST_STREAM and got.stream == stream:
                answer = answer or Response([(":status", "0")])
                answer.reset = got.code
                return answer
            if got.stream == stream and got.ends_stream:
                return answer
        raise AssertionError(f"the connection ended before a response on stream {stream}: {self.frames}")

    def open(self, names=None, ends=True):
        """Sends a head on the next stream and returns its number."""
        stream = self.next_stream
        self.next_stream += 2
        self.send(self.headers(names, stream, END_HEADERS | (END_STREAM if ends else 0)))
        return stream

    def get(self, path="/ping", **parts):
        more = parts.pop("more", ())
        return self.response(self.open(fields(path, more=more, **parts)))

    def post(self, path, body, more=(), pieces=16384):
        stream = self.open(fields(path, "POST", more=more), ends=False)
        self.send_content(stream, body, pieces)
        return self.response(stream)

    def send_content(self, stream, body, pieces=16384, ends=True):
        """For bodies that the windows have room for."""
        parts = [body[start : start + pieces] for start in range(0, len(body), pieces)] or [b""]
        for part in parts[:-1]:
            self.send(frame(DATA, 0, stream, part))
        self.send(frame(DATA, END_STREAM if ends else 0, stream, parts[-1]))

    def ping(self):
        """Waits until all that was sent before has been seen."""
        self.send(frame(PING, 0, 0, b"isagate!"))
        return self.read_until(lambda got: got.kind == PING and got.flags & ACK) is not None

    def close(self):
        self.socket.close()


class Response(wire.Response):
    def __init__(self, names):
        self.version, self.reason = "HTTP/2.0", ""
        names = [(str(name), str(value)) for name, value in names]
        self.status = int(dict(names)[":status"])
        self.fields = [(name, value) for name, value in names if name != ":status"]
        self.body = b""
        self.trailers = []
        self.interim = []
        self.reset = None


def integer(value, prefix, flags=0):
    """An integer of RFC 7541 §5.1."""
    limit = (1 << prefix) - 1
    if value < limit:
        return bytes([flags | value])
    encoded = [flags | limit]
    value -= limit
    while value >= 128:
        encoded.append(value % 128 + 128)
        value //= 128
    return bytes([*encoded, value])


def request(client, path, *behind, ends=True):
    """The frames of a request on the next stream; `behind` are functions from a stream to what follows the head."""
    stream = client.next_stream
    client.next_stream += 2
    head = client.headers(fields(path, "GET" if ends else "POST"), stream, END_HEADERS | (END_STREAM if ends else 0))
    return head + b"".join(part(stream) for part in behind)


def connect(gateway, listener="secure", name="localhost", context=None, **arguments):
    """A connection that has negotiated HTTP/2, or begins it without TLS where the listener has none."""
    sock = wire.connect(gateway.ports[listener])
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if listener == "secure":
        context = context or wire.client_context(gateway.authority)
        context.set_alpn_protocols(["h2"])
        sock = wire.start_tls(sock, context, name, None)
        assert sock.selected_alpn_protocol() == "h2"
    return gateway.remember(Client(sock, **arguments))


LISTENERS = {
    "secure": {"bind": ["127.0.0.1:0"], "tls": {"alpn": ["h2", "http/1.1"]}},
    "plain": {"bind": ["127.0.0.1:0"], "h2c": "on"},
}
