"""Extensions that break the contract affect only their own requests."""

import threading

import gateway
import wire

INVALID_PARAMETER = 87
INVALID_INDEX = 1413
INSUFFICIENT_BUFFER = 122


def test_forbidden_calls_are_refused_with_the_contracts_errors(start_gateway):
    server = start_gateway([gateway.PING], ["bad_calls"])
    client = server.secure()
    response = client.get("/bad_calls")
    assert response.status == 200
    results = {name: (int(result), int(error)) for name, result, error in map(str.split, response.text.splitlines())}
    assert results.pop("head") == (1, 0)
    assert results.pop("variable-unknown") == (0, INVALID_INDEX)
    assert results.pop("variable-empty-name") == (0, INVALID_INDEX)
    assert results.pop("variable-small-buffer") == (0, INSUFFICIENT_BUFFER)
    # A missing buffer is one that is too small.
    assert results.pop("variable-null-buffer")[0] == 0
    assert results == dict.fromkeys(results, (0, INVALID_PARAMETER))
    assert client.get("/ping").status == 200


def test_calls_after_the_end_of_a_request_are_refused(start_gateway):
    server = start_gateway([gateway.PING], ["write_after_done"])
    client = server.secure()
    assert client.get("/write_after_done").text == "done\n"
    lines = client.get("/write_after_done?report").text.splitlines()
    assert lines == [
        "done 1",
        f"write 0 error {INVALID_PARAMETER}",
        f"head 0 error {INVALID_PARAMETER}",
        f"done again 0 error {INVALID_PARAMETER}",
    ]
    assert client.get("/ping").status == 200


def test_calls_that_belong_to_no_request_are_logged_with_the_extension_the_call_and_the_request(start_gateway):
    server = start_gateway(extensions=["write_after_done", "bad_calls"], request_id={"accept": True})
    client = server.secure()
    assert client.get("/write_after_done", "X-Request-ID: late-caller").text == "done\n"
    for call in ["WriteClient", r"ServerSupportFunction\(1016\)", "HSE_REQ_DONE_WITH_SESSION"]:
        server.log.wait_for(
            f"misbehaviour: extension write_after_done: called {call} after the end of its request, request late-caller$"
        )
    client.get("/bad_calls")
    for call in ["GetServerVariable", "WriteClient", "ReadClient", r"ServerSupportFunction\(1008\)"]:
        server.log.wait_for(f"misbehaviour: extension bad_calls: called {call} with a ConnID that never was one$")


def test_calls_that_belong_to_no_request_do_not_flood_the_log(start_gateway):
    server = start_gateway(extensions=["storm"])
    client = server.secure()
    assert client.get("/storm").status == 200
    server.log.wait_for("extension storm: called .* with a ConnID that never was one")
    assert int(client.get("/storm?report").text.split()[0]) > 10_000
    # One line of a kind in a second, and only so many calls are examined.
    assert len([line for line in server.log.lines if "extension storm: called" in line]) < 2_000


def test_calls_after_the_end_never_reach_a_later_request(start_gateway):
    server = start_gateway(extensions=["write_after_done"])
    client = server.secure()
    client.send("".join(wire.request("/write_after_done") for _ in range(50)))
    for _ in range(50):
        response = client.read_response()
        assert (response.text, response["X-Late"]) == ("done\n", None)


def test_ten_threads_at_once_get_the_documented_refusals_and_disturb_nobody(start_gateway):
    server = start_gateway(extensions=["storm", "hello"])
    over = threading.Event()
    others = []

    def ask():
        with server.plain() as client:
            # No more than the addresses of ended requests stay unused for.
            for _ in range(400):
                if over.is_set():
                    break
                others.append(client.get("/hello").text)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        client = server.secure()
        for _ in range(3):
            response = client.get("/storm")
            # Whole lines of all threads, and nothing else.
            assert response.status == 200
            assert response.text == "one line of a thread's own bytes\n" * 10 * 20
    finally:
        over.set()
        thread.join()
    made, *wrong = client.get("/storm?report").text.splitlines()
    assert wrong == []
    assert int(made.split()[0]) > 100_000
    assert set(others) == {"Hello, world\n"}


def test_an_extension_that_refuses_to_load_costs_its_route_only(start_gateway):
    server = start_gateway([gateway.PING], ["refuses_to_load", "hello"])
    client = server.secure()
    assert client.get("/refuses_to_load").status == 500
    assert client.get("/hello").text == "Hello, world\n"
    assert client.get("/ping").status == 200
    access_denied = 5
    server.log.wait_for(f"error: .*refuses_to_load.*{access_denied}")


def test_a_dllmain_that_refuses_costs_its_route_only(start_gateway):
    server = start_gateway([gateway.PING], ["dllmain"], environment={"ISAGATE_TEST_REFUSE": "1"})
    assert server.secure().get("/dllmain").status == 500
    assert server.secure().get("/ping").status == 200
    server.log.wait_for("error: .*dllmain.*DllMain")


def test_a_request_that_never_ends_is_answered_after_its_time(start_gateway):
    server = start_gateway(
        [gateway.PING],
        {"pending_forever": {"request_timeout": "300ms"}},
        environment=gateway.ABANDONING,
        drain={"grace": "1s"},
    )
    client = server.secure()
    response = client.get("/pending_forever")
    assert response.status == 504
    server.log.wait_for("extension pending_forever: no response within the request timeout")
    assert server.secure().get("/ping").status == 200


def test_a_late_answer_does_not_reach_the_next_request(start_gateway):
    server = start_gateway(extensions={"slow": {"request_timeout": "200ms", "threads": 1}})
    assert server.secure().get("/slow?1000").status == 504
    # Waits in the queue until the thread is free.
    response = server.secure().get("/slow?0")
    assert response.status in (200, 504)
    assert response.text != "1000\n"


def test_a_full_queue_is_answered_503_with_retry_after(start_gateway):
    server = start_gateway([gateway.PING], {"slow": {"threads": 1, "queue": 1}})
    clients = [server.secure() for _ in range(6)]
    for client in clients:
        client.send(wire.request("/slow?1000"))
    responses = [client.read_response() for client in clients]
    refused = [response for response in responses if response.status == 503]
    assert 2 <= len(refused) <= 4 and len(responses) - len(refused) >= 2
    assert all(int(response["Retry-After"]) > 0 for response in refused)
    server.log.wait_for("extension slow: queue full")
    assert clients[0].get("/ping").status == 200


def test_a_client_that_leaves_does_not_disturb_the_extension(start_gateway):
    server = start_gateway([gateway.PING], ["stream"])
    for _ in range(5):
        client = server.secure()
        client.send(wire.request("/stream?count=1000&size=100000"))
        client.read_bytes(100)
        client.close()
    assert server.secure().get("/stream?count=1&size=3").text == "aaa"
