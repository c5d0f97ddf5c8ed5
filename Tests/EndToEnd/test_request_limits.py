"""Limits of routes: requests that are too frequent, or too many at the same time, are answered 429 with Retry-After."""

import concurrent.futures

import pytest

import gateway


def limited(path, **limit):
    return {"path": path, "respond": {"body": "ok\n"}, "limit": limit}


@pytest.fixture
def running(start_gateway):
    return start_gateway(
        routes=[
            limited("/burst", rate={"requests": "1/h", "burst": 3}),
            limited("/key", rate={"requests": "1/h", "by": {"header": "X-Key"}}),
            limited("/cookie", rate={"requests": "1/h", "by": {"cookie": "id"}}),
            {"path": "/slow", "extension": "pending_forever", "limit": {"concurrency": {"requests": 2}}},
        ],
        extensions={"pending_forever": {"threads": 4, "request_timeout": "2s"}},
        environment=gateway.ABANDONING,
        drain={"grace": "500ms"},
    )


def statuses(client, path, *fields, count):
    return [client.get(path, *fields).status for _ in range(count)]


def test_after_the_burst_requests_are_refused_on_all_workers_together(running):
    answers = []
    for _ in range(6):
        with running.plain() as client:
            answers.append(client.get("/burst"))
    assert [answer.status for answer in answers] == [200] * 3 + [429] * 3
    assert 3000 < int(answers[-1]["Retry-After"]) <= 3600


def test_a_refused_client_keeps_its_connection(running):
    client = running.secure()
    assert statuses(client, "/burst", count=5) == [200, 200, 200, 429, 429]


def test_requests_are_counted_by_the_key_of_the_route(running):
    client = running.plain()
    assert statuses(client, "/key", "X-Key: a", count=2) == [200] + [429]
    assert statuses(client, "/key", "X-Key: b", count=2) == [200] + [429]
    assert statuses(client, "/cookie", "Cookie: x=y; id=1", count=2) == [200] + [429]
    assert statuses(client, "/cookie", "Cookie: id=2", count=2) == [200] + [429]


def test_counting_goes_on_through_a_reload(running):
    client = running.plain()
    assert statuses(client, "/burst", count=3) == [200] * 3
    running.signal(gateway.signal.SIGHUP)
    running.log.wait_for(" reload: ")
    assert client.get("/burst").status == 429


def test_more_requests_at_a_time_are_refused(running):
    clients = [running.plain() for _ in range(3)]
    with concurrent.futures.ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda client: client.get("/slow"), clients))
    assert sum(answer.status == 429 for answer in answers) == 1
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused["Retry-After"] == "1"
