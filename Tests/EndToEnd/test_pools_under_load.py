"""Pools under load: what goes wrong in one costs nobody else a request, and what is replaced costs none at all."""

import os
import shutil
import threading
import time

import gateway
import patience
import wire

WAYS = ("kill", "segv", "abort", "stack", "exit", "heap", "loop", "files", "memory")
# The sanitizer's gateway is several times slower; it looks for other things than time.
ROUNDS = 10 if patience.seconds(1) <= 1 else 2
REPLACEMENTS = 100 if patience.seconds(1) <= 1 else 15
CLIENTS = 64


def pool(**settings):
    return {"run": "isolated", "rapid_fail": {"crashes": 1000}, **settings}


class Load:
    """Keep-alive clients, each of which sends one request after the other to one of the paths."""

    def __init__(self, server, paths):
        self.server, self.paths = server, paths
        self.failures, self.counts = [], [0] * CLIENTS
        self.ends = threading.Event()

    def __enter__(self):
        self.threads = [threading.Thread(target=self.send, args=(number,)) for number in range(CLIENTS)]
        for thread in self.threads:
            thread.start()
        patience.until(lambda: min(self.counts) > 0 or self.failures)
        return self

    def send(self, number):
        path = self.paths[number % len(self.paths)]
        client = self.server.secure()
        try:
            while not self.ends.is_set():
                response = client.get(path)
                if response.status != 200:
                    self.failures.append((path, response.status, response.text))
                self.counts[number] += 1
        except (OSError, EOFError) as error:
            self.failures.append((path, repr(error)))
        client.close()

    def __exit__(self, *_):
        self.ends.set()
        for thread in self.threads:
            thread.join()


def descriptors_of_gateway(server):
    return len(os.listdir(f"/proc/{server.gateway_pids[0]}/fd"))


def test_what_goes_wrong_in_one_pool_costs_nobody_else_a_request(start_gateway):
    server = start_gateway(
        [gateway.PING],
        {
            "ends_process": pool(
                request_timeout="1s", on_timeout="recycle", stop_limit="1s", limits={"memory": "128M", "descriptors": 256}
            ),
            "hello": pool(),
            "counts": pool(processes=2),
        },
        log={},
    )
    with Load(server, ["/ping", "/hello", "/counts"]) as load:
        for way in WAYS * ROUNDS:
            client = server.secure()
            client.send(wire.request(f"/ends_process?{way}") + wire.request("/ping"))
            response = client.read_response()
            expected = {"loop": (504,), "files": (200,), "memory": (200, 502, 504)}.get(way, (502,))
            assert response.status in expected, (way, response.status)
            # What is pipelined behind is answered, unless the response says that the connection ends.
            if response["connection"] != "close":
                assert client.read_response().text == "pong\n"
            client.close()
    assert not load.failures, load.failures[:3]
    server.log.wait_for(r"process \d+: it was ended by signal 11 \(SIGSEGV\); 1 request was in it")
    patience.until(lambda: server.secure().get("/ends_process").status == 200)
    patience.until(lambda: len(server.pool_processes()) == 4)


def test_replacing_processes_and_libraries_costs_no_request(start_gateway, build_extension, tmp_path):
    library = shutil.copy(build_extension("hello"), tmp_path / "exchanged.so")
    server = start_gateway(
        [gateway.PING],
        {"exchanged": pool(library=str(library)), "counts": pool()},
        log={},
        admin={"socket": "admin.sock"},
    )
    assert server.secure().get("/exchanged").status == 200
    pids, files = set(server.pool_processes()), descriptors_of_gateway(server)
    began = time.monotonic()
    with Load(server, ["/ping", "/exchanged", "/counts"]) as load:
        for _ in range(REPLACEMENTS):
            outcome = server.command("pools", "recycle", "counts")
            assert outcome.returncode == 0, outcome.stderr
            shutil.copy(library, tmp_path / "new.so")
            os.rename(tmp_path / "new.so", library)
            outcome = server.command("reload")
            assert outcome.returncode == 0, outcome.stderr
    assert not load.failures, load.failures[:3]
    # Half a minute on a machine that does nothing else.
    assert time.monotonic() - began < patience.seconds(150)
    patience.until(lambda: len(server.pool_processes()) == len(pids))
    assert not pids & set(server.pool_processes())
    patience.until(lambda: descriptors_of_gateway(server) <= files + 4)
