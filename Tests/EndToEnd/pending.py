"""The cost of requests that wait at an extension, beyond their connections: `pending.py COUNT` prints it.

Connections are opened and used once, so that their own memory is allocated; then each has a pending request.
"""

import os
import pathlib
import resource
import subprocess
import sys
import tempfile

import gateway
import patience
import wire
from conftest import compile_extension, source_of

ROUTES = [gateway.PING, {"path": "/holds", "extension": "holds"}]
# The usual fields of browsers.
FIELDS = ["User-Agent: pending/1.0", "Accept: text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language: en"]


def memory(server):
    """Anonymous memory of the gateway process and those of pools, in bytes: pages of files are shared by all."""
    count = 0
    for process in [server.gateway_pid, *server.pool_processes()]:
        with open(f"/proc/{process}/smaps_rollup") as rollup:
            count += sum(int(line.split()[1]) << 10 for line in rollup if line.startswith(("Anonymous:", "Swap:")))
    return count


def measure(server, count, listener="plain"):
    """The bytes that each of `count` pending requests adds; all of them are answered in the end."""
    connect = getattr(server, listener)
    control = connect()
    clients = [connect() for _ in range(count)]
    ask = wire.request("/ping", *FIELDS).encode()
    hold = wire.request("/holds", *FIELDS).encode()
    for client in clients:
        client.send(ask)
        assert client.read_response().status == 200
    before = memory(server)
    for client in clients:
        client.send(hold)
    patience.until(lambda: int(control.get("/holds?count").text) == count, 60)
    cost = (memory(server) - before) / count
    assert control.get("/holds?release").status == 200
    for client in clients:
        assert client.read_response().text == "held\n"
    return cost


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        certificates = folder / "certificates"
        subprocess.run([os.path.join(gateway.ROOT, "Certs/generate"), certificates], check=True, capture_output=True)
        library = compile_extension(source_of("holds"), folder / "holds.so")
        configuration = {
            "version": 1,
            "workers": 2,
            "listeners": gateway.LISTENERS,
            "limits": {"max_connections": count + 100, "client_connections": "off", "header_timeout": "10m"},
            "extensions": {"holds": {"library": library, "request_timeout": "1h", "threads": 8, "queue": count}},
            "sites": [gateway.site(ROUTES)],
        }
        # A new gateway for each: memory of earlier requests stays allocated.
        for listener in ["plain", "secure"]:
            server = gateway.Gateway(folder / listener, certificates, configuration)
            try:
                cost = measure(server, count, listener)
                print(f"{count} pending requests, {listener}: {cost:.0f} bytes each beyond the connection")
            finally:
                server.stop()


if __name__ == "__main__":
    main()
