"""The files of the container image, run as container engines run them."""

import json
import os
import pathlib
import signal
import socket
import stat
import subprocess

import images
import patience
import pytest
import root as roots
import wire
from conftest import BUILT, PROJECT

ACCOUNT = "65532"
ISOLATED = """
version: 1
listeners: { plain: { bind: ":8080" } }
admin: { socket: /run/isagate/isagate.sock }
extensions: { hello: { library: hello.so, run: isolated } }
sites: [{ hosts: ["*"], routes: [{ path: /, extension: hello }] }]
"""


@pytest.fixture(scope="module")
def buildah(tmp_path_factory):
    """None where buildah is missing, or cannot work on this machine."""
    buildah = images.Buildah(tmp_path_factory.mktemp("buildah"))
    return buildah if buildah.works() else None


@pytest.fixture(scope="module")
def built(buildah):
    return buildah and buildah.build(BUILT / "first")


@pytest.fixture(scope="module")
def image(buildah, built, request):
    """The image's files, mounted as container engines mount them."""
    if buildah:
        folder = pathlib.Path(buildah.files(built))
    else:
        folder = images.by_steps(request.getfixturevalue("root"), BUILT / "first")
    roots.run("mount", "--bind", folder, folder)
    roots.run("mount", "-o", "remount,bind,ro", folder)
    roots.run("mount", "--rbind", "/dev", folder / "dev")
    for name in ("run/isagate", "tmp", "var/tmp"):
        roots.run("mount", "-t", "tmpfs", "-o", f"uid={ACCOUNT},gid={ACCOUNT},mode=755", "tmpfs", folder / name)
    return folder


class Container:
    """The gateway as process 1, and nobody else, in the image."""

    def __init__(self, image, log, options, environment):
        self.image = image
        self.log = log
        command = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc=/proc", *self.inside("run", *options)]
        with open(log, "wb") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)

    def inside(self, *words):
        account = [f"--root={self.image}", "--wd=/", f"--setgid={ACCOUNT}", f"--setuid={ACCOUNT}"]
        return [*account, "/usr/bin/isagate", *words]

    def __enter__(self):
        patience.until(lambda: self.answers() or self.process.poll() is not None, 20)
        assert self.process.poll() is None, self.log.read_text()
        # The supervisor binds the port; this waits until the gateway process serves.
        self.text()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.kill(self.gateway(), signal.SIGTERM)
            assert self.process.wait(patience.seconds(20)) == 0, self.log.read_text()

    def gateway(self):
        """Process 1 of the container."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            return int(file.read().split()[0])

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", 8080)) == 0

    def text(self):
        with wire.Client(wire.connect(8080)) as client:
            return client.get("/", "Host: any").text

    def command(self, *words):
        """What the gateway's own program says inside; `status` is the health check of the Containerfile."""
        command = ["nsenter", f"--target={self.gateway()}", "--pid", "--mount", "unshare", *self.inside(*words)]
        return subprocess.run(command, capture_output=True, text=True, env={"PATH": os.environ["PATH"]})

    def fact(self, name):
        with open(f"/proc/{self.gateway()}/status") as file:
            return next(line.split(":", 1)[1].split() for line in file if line.startswith(f"{name}:"))


@pytest.fixture
def start(image, tmp_path):
    return lambda *options, **environment: Container(image, tmp_path / "log", options, environment)


def test_the_containerfile_builds_an_image_that_needs_no_right(buildah, built):
    if not buildah:
        pytest.skip("buildah cannot work here; the image is made by the steps of the Containerfile")
    settings = buildah.settings(built)
    assert settings["User"] == f"{ACCOUNT}:{ACCOUNT}"
    assert settings["Healthcheck"]["Test"] == ["CMD", "/usr/bin/isagate", "status"]
    assert all(int(port.split("/")[0]) > 1024 for port in settings["ExposedPorts"])


def test_it_has_no_program_but_the_gateways(image):
    programs = set()
    for folder, _, names in os.walk(image):
        if f"{folder}/".startswith((f"{image}/dev/", f"{image}/proc/")):
            continue
        for name in names:
            mode = os.lstat(f"{folder}/{name}").st_mode
            if stat.S_ISREG(mode) and mode & 0o111 and ".so" not in name:
                programs.add(name)
    assert programs == {"isagate", "isagate-host"}
    assert not (image / "etc/passwd").exists() and not list(image.glob("**/*.key"))


def test_it_serves_as_process_1_without_an_account_on_a_read_only_root(start):
    with start() as container:
        assert "Isagate is running" in container.text()
        assert container.fact("NSpid")[-1] == "1"
        assert container.fact("Uid") == [ACCOUNT] * 4
        assert int(container.fact("CapEff")[0], 16) == 0


def test_its_health_check_succeeds_while_it_serves(start):
    with start() as container:
        health = container.command("status")
        assert health.returncode == 0, health.stderr
        assert "supervisor 1" in health.stdout


def test_extensions_run_in_it_in_processes_of_their_own(image, start):
    roots.run("gcc", "-shared", "-fPIC", f"-I{PROJECT}/CShims/CISAPI/include", "-o", image / "tmp/hello.so",
              PROJECT / "Examples/hello/hello.c")
    (image / "tmp/isagate.yaml").write_text(ISOLATED)
    with start("--config", "/tmp/isagate.yaml") as container:
        assert container.text() == "Hello, world\n"


def test_it_starts_without_ipv6(start):
    switch = "/proc/sys/net/ipv6/conf/all/disable_ipv6"
    with open(switch, "w") as file:
        file.write("1")
    try:
        with start() as container:
            assert "Isagate is running" in container.text()
            assert "IPv6 is switched off" in container.log.read_text()
    finally:
        with open(switch, "w") as file:
            file.write("0")


def test_it_starts_with_a_billion_descriptors_allowed(image, start):
    """Nothing that it does takes time or memory for each descriptor that it might have."""
    library = image / "tmp/descriptors.so"
    roots.run("gcc", "-shared", "-fPIC", "-o", library, PROJECT / "Tests/Packages/descriptors.c")
    with start(LD_PRELOAD="/tmp/descriptors.so") as container:
        status = json.loads(container.command("status", "--json").stdout)
        assert status["supervisorPid"] == 1
        with open(f"/proc/{container.gateway()}/maps") as file:
            assert "/tmp/descriptors.so" in file.read()
        assert int(container.fact("VmRSS")[0]) < 100_000
