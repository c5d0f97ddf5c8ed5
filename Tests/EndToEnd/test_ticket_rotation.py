"""The script that makes and rotates the ticket keys of pods, against a server that answers as Kubernetes does."""

import base64
import contextlib
import http.server
import json
import os
import ssl
import subprocess
import threading

import authority
import cluster
import pytest

SCRIPT = cluster.FOLDER / "base" / "rotate.py"
PATH = "/api/v1/namespaces/edge/secrets/isagate-ticket-keys"


class API:
    """One Secret, by HTTPS."""

    def __init__(self, folder):
        self.secret = {"metadata": {"resourceVersion": "7"}, "type": "Opaque"}
        self.conflicts = False
        issuer = authority.Authority(folder, "cluster")
        pair = issuer.issue("server", ["localhost"], 3)
        self.account = folder / "account"
        self.account.mkdir()
        (self.account / "ca.crt").write_bytes(issuer.file.read_bytes())
        (self.account / "token").write_text("letmein\n")
        (self.account / "namespace").write_text("edge")
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self, status, content):
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                self.handle_request(None)

            def do_PATCH(self):
                self.handle_request(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def handle_request(self, patch):
                if self.headers["Authorization"] != "Bearer letmein":
                    return self.answer(401, {"message": "Unauthorized"})
                if self.path != PATH:
                    return self.answer(403, {"message": "Forbidden"})
                self.answer(*api.get_or_patch(patch, self.headers["Content-Type"]))

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair["chain"], pair["key"])
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def get_or_patch(self, patch, kind):
        if patch is None:
            return 200, self.secret
        assert kind == "application/merge-patch+json"
        version = patch["metadata"]["resourceVersion"]
        if self.conflicts or version != self.secret["metadata"]["resourceVersion"]:
            return 409, {"message": "the object has been modified"}
        self.secret["data"] = {**self.secret.get("data", {}), **patch["data"]}
        self.secret["metadata"]["resourceVersion"] = str(int(version) + 1)
        return 200, self.secret

    @property
    def keys(self):
        content = base64.b64decode(self.secret["data"]["keys"])
        return [content[index : index + 80] for index in range(0, len(content), 80)]

    def run(self, *arguments, **environment):
        host, port = "localhost", str(self.server.server_address[1])
        service = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
        return subprocess.run(
            ["python3", "-W", "error", str(SCRIPT), *arguments],
            env={"PATH": os.environ["PATH"], "SERVICE_ACCOUNT": str(self.account), "SECRET": "isagate-ticket-keys"}
            | service
            | environment,
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture
def api(tmp_path):
    started = API(tmp_path)
    with contextlib.closing(started.server.socket):
        yield started
        started.server.shutdown()


def test_the_first_keys_are_made_once(api):
    outcome = api.run("--if-missing")
    assert (outcome.returncode, outcome.stdout) == (0, "the first keys are made\n"), outcome.stderr
    first = api.keys
    assert [len(key) for key in first] == [80, 80, 80]
    assert len(set(first)) == 3
    outcome = api.run("--if-missing")
    assert (outcome.returncode, outcome.stdout) == (0, "there are keys already\n"), outcome.stderr
    assert api.keys == first


def test_a_key_is_known_everywhere_before_it_is_used_and_after(api):
    api.run("--if-missing")
    for _ in range(4):
        before = api.keys
        outcome = api.run()
        assert outcome.returncode == 0, outcome.stderr
        assert api.keys[0] == before[1]
        assert api.keys[2] == before[0]
        assert api.keys[1] not in before


def test_a_file_of_another_form_is_replaced(api):
    api.secret["data"] = {"keys": base64.b64encode(b"x" * 81).decode(), "other": "eA=="}
    assert api.run().returncode == 0
    assert len(b"".join(api.keys)) == 240
    assert api.secret["data"]["other"] == "eA=="


def test_of_two_jobs_one_changes_nothing(api):
    api.run("--if-missing")
    before = api.keys
    api.conflicts = True
    outcome = api.run()
    assert outcome.returncode == 1
    assert "409" in outcome.stderr
    assert api.keys == before


@pytest.mark.parametrize(
    "environment, message",
    [
        ({"SECRET": "another"}, "403"),
        ({"KUBERNETES_SERVICE_HOST": "127.0.0.1"}, "certificate verify failed"),
        ({"KUBERNETES_SERVICE_PORT": "1"}, "refused"),
    ],
)
def test_a_failure_is_told_without_a_traceback(api, environment, message):
    outcome = api.run(**environment)
    assert outcome.returncode == 1
    assert message in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_the_chart_has_the_same_script():
    assert (cluster.FOLDER / "chart" / "files" / "rotate.py").read_text() == SCRIPT.read_text()


def test_the_commands_of_the_documentation_do_the_same(tmp_path):
    text = (cluster.FOLDER.parents[1] / "docs" / "fleet.md").read_text()
    commands = [line.strip() for line in text.splitlines() if "openssl rand" in line]
    first, rotation = commands
    file = tmp_path / "ticket.keys"

    def run(command):
        subprocess.run(["bash", "-euc", command], cwd=tmp_path, check=True, timeout=60)
        content = file.read_bytes()
        return [content[index : index + 80] for index in range(0, len(content), 80)]

    before = run(first)
    after = run(rotation)
    assert [len(key) for key in before + after] == [80] * 6
    assert (after[0], after[2]) == (before[1], before[0])
    assert after[1] not in before
