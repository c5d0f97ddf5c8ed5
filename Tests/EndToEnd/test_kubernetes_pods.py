"""The pod of deploy/kubernetes without Kubernetes: its configuration, volumes, probes and end, on a host of its own."""

import shutil
import signal
import socket
import subprocess
import time

import cluster
import fleet
import gateway
import network
import patience
import pytest
import wire
from test_watch import mount, pairs, serial_in  # noqa: F401

POD, NODE, STRANGER = "10.244.0.5", "10.244.0.1", "192.0.2.66"


@pytest.fixture(scope="module")
def documents():
    return cluster.kustomize("base")


def container_of(documents):
    spec = cluster.find(documents, "Deployment")["spec"]["template"]["spec"]
    return {**spec["containers"][0], "limit": spec["terminationGracePeriodSeconds"]}


@pytest.fixture
def container(documents):
    return container_of(documents)


@pytest.fixture
def hosts():
    network.required()
    with network.Network() as made:
        yield made


def project(folder, files, version=1):
    """A volume of a Secret, as the kubelet makes and changes it."""
    source = folder.with_name(f"{folder.name}-source-{version}")
    source.mkdir()
    for name, content in files.items():
        (source / name).write_bytes(content)
    folder.mkdir(exist_ok=True)
    mount(folder, source, version)
    for name in files:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")


class Pod:
    """The gateway with the arguments of the container and without any capability; paths of volumes are those of a folder."""

    CONFINED = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]

    def __init__(self, hosts, folder, documents, container, pair, library=None):
        self.folder = folder / "pod"
        self.folder.mkdir()
        self.host = hosts.host("pod", POD, "192.0.2.5")
        self.node = hosts.host("node", NODE)
        text = cluster.configuration(documents)
        places = {}
        # /etc/isagate is the beginning of other paths.
        for volume in sorted(container["volumeMounts"], key=lambda volume: -len(volume["mountPath"])):
            places[volume["name"]] = self.folder / volume["name"]
            text = text.replace(volume["mountPath"], str(places[volume["name"]]))
        project(places["configuration"], {"isagate.yaml": text.encode()})
        self.certificate, self.keys = places["certificate"], places["ticket-keys"]
        project(self.certificate, {name: (pair / name).read_bytes() for name in ("tls.crt", "tls.key")})
        project(self.keys, {"keys": fleet.new_keys(3)})
        places["run"].mkdir()
        if library:
            places["extensions"].mkdir()
            shutil.copy(library, places["extensions"] / "shop.so")
        self.file = places["configuration"] / "isagate.yaml"
        arguments = [argument.replace("/etc/isagate", str(places["configuration"])) for argument in container["args"]]
        self.running = self.host.start(*self.CONFINED, gateway.binary(), *arguments)
        self.running.log.wait_for('"message":"ready: ')
        self.ports = {port["name"]: port["containerPort"] for port in container["ports"]}

    def probe(self, probe, source=None):
        """The status that the kubelet gets."""
        with (source or self.node).entered(), wire.Client(connect(POD, self.ports[probe["port"]])) as client:
            return client.get(probe["path"], f"Host: {POD}:9145", "User-Agent: kube-probe/1.37").status

    def secure(self, context, session=None):
        with self.node.entered():
            return wire.Client(wire.start_tls(connect(POD, self.ports["https"]), context, "localhost", session))


def connect(address, port):
    return socket.create_connection((address, port), timeout=patience.seconds(10))


@pytest.fixture
def pod(hosts, tmp_path, documents, container, pairs):  # noqa: F811
    return Pod(hosts, tmp_path, documents, container, pairs[0])


