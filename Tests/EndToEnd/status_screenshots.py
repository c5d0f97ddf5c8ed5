"""The screenshots of docs/: `status_screenshots.py [SECONDS [FOLDER]]` serves for so long, and then takes them.

What they show is real: two sites of proxies, one of whose servers is dead, files, an extension whose process crashes, a
certificate that is about to expire, and a reload that is refused.
"""

import contextlib
import math
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time

import authority
import browser
import gateway
import hostile_origin
import wire
from conftest import compile_extension, source_of

# Width, height, colour scheme.
VIEWS = [(390, 1750, "light"), (1440, 1500, "dark"), (1440, 1500, "light")]


def site(issuer, host, serial, days, routes):
    pair = issuer.issue(host, [host], serial, days)
    return {"hosts": [host], "certificates": [pair], "routes": routes}


def dead_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def configure(folder, origin, dead):
    issuer = authority.Authority(folder, "operators")
    (folder / "files").mkdir()
    for number in range(20):
        (folder / "files" / f"{number}.css").write_bytes(b"x" * 700 * (number + 1))
    libraries = {name: compile_extension(source_of(name), folder / f"{name}.so") for name in ("hello", "crashes")}
    return {
        "version": 1,
        "workers": 2,
        "listeners": gateway.LISTENERS,
        "limits": {"max_connections": 2000},
        "log": {"access": {"path": "access.log"}},
        "admin": {"bind": "127.0.0.1:0", "socket": "admin.sock"},
        "upstreams": {
            "orders": {"servers": [{"url": origin.url}, {"url": f"http://127.0.0.1:{dead}"}],
                       "health": {"passive": {"fails": 3, "eject": "20s"}}},
            "search": {"servers": [{"url": origin.url, "max_connections": 4}]},
            "reports": {"servers": [{"url": f"http://127.0.0.1:{dead}"}]},
        },
        "extensions": {
            "greeting": {"library": libraries["hello"]},
            "invoices": {"library": libraries["crashes"], "run": "isolated", "processes": 2},
        },
        "sites": [
            site(issuer, "shop.example", 3, 81, [
                {"path": "/static/*", "files": {"root": str(folder / "files"), "strip_prefix": "/static"}},
                {"path": "/orders", "proxy": {"to": "orders"}},
                {"path": "/search", "proxy": {"to": "search"}},
                {"path": "/reports", "proxy": {"to": "reports"}},
                {"path": "/hello", "extension": "greeting"},
            ]),
            site(issuer, "legacy.example", 4, 9, [
                {"path": "/invoices", "extension": "invoices"}, {"path": "/hello", "extension": "greeting"}]),
        ],
    }  # fmt: skip


def answer(connection):
    """Some requests take a server longer than others."""
    time.sleep(random.expovariate(1 / 0.012))
    connection.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + b"r" * 900)


def ask(server, until, phase):
    """A client that asks more at some times than at others."""
    client = None
    began = time.monotonic()
    while time.monotonic() < until:
        now = time.monotonic() - began
        path, host = random.choices(
            [(f"/static/{random.randrange(20)}.css", "shop.example"), ("/search", "shop.example"),
             ("/orders", "shop.example"), ("/hello", "legacy.example"), ("/hello", "shop.example"),
             ("/missing", "shop.example"), ("/reports", "shop.example")],
            [10, 4, 2, 3, 2, 0.5, 0.4 * max(0, math.sin(now / 60 + 1))])[0]  # fmt: skip
        with contextlib.suppress(OSError, EOFError):
            client = client or server.plain()
            client.get(path, f"Host: {host}")
        time.sleep(0.04 + 0.02 * math.sin(now / 70 + phase) + 0.01 * math.sin(now / 11))


def crash(server):
    with contextlib.suppress(OSError, EOFError), server.plain() as client:
        client.get("/invoices?pointer", "Host: legacy.example")


def serve(server, seconds):
    until = time.monotonic() + seconds
    clients = [threading.Thread(target=ask, args=(server, until, phase / 3)) for phase in range(6)]
    for client in clients:
        client.start()
    time.sleep(seconds * 0.4)
    assert server.command("reload").returncode == 0
    crash(server)
    time.sleep(seconds * 0.35)
    server.configure({**server.configuration, "upstraems": {}})
    assert server.command("reload").returncode == 78
    time.sleep(seconds * 0.2)
    with server.plain() as client:
        client.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        client.read_response()
    return clients


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 900
    target = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else os.path.join(gateway.ROOT, "docs"))
    with tempfile.TemporaryDirectory() as name, hostile_origin.Origin() as origin:
        folder = pathlib.Path(name)
        certificates = folder / "certificates"
        subprocess.run([os.path.join(gateway.ROOT, "Certs/generate"), certificates], check=True, capture_output=True)
        for path in ("/orders", "/search"):
            origin.on(path, answer, hostile_origin.KEEP)
        server = gateway.Gateway(folder / "gateway", certificates, configure(folder, origin, dead_port()))
        try:
            clients = serve(server, seconds)
            with browser.opened(folder) as window:
                for width, height, scheme in VIEWS:
                    window.show(f"http://127.0.0.1:{server.ports['admin']}/", width, height, scheme)
                    window.wait_for("parseFloat(document.getElementById('rate').textContent) > 1")
                    (target / f"status-page-{width}-{scheme}.png").write_bytes(window.screenshot())
            for client in clients:
                client.join()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
