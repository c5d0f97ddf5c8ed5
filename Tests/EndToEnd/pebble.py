"""Pebble, a small authority that speaks ACME (RFC 8555), with the name server it asks."""

import contextlib
import json
import os
import socket
import ssl
import subprocess
import urllib.request

import free_ports
import gateway
import patience


def accepts_connections(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def running(command, environment=None):
    """A process and its log."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
    log = gateway.Log(process.stdout)
    try:
        yield log
    finally:
        process.terminate()
        process.wait(patience.seconds(10))
        log.thread.join()


class Pebble:
    """The running authority: the URL of its directory, its root, and the ports on which it validates."""

    def __init__(self, directory, roots, http, tls, log):
        self.directory = directory
        self.root = roots[0]
        self.roots = roots
        self.http = http
        self.tls = tls
        self.log = log


@contextlib.contextmanager
def started(folder, certificates, refused_nonces=0, name_server=None, roots=1, **settings):
    """Every name leads to 127.0.0.1, unless `name_server` is the port of another server of names.

    It has so many `roots`; a certificate leads to each by a chain of its own. `refused_nonces` is the percentage of nonces
    that are refused at random; `settings` are pebble's.
    """
    listening, management, http, tls, dns, dns_management = free_ports.take(6)
    configuration = {
        "listenAddress": f"127.0.0.1:{listening}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(certificates / "localhost.pem"),
        "privateKey": str(certificates / "localhost.key"),
        "httpPort": http,
        "tlsPort": tls,
        **settings,
    }
    file = folder / "pebble.json"
    file.write_text(json.dumps({"pebble": configuration}))
    names = ["pebble-challtestsrv", "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", ""]
    names += ["-dns01", f"127.0.0.1:{dns}", "-management", f"127.0.0.1:{dns_management}"]
    server = ["pebble", "-config", file, "-dnsserver", f"127.0.0.1:{name_server or dns}"]
    # Validations are delayed at random, unless configured otherwise.
    environment = {**os.environ, "PEBBLE_WFE_NONCEREJECT": str(refused_nonces), "PEBBLE_VA_NOSLEEP": "1"}
    environment["PEBBLE_ALTERNATE_ROOTS"] = str(roots - 1)
    with running(names), running(server, environment) as log:
        # It prints that it listens before it does.
        log.wait_for("ACME directory available at")
        patience.until(lambda: all(accepts_connections(port) for port in (listening, management)))
        files = [folder / "root.pem", *(folder / f"root-{number}.pem" for number in range(1, roots))]
        context = ssl.create_default_context(cafile=certificates / "ca.pem")
        for number, file in enumerate(files):
            with urllib.request.urlopen(f"https://localhost:{management}/roots/{number}", context=context) as answer:
                file.write_bytes(answer.read())
        yield Pebble(f"https://localhost:{listening}/dir", files, http, tls, log)