@pytest.mark.parametrize("rendered", ["base", "overlays/extensions", "chart"])
def test_the_configuration_is_accepted(rendered, tmp_path, pairs, build_extension):  # noqa: F811
    made = cluster.helm() if rendered == "chart" else cluster.kustomize(rendered)
    text = cluster.configuration(made)
    (tmp_path / "keys").write_bytes(fleet.new_keys(3))
    library = tmp_path / "shop.so"
    shutil.copy(build_extension("hello"), library)
    for path, place in [("tls", pairs[0]), ("tickets", tmp_path)]:
        assert f"/etc/isagate-{path}" in text
        text = text.replace(f"/etc/isagate-{path}", str(place))
    (tmp_path / "isagate.yaml").write_text(text.replace("/opt/extensions", str(tmp_path)))
    outcome = subprocess.run(
        [gateway.binary(), "check", "--config", tmp_path / "isagate.yaml"], capture_output=True, text=True, timeout=60
    )
    assert outcome.returncode == 0, outcome.stderr


def test_the_node_gets_answers_to_its_probes_and_strangers_do_not(pod, container, hosts):
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert pod.probe(container[name]["httpGet"]) == 200
    stranger = hosts.host("stranger", STRANGER)
    with stranger.entered(), wire.Client(connect("192.0.2.5", pod.ports["admin"])) as client:
        assert client.get("/readyz").status == 403


def test_renewed_certificates_and_rotated_keys_are_taken_over(pod, pairs, tmp_path, certificates):  # noqa: F811
    context = wire.client_context(certificates / "ca.pem")
    for pair in pairs:
        context.load_verify_locations(tmp_path / f"{pair.name}-made" / "ca.pem")

    def ask(session=None):
        with pod.secure(context, session) as client:
            assert client.get("/").text == "Isagate\n"
            return client.socket.session, client.socket.session_reused, client.socket.getpeercert()["serialNumber"]

    session, _, serial = ask()
    assert int(serial, 16) == int(serial_in(pairs[0]), 16)

    # As deploy/kubernetes/base/rotate.py does it: the second key becomes the first, which becomes the third.
    keys = (pod.keys / "keys").read_bytes()
    project(pod.keys, {"keys": keys[80:160] + fleet.new_keys(1) + keys[:80]}, version=2)
    pod.running.log.wait_for("reload: serving generation 2")
    session, is_resumed, _ = ask(session)
    assert is_resumed

    project(pod.certificate, {name: (pairs[1] / name).read_bytes() for name in ("tls.crt", "tls.key")}, version=2)
    pod.running.log.wait_for("reload: serving generation 3")
    _, _, serial = ask()
    assert int(serial, 16) == int(serial_in(pairs[1]), 16)


def test_a_pod_that_ends_finishes_its_requests_within_its_time(pod, container, pairs, tmp_path):  # noqa: F811
    context = wire.client_context(tmp_path / f"{pairs[0].name}-made" / "ca.pem")
    idle, busy = pod.secure(context), pod.secure(context)
    assert idle.get("/").status == 200
    busy.send("GET / HTTP/1.1\r\n")
    began = time.monotonic()
    pod.running.signal(signal.SIGTERM)
    pod.running.log.wait_for('"message":"draining"')
    assert pod.probe(container["livenessProbe"]["httpGet"]) == 200
    assert pod.probe(container["readinessProbe"]["httpGet"]) == 503
    busy.send("Host: localhost\r\n\r\n")
    response = busy.read_response()
    assert (response.status, response["Connection"]) == (200, "close")
    idle.expect_end()
    assert pod.running.wait() == 0
    assert time.monotonic() - began < container["limit"] - container["lifecycle"]["preStop"]["sleep"]["seconds"]


def test_extensions_run_isolated_in_a_pod(hosts, tmp_path, pairs, build_extension):  # noqa: F811
    documents = cluster.kustomize("overlays/extensions")
    library = build_extension("hello")
    pod = Pod(hosts, tmp_path, documents, container_of(documents), pairs[0], library)
    context = wire.client_context(tmp_path / f"{pairs[0].name}-made" / "ca.pem")
    with pod.secure(context) as client:
        response = client.get("/shop/list")
    assert (response.status, response.text) == (200, "Hello, world\n")
    outcome = subprocess.run(
        [gateway.binary(), "pools", "--config", pod.file], capture_output=True, text=True, timeout=patience.seconds(30)
    )
    assert outcome.returncode == 0, outcome.stderr
    assert "shop" in outcome.stdout
