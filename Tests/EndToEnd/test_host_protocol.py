"""isagate-host speaks the protocol of pools on Linux, and as a Windows program under Wine, with the same extension."""


import os
import re
import shutil

import subprocess

import gateway
import patience
import pool_driver as pool
import pytest

MINGW = "x86_64-w64-mingw32-gcc"
WINE = "/usr/lib/wine/wine64"
NOT_SUPPORTED = 50


def path(*names):
    return os.path.join(gateway.ROOT, *names)


class Linux:
    is_windows = False
    environment = None

    def __init__(self, folder):
        self.command = [gateway.binary() + "-host"]
        self.library = folder / "driven.so"
        subprocess.run(["gcc", "-O0", "-g", "-shared", "-fPIC", f"-I{path('CShims/CISAPI/include')}", "-o", self.library,
                        path("Tests/Host/driven.c")], check=True)

    def end(self):
        pass


class Windows:
    """A prefix of its own, whose server has inherited nothing of the tests' processes."""

    is_windows = True

    def __init__(self, folder):
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "WINEPREFIX": str(folder / "prefix"), "WINEDEBUG": "-all",
            # Neither is installed: nobody is to be asked for them.
            "WINEDLLOVERRIDES": "mscoree,mshtml=",
        }
        program, self.library = folder / "isagate-host.exe", folder / "driven.dll"
        self.command = [WINE, str(program)]
        subprocess.run(["make", "-s", "-C", gateway.ROOT, f"WINDOWS_HOST={program}", "windows-host"], check=True)
        subprocess.run([MINGW, "-O0", "-g", "-shared", "-o", self.library, path("Tests/Host/driven.c")], check=True)
        quiet = {"env": self.environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True}
        subprocess.run([WINE, "wineboot", "--init"], **quiet, timeout=patience.seconds(120))

    def end(self):
        # All processes of the prefix.
        server = os.path.join(os.path.dirname(WINE), "wineserver")
        subprocess.run([server, "-k"], env=self.environment, check=False, timeout=patience.seconds(30))
        subprocess.run([server, "-w"], env=self.environment, check=False, timeout=patience.seconds(30))


def is_installed(name):
    return shutil.which(name) is not None


@pytest.fixture(scope="module", params=[Linux, Windows])
def system(request, tmp_path_factory):
    if request.param is Windows and not (is_installed(MINGW) and is_installed(WINE)):
        pytest.skip("wine64 and gcc-mingw-w64-x86-64-win32 are not installed: nothing can run a Windows program")
    made = request.param(tmp_path_factory.mktemp(request.param.__name__))
    yield made
    made.end()


only_windows = pytest.mark.parametrize("system", [Windows], indirect=True)


@pytest.fixture
def start(system, tmp_path):
    with_end = []

    def started(**options):
        options.setdefault("library", system.library)
        host = pool.Host(system.command, tmp_path, is_windows=system.is_windows, environment=system.environment, **options)
        with_end.append(host)
        return host

    yield started
    for host in with_end:
        host.__exit__()


@pytest.fixture
def host(start):
    made = start()
    assert made.beginning()[-1].type == pool.READY, made.report()
    return made


def response(channel):
    """Head and body as a POOL_SUPPORT and POOL_WRITEs bring them, then the message behind them; calls are answered."""
    head, body = channel.expect(pool.SUPPORT), b""
    message = head
    while message.type != pool.RETURN:
        if message.type == pool.WRITE:
            body += message.payload
        if not message.flags & pool.NO_REPLY:
            channel.reply(message.request, pool.word(len(message.payload)) if message.type == pool.WRITE else b"")
        message = channel.receive()
    return head, body.decode(), message


def test_a_library_is_loaded_attached_and_described(start):
    messages = start().beginning()
    loaded = next(one for one in messages if one.type == pool.LOADED)
    assert loaded.word() == 0x00010002
    assert loaded.text() == "driven, attached"


def test_a_request_asks_for_a_variable_and_returns_with_its_response(host):
    channel = host.run_channels[0]
    host.run("greet", request=7, method="POST", path="/a/b", body="a body")
    asked = channel.expect(pool.GET_VARIABLE)
    assert (asked.request, asked.text()) == (7, "SERVER_NAME")
    assert host.entered() == 1
    channel.reply(7, pool.item("example.org\0"))
    head, body, returned = response(channel)
    assert head.flags & pool.NO_REPLY and b"200 OK" in head.payload
    assert body == "POST /a/b of example.org with a body"
    assert (returned.request, returned.value) == (7, 1)


def test_a_body_is_read_as_far_as_it_has_come(host):
    channel = host.run_channels[1]
    host.run("read", channel=1, request=3, total=9)
    assert channel.expect(pool.READ).value == 63
    channel.reply(3, b"from afar")
    assert response(channel)[1] == "from afar"


def test_another_thread_ends_a_pending_request_on_a_shared_channel(host):
    shared = host.shared_channels[0]
    host.run("later", request=5)
    assert host.run_channels[0].expect(pool.RETURN).value == 3
    body = b""
    while (call := shared.receive()) and not (call.type == pool.SUPPORT and call.value == 4):
        assert call.request == 5
        if call.type == pool.WRITE:
            body += call.payload
        shared.reply(5, pool.word(len(call.payload)) if call.type == pool.WRITE else b"")
    assert body == b"from another thread"
    shared.reply(5)


