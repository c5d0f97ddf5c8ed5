"""Servers of an upstream from something that only says that it is an etcd: the reason is named, and nothing changes."""

import json
import socketserver
import threading
import time

import pytest

import origin
import patience
from etcd import encoded

PREFIX = "/services/app/"


def whole(status, body):
    """A response whose end is the connection's."""
    return lambda send: send(f"HTTP/1.1 {status} Status\r\nConnection: close\r\n\r\n{body}".encode())


def answer(message):
    return whole(200, json.dumps(message))


def pair(name, value, revision=2):
    return {"key": encoded(PREFIX + name), "value": encoded(value), "mod_revision": str(revision)}


def keys(*pairs, **more):
    return answer({"header": {"revision": "2"}, "kvs": list(pairs), **more})


def endless(piece):
    """Never ends; the client has to."""

    def write(send):
        send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = piece.encode() * (65536 // len(piece))
        while True:
            send(b"%x\r\n%s\r\n" % (len(chunk), chunk))

    return write


def stream(*lines):
    """A watch that goes on after these messages, until the member says something else."""

    def write(send):
        body = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines).encode()
        send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(body), body))
        return True

    return write


def hanging(_):
    """No answer, until the member says something else."""
    return True


CREATED = {"result": {"header": {"revision": "2"}, "created": True}}


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        target = self.rfile.readline().split()[1].decode()
        length = 0
        while (line := self.rfile.readline().strip()) != b"":
            name, value = line.split(b":", 1)
            length = int(value) if name.lower() == b"content-length" else length
        self.rfile.read(length)
        member = self.server.member
        with member.lock:
            member.requests.append(target)
            write, ended = member.answers[target], member.ended
        try:
            if write(self.connection.sendall):
                ended.wait()
        except OSError:
            pass  # the gateway has had enough


class Member(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.member = self
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.answers = {}
        self.requests = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def say(self, keys, watch=stream(CREATED)):
        """From now on; whatever goes on ends."""
        with self.lock:
            self.ended.set()
            self.ended = threading.Event()
            self.answers = {"/v3/kv/range": keys, "/v3/watch": watch}

    def close(self):
        self.ended.set()
        self.shutdown()
        self.server_close()


@pytest.fixture
def known():
    started = origin.Origin("known")
    yield started
    started.stop()


@pytest.fixture
def start(start_gateway, known, tmp_path):
    """Starts a gateway that knows one server of each of `count` upstreams, from a member each; both are returned."""
    members = []

    def start(count):
        for _ in range(count):
            members.append(Member())
            members[-1].say(keys(pair("a", known.url)))
        settings = {"prefix": PREFIX, "storage": str(tmp_path / "etcd"), "interval": "500ms", "timeout": "1s"}
        server = start_gateway(
            workers=1,
            admin={"socket": "admin.sock"},
            upstreams={
                f"u{index}": {"servers_from": {"etcd": member.url, **settings}} for index, member in enumerate(members)
            },
            routes=[{"path": f"/{index}", "proxy": {"to": f"u{index}"}} for index in range(count)],
        )
        for index in range(count):
            server.log.wait_for(f"servers of upstream u{index}: 1 added")
        return server, members

    yield start
    for each in members:
        each.close()


def expect_no_change(server, known):
    status = json.loads(server.command("status", "--json").stdout)
    for index, upstream in enumerate(status["gateway"]["upstreams"]):
        assert [each["url"] for each in upstream["servers"]] == [known.url]
        assert server.plain().get(f"/{index}").text.split()[0] == "known"


ANSWERS = [
    (whole(200, "<html>"), "the answer about the keys is not JSON"),
    (whole(200, "[" * 100_000), "the answer about the keys is not JSON"),
    (keys({**pair("a", "http://a"), "key": "?"}), "the answer about the keys is not base64"),
    (keys({"key": encoded("/x")}), "no number as 'mod_revision'"),
    (answer({"kvs": []}), "the answer about the keys has no 'header'"),
    (keys(more=True), "more than 1024 keys"),
    (endless("x"), "a document of more than 8388608 bytes"),
    (whole(503, '{"error":"no\\nleader","message":"no\\nleader","code":14}'), "it refuses with status 503: no leader"),
    (whole(404, "404 page not found"), "it refuses with status 404: 404 page not found"),
    (lambda send: send(b"SSH-2.0-OpenSSH\r\n"), "a response that is none of HTTP/1.1"),
    (lambda send: None, "the connection ended before the response"),
    (hanging, "no response in time"),
]


def test_answers_about_the_keys(start, known):
    server, members = start(len(ANSWERS))
    for member, (nonsense, _) in zip(members, ANSWERS):
        member.say(nonsense)
    for index, (_, reason) in enumerate(ANSWERS):
        server.log.wait_for(rf"servers of upstream u{index} cannot be learned: .*{reason}.*\(etcd_failing\)")
    expect_no_change(server, known)
    for member in members:
        member.say(keys(pair("a", known.url)))
    for index in range(len(members)):
        server.log.wait_for(f"1 server of upstream u{index} from .* again, at revision 2")


WATCHES = [
    (stream(CREATED, "nonsense"), "a message of the watch is not JSON"),
    (stream({"result": {"header": {"revision": "3"}, "events": [{"kv": {"key": "!", "mod_revision": "3"}}]}}), "is not base64"),
    (stream({"result": {"header": {"revision": "3"}, "events": [{"type": "MOVE", "kv": pair("a", "x", 3)}]}}), "an unknown type"),
    (stream({"other": {}}), "a message of the watch without a result"),
    (endless("x"), "a message of more than 8388608 bytes"),
    (stream({"result": {"header": {"revision": "3"}, "canceled": True, "cancel_reason": "not you"}}), "ended the watch: not you"),
    (whole(401, '{"error":"permission denied"}'), "it refuses with status 401: permission denied"),
    (whole(200, json.dumps(CREATED) + "\n"), "the member has ended the watch"),
    (stream({"result": {"header": {"revision": "9"}, "canceled": True, "compact_revision": "7"}}), "before revision 7 was compacted"),
]  # fmt: skip


def test_messages_of_a_watch(start, known):
    server, members = start(len(WATCHES))
    for member, (nonsense, _) in zip(members, WATCHES):
        member.say(keys(pair("a", known.url)), nonsense)
    for index, (_, reason) in enumerate(WATCHES):
        server.log.wait_for(rf"u{index}\b.*{reason}|{reason}.*u{index}\b")
    expect_no_change(server, known)
    # They are not asked all the time.
    patience.until(lambda: len(members[0].requests) > 6)
    assert len(members[0].requests) < 40
    added = {"result": {"header": {"revision": "3"}, "events": [{"kv": pair("b", "http://127.0.0.1:1", 3)}]}}
    for member in members:
        member.say(keys(pair("a", known.url)), stream(CREATED, added))
    for index in range(len(members)):
        server.log.wait_for(f"servers of upstream u{index}: 1 added, 0 removed, 2 in use")


def test_the_end_of_the_gateway_does_not_wait_for_etcd(start):
    server, (member,) = start(1)
    member.say(hanging, hanging)
    server.log.wait_for("cannot be learned: .*no response in time")
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < patience.seconds(10)
