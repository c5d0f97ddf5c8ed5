"""A request on kept connections allocates no memory."""

import struct

import gateway as gateways
import hostile_origin
import pytest

pytestmark = pytest.mark.skipif(
    "release" not in gateways.binary() or "asan" in gateways.binary(), reason="other builds allocate for themselves"
)


@pytest.fixture
def origin():
    with hostile_origin.Origin() as origin:
        fields = ["Content-Type: text/plain", "Cache-Control: no-store", "Content-Length: 1024"]
        origin.on("/x", hostile_origin.head(*fields) + b"x" * 1024, hostile_origin.KEEP)
        yield origin


def test_no_memory_is_asked_for(start_gateway, origin, build_extension, tmp_path):
    counter = tmp_path / "count"
    gateway = start_gateway(
        [{"path": "/*", "proxy": {"to": "a"}}],
        upstreams={"a": {"servers": [{"url": origin.url}]}},
        workers=1,
        log={},
        arguments=["--foreground-single"],
        environment={"LD_PRELOAD": build_extension("count_allocations"), "ALLOCATION_COUNT": str(counter)},
    )
    client = gateway.plain()

    def allocations(requests):
        before = struct.unpack("N", counter.read_bytes())[0]
        for _ in range(requests):
            assert client.get("/x", "Accept: */*", "User-Agent: test").status == 200
        return struct.unpack("N", counter.read_bytes())[0] - before

    allocations(100)
    assert allocations(500) == 0
    assert origin.connections == 1