def test_what_the_gateway_takes_back_is_not_entered(host):
    channel = host.run_channels[0]
    host.run("greet")
    channel.expect(pool.GET_VARIABLE)
    host.run("greet", request=1)
    # The word that admits it has been lowered before the process reads it.
    host._memory[0:8] = b"\x01\0\0\0\x01\0\0\0"
    channel.reply(0, pool.item("name\0"))
    response(channel)
    host.control.send(pool.PING, value=77)
    assert host.control.expect(pool.PONG).value == 77
    assert host.entered() == 1
    assert not channel.has_message()


def test_a_stack_is_told_while_the_code_runs(host):
    host.run("read", request=2)
    host.run_channels[0].expect(pool.READ)
    host.control.send(pool.LOOK, request=2)
    stack = host.control.expect(pool.STACK)
    assert stack.value == pool.STACK_TAKEN
    assert stack.text() == "driven-1"
    frames = []
    while stack.has_more:
        frames.append(stack.text())
    assert any("HttpExtensionProc+0x" in one and "driven." in one for one in frames), frames
    host.run_channels[0].reply(2, b"end")
    assert response(host.run_channels[0])[1] == "end"


@pytest.mark.parametrize("query", ["crash", "overflow", "smash"])
def test_a_crash_is_announced_and_explained(host, query):
    host.run(query)
    assert host.control.expect(pool.CRASHED)
    assert host.control.receive() is None
    host.process.wait(patience.seconds(30))
    report = host.report()
    what = r"exception 0xc0000005 \(EXCEPTION_ACCESS_VIOLATION\)" if host.is_windows else r"signal 11 \(SIGSEGV\)"
    if query == "overflow":
        what = r"exception 0xc00000fd \(EXCEPTION_STACK_OVERFLOW\), stack overflow" if host.is_windows else what + ", stack overflow"
    assert re.search(what + r".*, extension driven, request 112233445566778899aabbccddeeff00, thread driven-1", report), report
    assert re.search(r"critical: crash: #\d+ 0x[0-9a-f]+ (HttpExtensionProc)?", report), report
    if query == "crash":
        assert re.search(r"#0 0x[0-9a-f]+ HttpExtensionProc\+0x[0-9a-f]+ in \S*driven\.(so|dll)\+0x", report), report


def test_a_library_that_is_told_to_end_ends_with_the_process(host):
    host.control.send(pool.TERMINATE, request=0, value=2)
    assert host.control.expect(pool.TERMINATED).value == 1
    for channel in host.run_channels:
        channel.send(pool.STOP)
        assert channel.expect(pool.RETURN).request == pool.NO_REQUEST
    host.control.send(pool.STOP)
    assert host.control.receive() is None
    assert host.process.wait(patience.seconds(30)) == 0


def test_the_process_ends_with_its_gateway(host):
    host.close()
    assert host.process.wait(patience.seconds(30)) == 0


def test_a_library_that_cannot_be_opened_is_refused_with_the_reason(start, tmp_path):
    wrong = tmp_path / "wrong.bin"
    wrong.write_bytes(b"no library")
    refused = next(one for one in start(library=wrong).beginning() if one.type == pool.REFUSED)
    assert refused.value == pool.REFUSED_CANNOT_OPEN
    refused.word()
    assert refused.text()


def test_a_file_is_passed_or_refused_by_name(system, start, tmp_path):
    file = tmp_path / "file"
    file.write_text("contents of a file")
    host = start()
    notices = [one.text() for one in host.beginning() if one.type == pool.NOTICE]
    channel = host.run_channels[0]
    host.run("file", translated=pool.windows_path(file) if system.is_windows else str(file))
    if system.is_windows:
        assert response(channel)[1] == f"error {NOT_SUPPORTED}"
        assert any("files cannot be passed" in one and "ERROR_NOT_SUPPORTED" in one for one in notices), notices
        return
    sent = channel.expect(pool.SUPPORT)
    assert os.pread(sent.files[0], 64, 0) == b"contents of a file"
    os.close(sent.files[0])
    channel.reply(0)
    assert channel.expect(pool.RETURN).value == 3


@only_windows
@pytest.mark.parametrize("options, reason", [
    ({"limits": (pool.NO_LIMIT, 64, pool.NO_LIMIT, pool.NO_LIMIT)}, "limits.descriptors: "),
    ({"flags": pool.REQUIRES_SANDBOX | pool.CONFINES_FILES}, "sandbox: a Windows process does not have Landlock"),
    ({"flags": pool.REQUIRES_SANDBOX}, "sandbox: a Windows process does not have seccomp filters"),
])
def test_a_windows_process_refuses_by_name_what_it_cannot_confine(start, options, reason):
    refused = start(**options).beginning()[-1]
    assert (refused.type, refused.request) == (pool.REFUSED, pool.NO_REQUEST)
    refused.word()
    assert refused.text().startswith(reason)


@only_windows
def test_a_windows_process_says_what_its_sandbox_lacks(start):
    messages = start(flags=0).beginning()
    assert messages[-1].type == pool.READY
    assert any("seccomp" in one.text() for one in messages if one.type == pool.NOTICE)


@only_windows
def test_a_windows_process_takes_no_user(system):
    outcome = subprocess.run([*system.command, "33", "33"], env=system.environment, capture_output=True, text=True,
                             timeout=patience.seconds(60))
    assert outcome.returncode == 1
    assert "its starter has to run as that user" in outcome.stderr
