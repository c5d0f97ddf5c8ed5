"""isagate-host under a test in the gateway's place: the messages of pool_protocol.h, with everything that the process needs.

The program is that of Linux, to which descriptors are passed, or that of Windows under Wine, which inherits them.
"""

import ctypes
import fcntl
import mmap
import os
import select
import socket
import struct
import subprocess

import patience

VERSION = 4
HELLO, DESCRIPTORS, PING, TERMINATE, STOP, LOOK, NAMES = range(1, 8)
LOADED, REFUSED, READY, NOTICE, PONG, TERMINATED, CRASHED, STACK = range(16, 24)
RUN, COMPLETE, REPLY = range(32, 35)
GET_VARIABLE, WRITE, WRITE_ASYNC, READ, SUPPORT, SYNCHRONIZE, RETURN = range(48, 55)
NO_REPLY, FILES_SHIFT, NO_REQUEST, NO_LIMIT = 1, 8, 0xFFFFFFFF, 2**64 - 1
REFUSED_CANNOT_OPEN = 1
NO_SANDBOX, REQUIRES_SANDBOX, CONFINES_FILES = 1, 2, 4
STACK_TAKEN = 1
CHANNELS = 512

HEADER = struct.Struct("<IHHII")


class Message:
    def __init__(self, header, payload, files):
        _, self.type, self.flags, self.request, self.value = HEADER.unpack(header)
        self.payload, self.files, self._position = payload, files, 0

    def word(self):
        self._position += 4
        return struct.unpack_from("<I", self.payload, self._position - 4)[0]

    def item(self):
        count = self.word()
        if count == 0xFFFFFFFF:
            return None
        start = self._position
        self._position += (count + 3) & ~3
        return self.payload[start : start + count]

    def text(self):
        return self.item().decode()

    @property
    def has_more(self):
        return self._position < len(self.payload)


def item(data):
    data = data.encode() if isinstance(data, str) else data
    return struct.pack("<I", len(data)) + data + bytes(-len(data) % 4)


def word(number):
    return struct.pack("<I", number)


class Channel:
    """The gateway's end of a channel."""

    def __init__(self):
        self.socket, self.other = socket.socketpair()
        self.socket.settimeout(patience.seconds(30))
        self._received, self._files = b"", []

    def send(self, type, payload=b"", *, request=0, value=0, flags=0, files=()):
        message = HEADER.pack(len(payload), type, flags | len(files) << FILES_SHIFT, request, value) + payload
        if files:
            sent = socket.send_fds(self.socket, [message], files)
            message = message[sent:]
        self.socket.sendall(message)

    def _take(self, count):
        while len(self._received) < count:
            data, files, _, _ = socket.recv_fds(self.socket, 65536, 64)
            if not data:
                return None
            self._received += data
            self._files += files
        taken, self._received = self._received[:count], self._received[count:]
        return taken

    def receive(self):
        """The next message; None at the end."""
        try:
            header = self._take(HEADER.size)
        except ConnectionResetError:
            return None
        if header is None:
            return None
        payload = self._take(HEADER.unpack(header)[0])
        count = HEADER.unpack(header)[2] >> FILES_SHIFT
        files, self._files = self._files[:count], self._files[count:]
        return Message(header, payload, files)

    def expect(self, type):
        message = self.receive()
        assert message, "the process has ended"
        assert message.type == type, f"{message.type} came in place of {type}: {message.payload!r}"
        return message

    def reply(self, request, payload=b"", error=0):
        self.send(REPLY, payload, request=request, value=error)

    def has_message(self, seconds=0):
        return bool(self._received) or bool(select.select([self.socket], [], [], seconds)[0])


class Host:
    """A process of isagate-host with one library, `run` run channels and `shared` others."""

    def __init__(self, command, folder, library, *, is_windows=False, environment=None, run=2, shared=1, flags=NO_SANDBOX,
                 limits=(NO_LIMIT,) * 4):
        self.is_windows = is_windows
        self.control = Channel()
        self.run_channels = [Channel() for _ in range(run)]
        self.shared_channels = [Channel() for _ in range(shared)]
        self._sequences = [0] * run
        memory = os.memfd_create("pool")
        os.ftruncate(memory, CHANNELS * 64)
        self._memory = mmap.mmap(memory, CHANNELS * 64)
        channels = self.run_channels + self.shared_channels
        # Numbers that are not that of the control channel.
        handed = [fcntl.fcntl(memory, fcntl.F_DUPFD_CLOEXEC, 100)]
        handed += [fcntl.fcntl(one.other.fileno(), fcntl.F_DUPFD_CLOEXEC, 100) for one in channels]
        os.close(memory)
        control = fcntl.fcntl(self.control.other.fileno(), fcntl.F_DUPFD_CLOEXEC, 100)
        self.errors = folder / "stderr"
        with open(self.errors, "wb") as errors:
            moved = ["bash", "-c", f'exec "$@" 3<&{control} {control}<&-', "bash"]
            self.process = subprocess.Popen(
                [*moved, *command], stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, env=environment,
                pass_fds=[control, *(handed if is_windows else [])])
        os.close(control)
        for one in [self.control, *channels]:
            one.other.close()
        facts = struct.pack("<8I4Q", VERSION, flags, run, shared, 1, 0, 0, 1, *limits)
        path = windows_path(folder) if is_windows else str(folder)
        self.control.send(HELLO, b"".join(
            [item(facts), item("driven"), item(path), item("DRIVEN=yes"), item(word(0)), item("driven"), item(str(library))]))
        if is_windows:
            names = [f"#{handed[0]}", windows_path(library), *(f"#{number}" for number in handed[1:])]
            self.control.send(NAMES, b"".join(item(name) for name in names))
        else:
            file = os.open(library, os.O_RDONLY)
            try:
                self.control.send(DESCRIPTORS, files=[handed[0], file, *handed[1:]])
            except BrokenPipeError:
                pass
            os.close(file)
        for number in handed:
            os.close(number)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
        self.process.kill()
        self.process.wait()

    def close(self):
        for one in [self.control, *self.run_channels, *self.shared_channels]:
            one.socket.close()

    def beginning(self):
        """What the process says until it is ready, or refuses to start."""
        messages = []
        while not messages or messages[-1].type != READY:
            message = self.control.receive()
            if message is None:
                break
            messages.append(message)
        return messages

    def run(self, query, *, channel=0, request=0, method="GET", path="/x", translated="/srv/x", body="", total=None):
        """Admits a request and sends it."""
        self._sequences[channel] += 1
        sequence = self._sequences[channel]
        entered = ctypes.c_uint64.from_buffer(self._memory, channel * 64)
        entered.value = sequence << 32 | (sequence - 1)
        del entered
        facts = struct.pack("<5Q4I", 1, 0x1122334455667788, 0x99AABBCCDDEEFF00, 0, 0, sequence, 1, 0, 0)
        texts = [method, query, path, translated, "text/plain", body]
        variable = item("REQUEST_METHOD") + word(0) + item(method + "\0")
        total = len(body) if total is None else total
        self.run_channels[channel].send(RUN, item(facts) + b"".join(item(one) for one in texts) + variable,
                                        request=request, value=total)

    def entered(self, channel=0):
        """The number of the request that was entered last."""
        return struct.unpack_from("<I", self._memory, channel * 64)[0]

    def report(self):
        return self.errors.read_text(errors="replace")


def windows_path(path):
    return "Z:" + str(path).replace("/", "\\")
