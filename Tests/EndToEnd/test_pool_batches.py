"""Requests for an isolated extension that arrive together: they go to its process together, and fail alone."""

import gateway
import http2
import patience
import pytest

COUNT = 24


def pool(**settings):
    return {"run": "isolated", "rapid_fail": {"crashes": 1000}, **settings}


@pytest.fixture
def start(start_gateway):
    """A function that starts a gateway with these extensions, and returns it and a connection by HTTP/2."""

    def start(extensions, warm):
        server = start_gateway([gateway.PING], extensions, listeners=http2.LISTENERS, workers=1)
        client = http2.connect(server)
        # Until it is known how long its requests take.
        for _ in range(50):
            assert client.get(warm).status == 200
        return server, client

    return start


def send_together(client, paths):
    """Sends requests in one write; the number of the first stream."""
    first = client.next_stream
    client.send(b"".join(http2.request(client, path) for path in paths))
    return first


def responses(client, first, count):
    """The status and the body of each, in the order of the requests."""
    found = [[0, b""] for _ in range(count)]
    left = set(range(count))
    while left:
        got = client.read_frame()
        assert got is not None, "the connection ended"
        index = (got.stream - first) // 2
        if got.stream < first:
            continue
        if got.kind == http2.HEADERS:
            found[index][0] = int(dict(got.names)[":status"])
        elif got.kind == http2.DATA:
            found[index][1] += got.payload
        if got.ends_stream:
            left.discard(index)
    return found


def test_each_gets_its_own_answer(start):
    server, client = start({"slow": pool()}, "/slow?0")
    for _ in range(20):
        first = send_together(client, [f"/slow?{-number}" for number in range(COUNT)])
        assert responses(client, first, COUNT) == [[200, b"%d\n" % -number] for number in range(COUNT)]


def test_those_behind_one_that_waits_are_answered_before_it(start):
    server, client = start({"slow": pool(threads=2)}, "/slow?0")
    for _ in range(3):
        first = send_together(client, ["/slow?3000"] + ["/slow?0"] * COUNT)
        ended = []
        while len(ended) < COUNT + 1:
            got = client.read_frame()
            if got.stream >= first and got.ends_stream:
                ended.append(got.stream)
        assert ended[-1] == first


@pytest.mark.parametrize("how", ["segv", "abort", "exit", "stack"])
def test_a_crash_costs_none_of_those_before_and_behind_it(start, how):
    server, client = start({"ends_process": pool()}, "/ends_process")
    for _ in range(5):
        crash = COUNT // 2
        paths = ["/ends_process"] * COUNT
        paths[crash] += f"?{how}"
        first = send_together(client, paths)
        found = [status for status, _ in responses(client, first, COUNT)]
        assert found == [200] * crash + [502] + [200] * (COUNT - crash - 1)
        for _ in range(20):
            assert client.get("/ends_process").status == 200


def test_what_one_has_written_is_sent_although_the_next_takes_long(start):
    server, client = start({"slow": pool(threads=1)}, "/slow?0")
    first = send_together(client, ["/slow?0", "/slow?0", "/slow?2000"])
    assert responses(client, first, 2) == [[200, b"0\n"]] * 2
    assert client.response(first + 4).text == "2000\n"


def test_forged_messages_and_a_forged_memory_cost_nobody_else_a_request(start):
    server, client = start({"forges": pool(request_timeout="2s"), "hello": pool()}, "/hello")
    other = http2.connect(server)
    for seed in range(30):
        send_together(client, [f"/forges?{seed * COUNT + number}" for number in range(COUNT)])
        first = send_together(other, ["/hello"] * 8)
        assert [status for status, _ in responses(other, first, 8)] == [200] * 8
    patience.until(lambda: other.get("/hello").status == 200)
    assert len(server.gateway_pids) == 1
