"""Clients and servers of TLS 1.3 that seal and open records themselves, and so check how each was protected."""

import itertools
import socket
import ssl
import threading

import patience
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

SUITES = {
    "TLS_AES_128_GCM_SHA256": (hashes.SHA256(), 16, AESGCM),
    "TLS_AES_256_GCM_SHA384": (hashes.SHA384(), 32, AESGCM),
    "TLS_CHACHA20_POLY1305_SHA256": (hashes.SHA256(), 32, ChaCha20Poly1305),
}


NUMBERS = itertools.count()


class Keys:
    """What one secret protects records with (RFC 8446 section 7.3)."""

    def __init__(self, secret, suite):
        self.secret, self.suite = secret, suite
        self.hash, size, cipher = SUITES[suite]
        self.cipher = cipher(self.expand(b"key", size))
        self.vector = self.expand(b"iv", 12)
        self.number = 0

    def expand(self, label, size):
        label = b"tls13 " + label
        info = size.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0"
        return HKDFExpand(self.hash, size, info).derive(self.secret)

    def updated(self):
        return Keys(self.expand(b"traffic upd", self.hash.digest_size), self.suite)

    def nonce(self, number):
        return bytes(a ^ b for a, b in zip(self.vector, number.to_bytes(12, "big")))

    def open(self, record, number):
        """The inner plaintext of a record that has this number; None where it has another."""
        try:
            return self.cipher.decrypt(self.nonce(number), record[5:], record[:5])
        except Exception:
            return None

    def seal(self, content, type=23, padding=0, number=None):
        """The next record; with `number` one of that number, and the next stays what it was."""
        inner = content + bytes([type]) * (type is not None) + bytes(padding)
        header = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2, "big")
        used = self.number if number is None else number
        self.number += number is None
        return header + self.cipher.encrypt(self.nonce(used), inner, header)


class Peer:
    """One end of a connection after its handshake. Records are sealed and opened here, not by OpenSSL."""

    def __init__(self, sock, context, log, **sides):
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.keylog_filename = str(log)
        self.received = bytearray()
        self.socket = sock
        self.socket.settimeout(patience.seconds(10))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, **sides)
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.socket.sendall(self.outgoing.read())
                data = self.socket.recv(1 << 16)
                assert data, "the gateway closed during the handshake"
                self.received += data
                self.incoming.write(data)
        # Of the handshake; it is sent with the first data.
        self.last_flight = self.outgoing.read()
        self.suite = self.tls.cipher()[0]
        lines = [line.split() for line in log.read_text().splitlines() if not line.startswith("#")]
        secrets = {label: bytes.fromhex(secret) for label, _, secret in lines}
        client, server = (Keys(secrets[f"{side}_TRAFFIC_SECRET_0"], self.suite) for side in ("CLIENT", "SERVER"))
        is_server = sides.get("server_side", False)
        self.sending, self.receiving = (server, client) if is_server else (client, server)
        self.used = len(self.received) - self.incoming.pending
        self.found, self.lengths = [], []

    def send(self, data=b""):
        self.socket.sendall(self.last_flight + data)
        self.last_flight = b""

    def opened(self):
        """The content of the records after the handshake, with their types.

        Each is opened under the number that it should have: one more than the record before it, 0 under new keys.
        """
        while record := self.next_record():
            assert record[0] == 23, f"a record in clear behind the handshake: {record[:20].hex()}"
            inner = self.receiving.open(record, self.receiving.number)
            assert inner is not None, f"record {len(self.found)} is not number {self.receiving.number} under its keys"
            self.receiving.number += 1
            inner = inner.rstrip(b"\0")
            self.found.append((inner[-1], inner[:-1]))
            self.lengths.append(len(record))
            if inner[-1] == 22 and inner[0] == 24:
                self.receiving = self.receiving.updated()
        return self.found

    def next_record(self):
        header = self.received[self.used : self.used + 5]
        end = self.used + 5 + int.from_bytes(header[3:5], "big")
        if len(header) < 5 or len(self.received) < end:
            return None
        record = bytes(self.received[self.used : end])
        self.used = end
        return record

    def data(self):
        return b"".join(content for type, content in self.opened() if type == 23)

    def alerts(self):
        return [tuple(content) for type, content in self.opened() if type == 21]

    def key_updates(self):
        return [content for type, content in self.opened() if type == 22 and content[0] == 24]

    def wait_for(self, condition):
        """Receives until `condition` holds; fails at the end of the connection."""
        while not condition():
            data = self.socket.recv(1 << 16)
            assert data, f"the connection ended: {self.opened()!r}"
            self.received += data

    def wait_for_end(self):
        """Receives to the end; returns whether it was an orderly one."""
        while True:
            try:
                data = self.socket.recv(1 << 16)
            except ConnectionResetError:
                return False
            if not data:
                return True
            self.received += data

    def change_keys(self, asking=False):
        """The record of a key update; later records are sealed with the new keys."""
        record = self.sending.seal(bytes([24, 0, 0, 1, asking]), 22)
        self.sending = self.sending.updated()
        return record

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Client(Peer):
    def __init__(self, gateway, tmp_path, listener="secure"):
        sock = socket.create_connection(("127.0.0.1", gateway.ports[listener]), patience.seconds(10))
        super().__init__(sock, gateway.context(), tmp_path / f"keys-{next(NUMBERS)}", server_hostname="localhost")

    def get(self, path="/ping", count=1):
        """Sends `count` requests in one record, and waits for the responses."""
        before = self.data().count(b"HTTP/1.1 ")
        self.send(self.sending.seal(request(path) * count))
        self.wait_for(lambda: self.data().count(b"HTTP/1.1 ") == before + count)


class Server:
    """Upstream servers: each connection is passed to `serve`, with its number, as a `Peer`."""

    def __init__(self, certificates, tmp_path, serve, tickets=2):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificates / "localhost.pem", certificates / "localhost.key")
        self.context.num_tickets = tickets
        self.tickets, self.serve, self.folder = tickets, serve, tmp_path
        self.resumed, self.failures = [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with sock:
                try:
                    self.answer(sock)
                except Exception as failure:
                    self.failures.append(failure)

    def answer(self, sock):
        peer = Peer(sock, self.context, self.folder / f"keys-{next(NUMBERS)}", server_side=True)
        self.resumed.append(peer.tls.session_reused)
        # OpenSSL gives one ticket in place of the one that was used.
        peer.sending.number = min(1, self.tickets) if self.resumed[-1] else self.tickets
        self.serve(peer, len(self.resumed))

    def close(self):
        # Closing alone would not wake the thread.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def request(path="/ping"):
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def response(body, *fields):
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(lines).encode() + body
