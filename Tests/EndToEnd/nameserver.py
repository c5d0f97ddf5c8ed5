"""A name server on the loopback interface with the records of a test."""

import socket
import struct
import threading

A, TXT, SRV = 1, 16, 33


class NameServer:
    """`records` maps (name, type) to the data of answers; a name without records does not exist.

    In `texts`, if given, every file is a TXT record: its folder is the name, its own name the value.
    """

    def __init__(self, ttl=0, texts=None):
        self.records = {}
        self.texts = texts
        self.ttl = ttl
        self.asked = threading.Semaphore(0)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            message, client = self.socket.recvfrom(4096)
            if message == b"end":
                return
            self.socket.sendto(self.answer(message), client)
            self.asked.release()

    def answer(self, message):
        labels, offset = [], 12
        while message[offset]:
            labels.append(message[offset + 1 : offset + 1 + message[offset]].decode())
            offset += 1 + message[offset]
        (kind,) = struct.unpack_from("!H", message, offset + 1)
        name = ".".join(labels).lower()
        data = self.records.get((name, kind), [])
        exists = any(known == name for known, _ in self.records)
        if self.texts and (self.texts / name).is_dir():
            exists = True
            if kind == TXT:
                values = [file.name.encode() for file in (self.texts / name).iterdir()]
                data = [bytes([len(value)]) + value for value in values]
        head = message[:2] + struct.pack("!HHHHH", 0x8180 | (0 if exists else 3), 1, len(data), 0, 0)
        answers = b"".join(struct.pack("!HHHIH", 0xC00C, kind, 1, self.ttl, len(each)) + each for each in data)
        return head + message[12 : offset + 5] + answers

    def set_addresses(self, name, *addresses):
        self.records[name, A] = [socket.inet_aton(address) for address in addresses]

    def set_service(self, name, *hosts):
        """Hosts as (priority, host, port)."""
        self.records[name, SRV] = [
            struct.pack("!HHH", priority, 1, port)
            + b"".join(bytes([len(label)]) + label.encode() for label in host.split("."))
            + b"\0"
            for priority, host, port in hosts
        ]

    def forget(self, name):
        for key in [key for key in self.records if key[0] == name]:
            del self.records[key]

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(b"end", ("127.0.0.1", self.port))
        self.thread.join()
        self.socket.close()
