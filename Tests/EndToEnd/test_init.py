"""`isagate init`: a gateway that runs with what it wrote, for what it found, without a question."""

import contextlib
import os
import pathlib
import re
import signal
import stat
import subprocess

import free_ports
import gateway
import origin
import patience
import pytest


def init(folder, *arguments, expected=0):
    outcome = subprocess.run(
        [gateway.binary(), "init", "--certbot", str(folder / "live"), *map(str, arguments)],
        cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=patience.seconds(30),
    )  # fmt: skip
    assert outcome.returncode == expected, outcome.stdout + outcome.stderr
    return outcome


@contextlib.contextmanager
def running(folder):
    process = subprocess.Popen(
        [gateway.binary(), "run"], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    logs = [gateway.Log(process.stdout), gateway.Log(process.stderr)]
    try:
        logs[1].wait_for(r" notice: ready: ")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(patience.seconds(30)) == 0
        for log in logs:
            log.thread.join()


def curl(url, *arguments):
    outcome = subprocess.run(
        ["curl", "-sS", "--max-time", "20", "-w", "\n%{http_code} %{redirect_url}", *map(str, arguments), url],
        capture_output=True, text=True,
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    body, _, rest = outcome.stdout.rpartition("\n")
    return body, rest.strip()


@pytest.fixture
def folder(tmp_path):
    return pathlib.Path(os.path.realpath(tmp_path))


def test_without_anything_a_certificate_is_made_and_the_next_command_works(folder):
    port, plain = free_ports.take(2)
    outcome = init(folder, "--port", port, "--http-port", plain)
    assert "isagate.yaml: configuration is valid" in outcome.stdout
    key = folder / "certificates/localhost.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with running(folder):
        (line,) = [line.strip() for line in outcome.stdout.splitlines() if "curl" in line]
        body, status = curl(line.split()[-1], *line.split()[1:-1])
        assert (body, status) == ("It works. Now write routes for your content.\n", "200")
        _, status = curl(f"http://localhost:{plain}/a?b")
        assert status == f"308 https://localhost:{port}/a?b"


def test_a_folder_with_an_index_is_served(folder):
    (folder / "public").mkdir()
    (folder / "public/index.html").write_text("<p>home</p>")
    port, plain = free_ports.take(2)
    init(folder, "--port", port, "--http-port", plain)
    with running(folder):
        ca = folder / "certificates/localhost.pem"
        assert curl(f"https://127.0.0.1:{port}/", "--cacert", ca) == ("<p>home</p>", "200")


def test_a_server_is_forwarded_to(folder):
    server = origin.Origin("app")
    port, plain = free_ports.take(2)
    init(folder, "--proxy", server.url, "--port", port, "--http-port", plain, "--host", "app.test")
    with running(folder):
        resolved = ["--resolve", f"app.test:{port}:127.0.0.1", "--cacert", folder / "certificates/app.test.pem"]
        body, status = curl(f"https://app.test:{port}/x", *resolved)
        assert (body.split(), status) == (["app"], "200")
    server.stop()


def test_an_extension_runs(folder, build_extension):
    port, plain = free_ports.take(2)
    init(folder, "--extension", build_extension("hello"), "--port", port, "--http-port", plain)
    with running(folder):
        ca = folder / "certificates/localhost.pem"
        _, status = curl(f"https://localhost:{port}/", "--cacert", ca)
        assert status == "200"


def test_certificates_of_certbot_are_taken_with_their_names(folder, certificates):
    live = folder / "live/localhost"
    live.mkdir(parents=True)
    (live / "fullchain.pem").write_bytes((certificates / "localhost.pem").read_bytes())
    (live / "privkey.pem").write_bytes((certificates / "localhost.key").read_bytes())
    (folder / "live/README").write_text("certbot's")
    port, plain = free_ports.take(2)
    outcome = init(folder, "--port", port, "--http-port", plain)
    assert not (folder / "certificates").exists()
    text = (folder / "isagate.yaml").read_text()
    assert "watch: true" in text and re.search(r'hosts: \[.*"localhost"', text)
    with running(folder):
        assert curl(f"https://localhost:{port}/", "--cacert", certificates / "ca.pem")[1] == "200"


def test_nothing_is_overwritten_without_force(folder):
    init(folder)
    before = (folder / "isagate.yaml").read_text()
    key = (folder / "certificates/localhost.key").read_bytes()
    refused = init(folder, "--proxy", "http://127.0.0.1:1", expected=1)
    assert refused.stderr == "isagate: error: isagate.yaml exists; --force replaces it\n"
    assert (folder / "isagate.yaml").read_text() == before
    init(folder, "--output", "other.yaml")
    assert (folder / "certificates/localhost.key").read_bytes() == key
    init(folder, "--force", "--proxy", "http://127.0.0.1:1")
    assert (folder / "isagate.yaml").read_text() != before
    assert stat.S_IMODE((folder / "certificates/localhost.key").stat().st_mode) == 0o600


def test_a_result_that_is_not_valid_is_reported(folder):
    outcome = init(folder, "--files", "/nonexistent", expected=78)
    assert re.search(r"isagate\.yaml:\d+:\d+: error: no such folder", outcome.stderr)
    assert init(folder, "--files", "a", "--proxy", "b", expected=64).stdout == ""
