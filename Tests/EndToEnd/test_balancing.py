"""Which server of an upstream answers: balancing, backups, capacity, cookies, and health."""

import collections
import concurrent.futures
import json
import threading

import pytest

import origin
import patience


@pytest.fixture
def origins():
    started = [origin.Origin(name) for name in "abc"]
    yield started
    for each in started:
        if each.held is not None:
            each.held.set()
        each.stop()


def upstream(origins, servers=None, **keys):
    servers = servers or [{} for _ in origins]
    listed = [{"url": each.url, **server} for each, server in zip(origins, servers)]
    return {"upstreams": {"api": {"servers": listed, **keys}}, "routes": [{"path": "/*", "proxy": {"to": "api"}}]}


def names(client, count, *fields):
    return [client.get("/", *fields).text.split()[0] for _ in range(count)]


@pytest.fixture
def start(start_gateway):
    """Starts a gateway with one worker, whose turns can be predicted."""
    return lambda configuration: start_gateway(workers=1, admin={"socket": "admin.sock"}, **configuration)


def states(gateway):
    status = json.loads(gateway.command("status", "--json").stdout)
    return [server["state"] for server in status["gateway"]["upstreams"][0]["servers"]]


def test_servers_take_turns_by_weight(start, origins):
    client = start(upstream(origins, [{"weight": 2}, {}, {}])).plain()
    assert collections.Counter(names(client, 8)) == {"a": 4, "b": 2, "c": 2}


def test_the_server_with_the_fewest_requests_is_asked(start, origins):
    gateway = start(upstream(origins[:2], balance="least_connections"))
    origins[0].held = origins[1].held = threading.Event()
    waiting = gateway.plain()
    waiting.send("GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n")
    patience.until(lambda: origins[0].requests or origins[1].requests)
    busy = "a" if origins[0].requests else "b"
    assert busy not in names(gateway.plain(), 6)


def test_a_key_keeps_its_server(start, origins):
    client = start(upstream(origins, balance="hash", hash_by={"header": "X-User"})).plain()
    # Enough keys for each of three servers to be selected, whatever the ports in their hashes.
    chosen = {user: names(client, 2, f"X-User: {user}") for user in range(60)}
    assert all(len(set(each)) == 1 for each in chosen.values())
    assert len({each[0] for each in chosen.values()}) == 3


def test_a_backup_is_asked_when_no_other_may_be(start, origins):
    client = start(upstream(origins, [{}, {"backup": True}, {"backup": True}])).plain()
    assert set(names(client, 4)) == {"a"}
    origins[0].stop()
    assert set(names(client, 6)) == {"b", "c"}


def test_a_client_comes_back_to_its_server_by_cookie(start, origins):
    client = start(upstream(origins, sticky={"cookie": "srv", "max_age": "1h"})).plain()
    first = client.get("/")
    cookie, _, attributes = first["Set-Cookie"].partition("; ")
    assert attributes == "Path=/; HttpOnly; SameSite=Lax; Max-Age=3600"
    for _ in range(5):
        again = client.get("/", f"Cookie: a=b; {cookie}")
        assert (again.text, again["Set-Cookie"]) == (first.text, None)
    assert client.get("/", "Cookie: srv=0123456789abcdef0123456789abcdef")["Set-Cookie"] is not None


def test_a_full_server_lets_requests_wait_and_refuses_when_too_many_do(start, origins):
    gateway = start(upstream(origins[:1], [{"max_connections": 1}], queue={"requests": 1, "timeout": "5s"}))
    origins[0].held = threading.Event()
    clients = [gateway.plain() for _ in range(3)]
    with concurrent.futures.ThreadPoolExecutor(3) as threads:
        answers = [threads.submit(client.get, "/hold") for client in clients]
        (refused,) = concurrent.futures.wait(answers, return_when="FIRST_COMPLETED").done
        assert (refused.result().status, refused.result()["Retry-After"]) == (503, "1")
        origins[0].held.set()
    assert sorted(answer.result().status for answer in answers) == [200, 200, 503]


def test_a_request_does_not_wait_longer_than_it_may(start, origins):
    gateway = start(upstream(origins[:1], [{"max_connections": 1}], queue={"timeout": "200ms"}))
    origins[0].held = threading.Event()
    waiting = gateway.plain()
    waiting.send("GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n")
    patience.until(lambda: origins[0].requests)
    assert gateway.plain().get("/").status == 503
    origins[0].held.set()
    assert waiting.read_response().status == 200


def test_a_server_whose_requests_fail_is_left_out_for_a_while(start, origins):
    passive = {"fails": 2, "within": "10s", "eject": "1s"}
    gateway = start(upstream(origins[:2], health={"passive": passive}))
    client = gateway.plain()
    origins[0].stop()
    assert set(names(client, 8)) == {"b"}
    assert states(gateway) == ["ejected", "up"]
    gateway.log.wait_for(r"upstream api: 127.0.0.1:\d+ is left out for a while")
    origins[0].start()
    gateway.log.lines.clear()
    patience.until(lambda: "a" in names(client, 4))


def test_checks_take_a_server_out_and_bring_it_back(start, origins):
    active = {"path": "/up", "every": "300ms", "timeout": "300ms", "rise": 1, "fall": 2, "status": 200}
    gateway = start(upstream(origins[:2], health={"active": active}))
    client = gateway.plain()
    origins[0].status = 500
    gateway.log.wait_for(r"warning: upstream api: 127.0.0.1:\d+ is down: status 500")
    assert set(names(client, 6)) == {"b"}
    assert states(gateway) == ["down", "up"]
    origins[0].status = 200
    gateway.log.wait_for(r"notice: upstream api: 127.0.0.1:\d+ is well again")
    assert set(names(client, 6)) == {"a", "b"}


def test_what_checks_found_survives_a_reload(start, origins):
    active = {"path": "/up", "every": "300ms", "timeout": "300ms", "rise": 100, "fall": 1, "status": 200}
    gateway = start(upstream(origins[:2], health={"active": active}))
    origins[0].status = 500
    gateway.log.wait_for(r"warning: upstream api: 127.0.0.1:\d+ is down: status 500")
    origins[0].status = 200
    configuration = gateway.configuration
    configuration["upstreams"]["api"]["retries"] = 2
    gateway.configure(configuration)
    gateway.signal(1)
    gateway.log.wait_for(" reload: ")
    assert set(names(gateway.plain(), 6)) == {"b"}
