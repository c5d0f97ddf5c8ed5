"""Slow and fast clients of 200 files that are loaded and evicted, replaced, and swapped during reloads.

`files_stress.py SECONDS` starts its own gateway. It fails when a byte arrives that is not of the requested file, or
when a response is cut: every file is replaced by a new one, so none changes during a response.
"""

import concurrent.futures
import ctypes
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zlib

import gateway
import patience
import wire
from conftest import compile_extension, source_of

FILES = 200
CLIENTS = 64
UNIT = 16
# Below and above the limits for caching, mapping, and sending in one piece.
SIZES = [UNIT, 5_008, 70_000, 300_000, 1_048_576, 1_500_000, 3_000_000]
MADV_PAGEOUT = 21
SYS_PROCESS_MADVISE = 440

libc = ctypes.CDLL(None, use_errno=True)


def size_of(number):
    return SIZES[number % len(SIZES)] // UNIT * UNIT


def unit(number, version):
    return b"%06d.%08d\n" % (number, version)


class Folder:
    """The files in one folder, each made of units that contain its number and version."""

    def __init__(self, place):
        self.place = place
        self.versions = [0] * FILES
        place.mkdir()
        for number in range(FILES):
            self.replace(number)

    def path(self, number):
        return self.place / f"{number}.txt"

    def replace(self, number):
        """Replaces a file by another one of the same length, and sometimes adds a precompressed one."""
        self.versions[number] += 1
        content = unit(number, self.versions[number]) * (size_of(number) // UNIT)
        fresh = self.place / f".{number}"
        fresh.write_bytes(content)
        os.rename(fresh, self.path(number))
        if number % 5 == 0:
            fresh.write_bytes(zlib.compress(content, 1, 31))
            os.rename(fresh, self.place / f"{number}.txt.gz")

    def evict(self, number):
        """Evicts the file from the page cache."""
        with open(self.path(number), "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Range(ctypes.Structure):
    """A struct iovec."""

    _fields_ = [("start", ctypes.c_void_p), ("count", ctypes.c_size_t)]


def page_out(pid):
    """Evicts pages of the files that the process has mapped, as far as the system allows it (process_madvise(2))."""
    with open(f"/proc/{pid}/maps") as lines:
        mapped = [line.split()[0].split("-") for line in lines if ".txt" in line]
    process = os.pidfd_open(pid)
    try:
        for start, end in mapped:
            piece = Range(int(start, 16), int(end, 16) - int(start, 16))
            libc.syscall(SYS_PROCESS_MADVISE, process, ctypes.byref(piece), ctypes.c_size_t(1), MADV_PAGEOUT, 0)
    finally:
        os.close(process)


class Stress:
    def __init__(self, server, folders):
        self.server = server
        self.folders = folders
        self.responses = 0
        self.bytes = 0
        self.ending = threading.Event()

    def run(self, seconds):
        self.end = time.monotonic() + seconds
        with concurrent.futures.ThreadPoolExecutor(CLIENTS + 3) as pool:
            work = [pool.submit(self.converse, seed) for seed in range(CLIENTS)]
            work += [pool.submit(self.evict), pool.submit(self.replace), pool.submit(self.reload)]
            for done in concurrent.futures.as_completed(work):
                if done.exception() is not None:
                    self.end = 0
            self.responses, self.bytes = (sum(done.result()[index] for done in work[:CLIENTS]) for index in (0, 1))
            for done in work[CLIENTS:]:
                done.result()
        return self.server.log.text

    def goes_on(self):
        return time.monotonic() < self.end

    def converse(self, seed):
        choice = random.Random(seed)
        is_slow = seed % 2 == 0
        responses = size = 0
        while self.goes_on():
            listener = choice.choice(["plain", "secure"])
            sock = socket.socket()
            if is_slow:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(patience.seconds(20))
            sock.connect(("127.0.0.1", self.server.ports[listener]))
            if listener == "secure":
                sock = wire.start_tls(sock, self.server.context())
            with wire.Client(sock) as client:
                for _ in range(choice.randrange(1, 8)):
                    size += self.ask(client, choice, is_slow)
                    responses += 1
                    if not self.goes_on():
                        break
        return responses, size

    def ask(self, client, choice, is_slow):
        number = choice.randrange(FILES)
        length = size_of(number)
        start, end = 0, length
        kind = choice.choice(["plain", "plain", "range", "coded", "coder", "transmit"])
        fields = []
        target = f"/{number}.txt"
        if kind == "range" and length > UNIT:
            start = choice.randrange(length // UNIT) * UNIT
            end = choice.randrange(start // UNIT + 1, length // UNIT + 1) * UNIT
            fields = [f"Range: bytes={start}-{end - 1}"]
        elif kind == "coded":
            fields = ["Accept-Encoding: gzip"]
        elif kind == "coder":
            target = f"/coder{target}"
            fields = ["Accept-Encoding: gzip"]
        elif kind == "transmit":
            # The folder makes no difference to the check.
            folder = self.folders[choice.randrange(2)]
            other = folder.path(choice.randrange(FILES))
            target = f"/lets_go/?file={folder.path(number)}&other={other}&{choice.choice(['handle', 'descriptor', 'vector'])}"
        client.send(wire.request(target, *fields))
        if is_slow:
            head = client.read_until(b"\r\n\r\n")
            client.received[:0] = head
            time.sleep(choice.random() / 4)
        response = client.read_response()
        assert response.status in (200, 206), f"{target}: {response.status}"
        body = response.body
        if response["Content-Encoding"] == "gzip":
            body = zlib.decompress(body, 31)
        self.check(target, number, body, end - start)
        return len(body)

    def check(self, target, number, body, length):
        assert len(body) == length, f"{target}: {len(body)} of {length} bytes"
        first = body[:UNIT]
        assert first.startswith(b"%06d." % number), f"{target}: {first!r}"
        assert body == first * (length // UNIT), f"{target}: bytes of another file or version"

    def evict(self):
        choice = random.Random("evict")
        while self.goes_on():
            page_out(self.server.gateway_pid)
            for number in range(0, FILES, 2):
                self.folders[choice.randrange(2)].evict(number)
                if not self.goes_on():
                    return

    def replace(self):
        choice = random.Random("replace")
        while self.goes_on():
            self.folders[choice.randrange(2)].replace(choice.randrange(FILES))

    def reload(self):
        """Switches the routes to the other folder, repeatedly."""
        folder = 0
        reloads = 0
        while self.goes_on():
            folder = 1 - folder
            self.server.configure(configuration_of(self.server.configuration, self.folders[folder].place))
            self.server.signal(signal.SIGHUP)
            reloads += 1
            self.server.log.wait_for(f"reload: serving generation {reloads + 1} ")


def configuration_of(before, root):
    routes = [
        {"path": "/lets_go/*", "extension": "lets_go"},
        {"path": "/coder/*", "compress": "on", "files": {"root": str(root), "strip_prefix": "/coder"}},
        {"path": "/*", "files": {"root": str(root), "precompressed": ["gz"]}},
    ]
    return {**before, "sites": [gateway.site(routes)]}


def configuration(root, library):
    common = {
        "version": 1,
        "workers": 2,
        "listeners": gateway.LISTENERS,
        "extensions": {"lets_go": {"library": library}},
        "file_cache": {"fresh": "50ms", "files": 64, "memory": "8M", "mapped": "32M"},
        # So many clients are slow on a busy machine.
        "limits": {name: "5m" for name in ("write_timeout", "header_timeout", "handshake_timeout", "idle_timeout")},
    }
    return configuration_of(common, root)


def stress(place, certificates, library, seconds):
    """Runs it for so long, with its own gateway; returns the number of responses and of their bytes."""
    folders = [Folder(place / name) for name in ("first", "second")]
    server = gateway.Gateway(place / "gateway", certificates, configuration(folders[0].place, library))
    try:
        run = Stress(server, folders)
        log = run.run(seconds)
        for line in log.splitlines():
            assert "became shorter" not in line, line
        return run.responses, run.bytes
    finally:
        server.stop()


def main(seconds):
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        certificates = place / "certificates"
        subprocess.run([os.path.join(gateway.ROOT, "Certs/generate"), certificates], check=True, capture_output=True)
        library = compile_extension(source_of("lets_go"), place / "lets_go.so")
        responses, size = stress(place, certificates, library, seconds)
    print(f"{responses} responses, {size >> 20} MiB, every byte of the file that was asked for")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 600)
