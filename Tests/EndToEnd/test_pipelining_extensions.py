"""Pipelined requests to handlers of different speed are answered in order."""

import gateway
import wire


def test_slow_and_fast_answers_come_in_the_order_of_their_requests(start_gateway):
    client = start_gateway([gateway.PING], ["slow", "hello", "pending"]).secure()
    expected = {
        "/slow?300": "300\n",
        "/ping": "pong\n",
        "/pending": "Answered later, from another thread.\n",
        "/slow?0": "0\n",
        "/hello": "Hello, world\n",
    }
    paths = list(expected) * 4
    client.send("".join(wire.request(path) for path in paths))
    assert [client.read_response().text for _ in paths] == [expected[path] for path in paths]


def test_a_hundred_requests_to_an_extension_are_answered_in_order(start_gateway):
    client = start_gateway(extensions=["many_threads"]).secure()
    client.send("".join(wire.request(f"/many_threads?{n}") for n in range(100)))
    assert [client.read_response().text for _ in range(100)] == [f"{n}\n" for n in range(100)]


def test_bodies_between_pipelined_requests_belong_to_their_own_request(start_gateway):
    client = start_gateway([gateway.PING], ["echo"]).secure()
    for n in range(20):
        client.send(wire.request("/echo", f"Content-Length: {n}", method="POST") + "x" * n + wire.request("/ping"))
    for n in range(20):
        assert client.read_response().text == "x" * n
        assert client.read_response().text == "pong\n"


def test_an_early_answer_does_not_wait_for_a_slow_one_behind_it(start_gateway):
    server = start_gateway(
        [gateway.PING], ["pending_forever"], environment=gateway.ABANDONING, drain={"grace": "300ms"}
    )
    client = server.secure()
    client.send(wire.request("/ping") + wire.request("/pending_forever"))
    assert client.read_response().text == "pong\n"


def test_the_requests_behind_an_error_are_not_answered(start_gateway):
    client = start_gateway([gateway.PING], ["returns"]).secure()
    client.send(wire.request("/returns?code=4") + wire.request("/ping"))
    assert client.read_response().text == "returned 4\n"
    client.expect_end()
