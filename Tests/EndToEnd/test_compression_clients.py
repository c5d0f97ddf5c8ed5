"""Common clients, on coded bodies of all sizes and written in all kinds of pieces: they decode what was written."""

import gzip
import hashlib
import random
import subprocess

import browser
import gateway as gateways
import patience
import pytest

EDGES = [0, 1, 2, 1023, 1024, 1025, 16383, 16384, 65535, 65536, 262143, 262144, 262145, (1 << 20) - 1, 1 << 20]
PAGE = """<!doctype html><script>
async function read() {
  const sums = [];
  for (const path of %s) {
    const content = await (await fetch(path, { cache: "no-store" })).arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
    sums.push(Array.from(digest, byte => byte.toString(16).padStart(2, "0")).join(""));
  }
  return sums;
}
</script>"""


def bodies(seed, count):
    """Paths below the coded route, and the sizes of their bodies: every edge, and sizes drawn from 0 to 1 MiB."""
    dice = random.Random(seed)
    for size in EDGES + [dice.randrange((1 << 20) + 1) for _ in range(count - len(EDGES))]:
        most = dice.choice([1 + size // 40, 1 + size // 5, size + 1])
        yield (
            f"size={size}&seed={dice.randrange(100000)}&most={most}&length={dice.randrange(2)}&binary={dice.randrange(2)}",
            size,
        )


@pytest.fixture(scope="module")
def server(start_shared_gateway):
    routes = [
        {"path": "/coded", "compress": {"min_size": 0, "level": 1}, "extension": "prose"},
        {"path": "/plain", "extension": "prose"},
        {
            "path": "/page",
            "respond": {
                "headers": {"Content-Type": "text/html; charset=utf-8"},
                "body": PAGE % [f"/coded?{query}" for query, _ in bodies("browser", len(EDGES))],
            },
        },
    ]
    return start_shared_gateway(routes, extensions=["prose"])


def plain(client, query, size):
    response = client.get(f"/plain?{query}")
    assert (len(response.body), response["Content-Encoding"]) == (size, None)
    return response.body


def curl(server, folder, queries, *arguments):
    """The files that curl writes, one for each query."""
    files = [folder / f"{number}.gz" for number in range(len(queries))]
    places = [item for query, file in zip(queries, files) for item in ("-o", file, server.url(f"/coded?{query}"))]
    command = ["curl", "-sS", "--cacert", str(server.authority), *arguments, *places]
    subprocess.run(command, check=True, timeout=patience.seconds(60))
    return files


def test_curl_reads_what_was_written(server, tmp_path):
    drawn = list(bodies("curl", 60))
    client = server.plain()
    files = curl(server, tmp_path, [query for query, _ in drawn], "--compressed")
    for (query, size), file in zip(drawn, files):
        assert file.read_bytes() == plain(client, query, size), query


def test_gzip_finds_no_fault_with_what_is_sent(server, tmp_path):
    drawn = list(bodies("gzip", 40))
    client = server.plain()
    files = curl(server, tmp_path, [query for query, _ in drawn], "-H", "Accept-Encoding: gzip")
    subprocess.run(["gzip", "-t", *files], check=True, timeout=patience.seconds(60))
    for (query, size), file in zip(drawn, files):
        assert gzip.decompress(file.read_bytes()) == plain(client, query, size), query


@browser.needed
def test_a_browser_reads_what_was_written(server, tmp_path):
    with browser.opened(tmp_path) as window:
        window.show(server.url("/page", "plain"), 800, 600)
        sums = window.evaluate("read()")
    client = server.plain()
    drawn = bodies("browser", len(EDGES))
    assert sums == [hashlib.sha256(plain(client, query, size)).hexdigest() for query, size in drawn]
