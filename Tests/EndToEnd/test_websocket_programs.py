"""WebSockets between third-party programs: a library's server and client, and a browser."""

import asyncio
import json
import os
import shutil
import ssl
import subprocess
import threading

import hostile_origin
import patience
import pytest
import websockets


@pytest.fixture(scope="module")
def echo():
    """The port of a server that answers every message with itself."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    stop = asyncio.Event()
    ports = []

    async def answer(socket, *_):
        async for message in socket:
            await socket.send(message)

    async def serve():
        async with websockets.serve(answer, "127.0.0.1", 0, max_size=1 << 22) as server:
            ports.append(server.sockets[0].getsockname()[1])
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(patience.seconds(10))
    yield ports[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join()


PAGE = """<!DOCTYPE html><script>
const socket = new WebSocket(`wss://$${location.host}/ws`);
const tell = result => fetch("/result", { method: "POST", body: result });
socket.onopen = () => socket.send("from a browser".repeat(1000));
socket.onmessage = event => { tell(`$${event.data.length} $${event.data.slice(0, 14)}`); socket.close(); };
socket.onerror = () => tell("failed");
</script>"""


@pytest.fixture
def results():
    with hostile_origin.Origin() as origin:
        origin.on("/result", hostile_origin.echo, hostile_origin.KEEP)
        yield origin


@pytest.fixture
def gateway(start_gateway, echo, results):
    return start_gateway(
        [
            {"path": "/ws", "proxy": {"to": "echo"}},
            {"path": "/result", "proxy": {"to": "results"}},
            {"path": "/page", "respond": {"body": PAGE, "headers": {"Content-Type": "text/html"}}},
        ],
        upstreams={
            "echo": {"servers": [{"url": f"http://127.0.0.1:{echo}"}]},
            "results": {"servers": [{"url": results.url}]},
        },
        admin={"socket": "admin.sock"},
        log={"access": {"path": "access.log", "format": "json"}},
    )


def trusting(gateway):
    return ssl.create_default_context(cafile=gateway.authority)


def test_a_librarys_client_and_server_talk_through_tls(gateway):
    async def talk():
        url = f"wss://localhost:{gateway.ports['secure']}/ws"
        async with websockets.connect(url, ssl=trusting(gateway), max_size=1 << 22) as socket:
            for message in ["text", b"\0\1", "", "ü" * 100_000, os.urandom(3 << 20)]:
                await socket.send(message)
                assert await socket.recv() == message
            await (await socket.ping())

    asyncio.run(talk())


def test_twenty_reloads_drop_no_connection_of_a_library(gateway):
    async def talk():
        url = f"wss://localhost:{gateway.ports['secure']}/ws"
        sockets = [await websockets.connect(url, ssl=trusting(gateway)) for _ in range(5)]
        for turn in range(20):
            gateway.configure({**gateway.configuration, "limits": {"idle_timeout": f"{60 + turn}s"}})
            gateway.signal(1)
            gateway.log.wait_for("serving generation", count=turn + 1)
            for socket in sockets:
                await socket.send(f"{turn}")
                assert await socket.recv() == f"{turn}"
        for socket in sockets:
            await socket.close()
            assert socket.close_code == 1000

    asyncio.run(talk())


def test_a_browser_talks_through_tls(gateway, results, tmp_path):
    chromium = shutil.which("chromium")
    assert chromium, "chromium is missing; make test-requirements installs it"
    process = subprocess.Popen(
        [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--ignore-certificate-errors", f"--user-data-dir={tmp_path / 'profile'}", "--remote-debugging-port=0",
            f"https://localhost:{gateway.ports['secure']}/page",
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        patience.until(lambda: results.requests and results.requests[0].body, limit=30)
    finally:
        process.terminate()
        process.wait(patience.seconds(20))
    assert results.requests[0].body == b"14000 from a browser"


def tunnels(gateway):
    status = json.loads(gateway.command("status", "--json").stdout)
    servers = {upstream["name"]: upstream["servers"][0] for upstream in status["gateway"]["upstreams"]}
    return [servers["echo"][key] for key in ("tunnels", "tunnelBytesToServer", "tunnelBytesToClients")]


def test_tunnels_are_counted_and_logged_when_they_end(gateway):
    async def talk():
        async with websockets.connect(f"ws://localhost:{gateway.ports['plain']}/ws", compression=None) as socket:
            await socket.send("x" * 1000)
            assert await socket.recv() == "x" * 1000
            # A frame from a client has a mask.
            assert tunnels(gateway) == [1, 1008, 1004]
            assert not os.path.exists(gateway.folder / "access.log") or "/ws" not in str(gateway.access_log)

    asyncio.run(talk())
    patience.until(lambda: any("/ws" in line for line in gateway.access_log))
    (record,) = [record for record in map(json.loads, gateway.access_log) if record["path"] == "/ws"]
    assert record["status"] == 101 and record["received"] >= 1008 and record["bytes"] >= 1004
    patience.until(lambda: tunnels(gateway)[0] == 0)
    assert tunnels(gateway)[1:] == [record["received"], record["bytes"]]
