"""Limits of a fleet on hosts of their own, and with sentinels."""

import asyncio
import json
import re
import time

import free_ports
import gateway
import network
import patience
import pytest
from redis_server import Redis, Sentinel
from test_shared_limits import BACK, LOST, limited, rate, start, status, statuses  # noqa: F401


def test_sentinels_name_the_master_also_after_it_has_changed(start, tmp_path):  # noqa: F811
    with Redis(tmp_path, name="first") as first:
        with Redis(tmp_path, f"replicaof 127.0.0.1 {first.port}", "repl-diskless-sync-delay 0", name="second") as second:
            patience.until(lambda: "master_link_status:up" in second.ask("INFO", "replication"), 20)
            with Sentinel(tmp_path, first) as sentinel:
                patience.until(lambda: len(sentinel.ask("SENTINEL", "replicas", "main")) == 1, 30)
                gone = free_ports.take(1)[0]
                url = f"redis+sentinel://127.0.0.1:{gone},127.0.0.1:{sentinel.port}/main"
                server = start(url, limited(**rate(burst=1, by="route")), on_failure="deny")
                assert statuses([server], 2) == [200, 429]
                assert first.calls("evalsha") + first.calls("eval") > 0
                first.kill()
                server.log.wait_for(LOST.format("it closed the connection"))
                server.log.wait_for(BACK)
                assert second.ask("ROLE")[0] == "master"
                assert status(server) in (200, 429)
                assert second.calls("eval") > 0


class Fleet:
    """Three gateways, a Redis and a client, on hosts of their own."""

    def __init__(self, folder, hosts, redis, **engine):
        self.client = hosts.host("client", "192.0.2.100")
        self.redis = redis
        self.members = []
        self.addresses = [f"192.0.2.{number}" for number in (21, 22, 23)]
        for address in self.addresses:
            host = hosts.host(f"gateway{address[-2:]}", address)
            place = folder / host.name
            place.mkdir()
            configuration = {
                "version": 1, "workers": 2, "listeners": {"plain": {"bind": ["0.0.0.0:80"]}},
                "admin": {"socket": "admin.sock"},
                "shared": {"state": {"redis": "redis://192.0.2.50", **engine}},
                "sites": [{"hosts": ["*"], "routes": [limited(**rate("100/s"))]}],
            }  # fmt: skip
            file = place / "isagate.yaml"
            file.write_text(json.dumps(configuration))
            member = host.start(gateway.binary(), "run", "--config", file)
            member.log.wait_for(" notice: ready: ")
            self.members.append(member)
        key = "isagate:{state}:instances"
        patience.until(lambda: self.redis.ask("ZCARD", key) == 3)


class Flood:
    """A client that asks all gateways several times as often as it may, and when it was answered 200."""

    def __init__(self, fleet):
        self.fleet, self.passed, self.asked, self.others = fleet, [], 0, set()
        self.is_ending = False

    def __enter__(self):
        self.thread = self.fleet.client.thread(lambda: asyncio.run(self.run()))
        return self

    def __exit__(self, *_):
        self.is_ending = True
        self.thread.join(patience.seconds(20))

    async def run(self):
        await asyncio.gather(*(self.stay(address) for address in self.fleet.addresses for _ in range(2)))

    async def stay(self, address):
        reader, writer = await asyncio.open_connection(address, 80)
        while not self.is_ending:
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            await reader.readexactly(int(re.search(r"content-length: (\d+)", head)[1]))
            self.asked += 1
            code = head.split(" ")[1]
            if code == "200":
                self.passed.append(time.monotonic())
            elif code != "429":
                self.others.add(code)
            await asyncio.sleep(0.008)
        writer.close()

    def holds(self, least, most, length):
        """Whether the rate is within these bounds; a client that was held up before a measurement catches up in it."""
        return any(least <= self.rate(length) <= most for _ in range(3))

    def rate(self, length):
        """Answers of 200 per second, in this many seconds from now."""
        begin = time.monotonic()
        time.sleep(length)  # the time that is measured
        end = time.monotonic()
        return sum(begin <= when < end for when in self.passed) / (end - begin)


@pytest.fixture
def hosts():
    network.required()
    with network.Network() as made:
        yield made


@pytest.fixture
def fleet(hosts, tmp_path):
    with Redis(tmp_path, port=6379, host=hosts.host("redis", "192.0.2.50")) as redis:
        yield Fleet(tmp_path, hosts, redis)


def test_three_gateways_hold_one_client_to_its_rate_also_when_the_server_was_gone(fleet):
    with Flood(fleet) as flood:
        # The burst is over; a client that is held up for less than a second catches up.
        patience.until(lambda: len(flood.passed) > 250)
        assert flood.holds(95, 105, 5)
        # Each gateway asks for at most as many as it would let pass alone, however many the client sends.
        calls, asked, began = fleet.redis.calls("evalsha"), flood.asked, time.monotonic()
        flood.rate(2)
        calls, asked, took = fleet.redis.calls("evalsha") - calls, flood.asked - asked, time.monotonic() - began
        assert calls < 3 * 110 * took and calls < asked, (calls, asked, took)

        fleet.redis.kill()
        for member in fleet.members:
            member.log.wait_for("shared engine state: .* is lost")
        # A third for each of three; the shares are whole numbers of the burst, too.
        assert flood.holds(90, 110, 3)

        fleet.redis.start()
        for member in fleet.members:
            member.log.wait_for(BACK)
        # It is exact again: the new server has granted a new burst meanwhile.
        flood.rate(1)
        assert flood.holds(95, 105, 5)
        assert flood.others == set()
