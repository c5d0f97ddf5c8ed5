"""Clients that download a file of 1 GB at the same time, each at its own pace, and the memory that takes.

`downloads.py COUNT` starts a gateway of its own and prints the most memory it had.
"""

import os
import pathlib
import resource
import socket
import subprocess
import sys
import tempfile

import gateway
import wire

SIZE = 1 << 30
# Each client waits for its turn, on a busy machine for longer than clients usually may.
LIMITS = {"write_timeout": "10m"}
# How much each client reads before all others have had their turn, and how often.
PIECE, ROUNDS = 64 << 10, 3


def make_file(folder):
    """A file that takes no space on the disk."""
    path = pathlib.Path(folder) / "large.bin"
    with open(path, "wb") as file:
        file.truncate(SIZE)
    return path


def most_memory(server):
    """The most that the gateway process ever had, in bytes."""
    with open(f"/proc/{server.gateway_pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def longest_queue(port):
    """The maximum of bytes that the system buffers for one connection of this port, sent and unsent."""
    with open("/proc/net/tcp") as connections:
        rows = [line.split() for line in connections][1:]
    return max(int(row[4].split(":")[0], 16) for row in rows if int(row[1].split(":")[1], 16) == port)


def download(server, path, count):
    """Lets `count` clients with TLS read a few pieces each, in turn; all of them stay connected."""
    context = server.context()
    clients = []
    try:
        for _ in range(count):
            sock = socket.socket()
            # Bytes that wait in the kernel for a slow client do not count.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)
            sock.connect(("127.0.0.1", server.ports["secure"]))
            client = wire.Client(wire.start_tls(sock, context))
            clients.append(client)
            client.send(wire.request(path))
        for client in clients:
            response = wire.Response(client.read_until(b"\r\n\r\n")[:-4])
            assert (response.status, response["Content-Length"]) == (200, str(SIZE))
        assert longest_queue(server.ports["secure"]) < 1 << 20, "the system keeps too much for slow clients"
        for _ in range(ROUNDS):
            for client in clients:
                assert not any(client.read_bytes(PIECE))
    finally:
        for client in clients:
            client.close()


def main(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * count + 100)), hard))
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        certificates = place / "certificates"
        subprocess.run([os.path.join(gateway.ROOT, "Certs/generate"), certificates], check=True, capture_output=True)
        public = place / "public"
        public.mkdir()
        make_file(public)
        configuration = {
            "version": 1,
            "listeners": gateway.LISTENERS,
            "limits": LIMITS,
            "sites": [gateway.site([{"path": "/*", "files": {"root": str(public)}}])],
        }
        server = gateway.Gateway(place / "gateway", certificates, configuration)
        try:
            before = most_memory(server)
            download(server, "/large.bin", count)
            after = most_memory(server)
        finally:
            server.stop()
    print(f"{count} downloads at the same time: {after >> 20} MiB at most, {before >> 20} MiB before")
    print(f"{(after - before) // count >> 10} KiB for each")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
