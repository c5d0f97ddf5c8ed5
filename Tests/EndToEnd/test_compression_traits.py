"""Codings that only some builds have: Brotli and Zstandard (`make test-traits`)."""

import random
import subprocess

import gateway as gateways
import patience
import pytest
from test_compression import prose


@pytest.fixture(scope="module")
def server(start_shared_gateway):
    site = gateways.site([{"path": "/prose", "extension": "prose"}, {"path": "/events", "extension": "events"}])
    site["compress"] = {"min_size": 1}
    return start_shared_gateway(sites=[site], extensions=["prose", "events"])


@pytest.fixture(params=["br", "zstd"])
def coding(request, server):
    response = server.plain().get("/prose", f"Accept-Encoding: {request.param}")
    if response["Content-Encoding"] is None:
        pytest.skip("built without the trait")
    assert response["Content-Encoding"] == request.param
    return request.param


def curl(server, *paths, accepted, folder):
    """The responses as curl decodes them."""
    places = [argument for number, path in enumerate(paths) for argument in ("-o", f"{folder}/{number}", server.url(path))]
    command = ["curl", "-sS", "--compressed", "-H", f"Accept-Encoding: {accepted}", "--cacert", str(server.authority)]
    subprocess.run([*command, *places], check=True, timeout=patience.seconds(60))
    return [(folder / str(number)).read_bytes() for number in range(len(paths))]


def test_bodies_of_all_sizes_come_out_as_they_went_in(server, coding, tmp_path):
    dice = random.Random(coding)
    sizes = [1, 2, 1024, 65536, 262144, 1 << 20] + [dice.randrange(1 << 20) for _ in range(10)]
    queries = [
        f"/prose?size={size}&seed={dice.randrange(10000)}&most={dice.choice([1000, 20000, 300000])}"
        f"&length={dice.randrange(2)}&wait={int(size < 70000)}"
        for size in sizes
    ]
    for size, content in zip(sizes, curl(server, *queries, accepted=coding, folder=tmp_path)):
        assert content == prose(size)


def test_a_coding_of_the_build_is_preferred_among_equals(server, coding):
    client = server.secure()
    assert client.get("/prose", f"Accept-Encoding: gzip, deflate, {coding}")["Content-Encoding"] == coding
    assert client.get("/prose", f"Accept-Encoding: gzip, {coding};q=0.9")["Content-Encoding"] == "gzip"
    assert client.get("/prose", f"Accept-Encoding: gzip;q=0.5, {coding};q=0")["Content-Encoding"] == "gzip"
    both = client.get("/prose", "Accept-Encoding: gzip, zstd, br")["Content-Encoding"]
    assert both in (coding, "br")


def test_each_event_arrives_before_the_next_is_made(server, coding):
    command = ["curl", "-sSN", "--compressed", "-H", f"Accept-Encoding: {coding}", server.url("/events?count=3", "plain")]
    reading = subprocess.Popen(command, stdout=subprocess.PIPE)
    allowing = server.plain()
    for number in range(3):
        assert allowing.get("/events?allow").status == 200
        event = b"id: %d\ndata: event %d\n\n" % (number, number)
        assert reading.stdout.read(len(event)) == event
    assert reading.stdout.read() == b""
    assert reading.wait(patience.seconds(10)) == 0
