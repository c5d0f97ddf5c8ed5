"""Certificates whose files change are replaced without a signal or a command."""

import json
import os
import shutil
import subprocess

import gateway
import pytest
import rotation

HELLO = {"path": "/hello", "respond": {"body": "Hello, world\n"}}
EXCHANGED = "reload: serving generation {}"


@pytest.fixture
def pairs(tmp_path, certificates):
    """Two folders with `tls.crt` and `tls.key` of the same authority."""
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        made = tmp_path / f"{folder.name}-made"
        shutil.copytree(certificates, made)
        for name in ("localhost.pem", "localhost.key"):
            os.remove(made / name)
        subprocess.run([os.path.join(gateway.ROOT, "Certs/generate"), made], check=True, capture_output=True)
        folder.mkdir()
        shutil.copy(made / "localhost.pem", folder / "tls.crt")
        shutil.copy(made / "localhost.key", folder / "tls.key")
    return folders


@pytest.fixture
def served(tmp_path, pairs):
    """The folder of the files that are served."""
    folder = tmp_path / "served"
    shutil.copytree(pairs[0], folder)
    return folder


def site(folder, **keys):
    pair = {"chain": str(folder / "tls.crt"), "key": str(folder / "tls.key"), **keys}
    return {"hosts": ["localhost"], "certificates": [pair], "routes": [HELLO]}


@pytest.fixture
def server(start_gateway, served):
    return start_gateway(sites=[site(served)], watch=True, admin={"socket": "admin.sock"})


def serial(server):
    return rotation.serial(server.ports["secure"], str(server.folder / "ca.pem"))


def serial_in(folder):
    outcome = subprocess.run(
        ["openssl", "x509", "-in", folder / "tls.crt", "-noout", "-serial"], check=True, capture_output=True, text=True
    )
    return outcome.stdout.strip().split("=")[1]


def write(served, pair):
    for name in ("tls.crt", "tls.key"):
        shutil.copyfile(pair / name, served / name)


def test_files_written_in_place_are_exchanged(server, served, pairs):
    assert serial(server) == serial_in(pairs[0])
    write(served, pairs[1])
    server.log.wait_for(EXCHANGED.format(2))
    assert serial(server) == serial_in(pairs[1])


def test_files_renamed_into_place_are_exchanged(server, served, pairs):
    for name in ("tls.crt", "tls.key"):
        shutil.copyfile(pairs[1] / name, served / f".{name}")
        os.replace(served / f".{name}", served / name)
    server.log.wait_for(EXCHANGED.format(2))
    assert serial(server) == serial_in(pairs[1])


@pytest.fixture
def volume(tmp_path, pairs):
    """A Kubernetes volume: the files are links into `..data`, which is a link to a folder of one version."""
    folder = tmp_path / "volume"
    folder.mkdir()
    mount(folder, pairs[0], 1)
    for name in ("tls.crt", "tls.key"):
        (folder / name).symlink_to(f"..data/{name}")
    return folder


def mount(folder, pair, version):
    """Makes another version current as kubelet does, and removes the previous one."""
    before = os.path.realpath(folder / "..data")
    shutil.copytree(pair, folder / f"..version-{version}")
    (folder / "..data_tmp").symlink_to(f"..version-{version}")
    os.replace(folder / "..data_tmp", folder / "..data")
    if before != str(folder / "..data"):
        shutil.rmtree(before)


@pytest.mark.parametrize("arguments", [[], ["--foreground-single"]])
def test_each_swap_of_a_kubernetes_volume_is_noticed(start_gateway, volume, pairs, arguments):
    server = start_gateway(sites=[site(volume, watch=True)], arguments=arguments)
    for version in (2, 3, 4):
        mount(volume, pairs[(version + 1) % 2], version)
        server.log.wait_for(EXCHANGED.format(version))
        assert serial(server) == serial_in(pairs[(version + 1) % 2])


def test_a_folder_that_is_replaced_as_a_whole_is_noticed(server, served, pairs):
    os.rename(served, served.with_name("before"))
    shutil.copytree(pairs[1], served)
    server.log.wait_for(EXCHANGED.format(2))
    write(served, pairs[0])
    server.log.wait_for(EXCHANGED.format(3))
    assert serial(server) == serial_in(pairs[0])


def test_a_pair_that_does_not_match_yet_is_tried_again(server, served, pairs):
    shutil.copyfile(pairs[1] / "tls.crt", served / "tls.crt")
    server.log.wait_for("is not the key of the first certificate in .*; trying again in 250ms")
    assert serial(server) == serial_in(pairs[0])
    shutil.copyfile(pairs[1] / "tls.key", served / "tls.key")
    server.log.wait_for(EXCHANGED.format(2))
    assert serial(server) == serial_in(pairs[1])
    assert json.loads(server.command("status", "--json").stdout)["failedReloads"] == 0


def test_half_a_file_is_tried_again(server, served, pairs):
    whole = (pairs[1] / "tls.crt").read_bytes()
    shutil.copyfile(pairs[1] / "tls.key", served / "tls.key")
    (served / "tls.crt").write_bytes(whole[: len(whole) // 2])
    server.log.wait_for("tls.crt: .*; trying again in 250ms")
    (served / "tls.crt").write_bytes(whole)
    server.log.wait_for(EXCHANGED.format(2))
    assert serial(server) == serial_in(pairs[1])


def test_a_pair_that_never_matches_is_left_with_a_warning_until_it_changes(server, served, pairs):
    shutil.copyfile(pairs[1] / "tls.crt", served / "tls.crt")
    server.log.wait_for("warning: some of the changed files cannot be used")
    server.log.wait_for("error: .*tls.key: is not the key of the first certificate")
    assert serial(server) == serial_in(pairs[0])
    assert json.loads(server.command("status", "--json").stdout)["failedReloads"] == 1
    write(served, pairs[1])
    server.log.wait_for(EXCHANGED.format(2))
    assert serial(server) == serial_in(pairs[1])


def test_a_broken_pair_holds_back_no_other(start_gateway, served, tmp_path, pairs):
    other = tmp_path / "other"
    shutil.copytree(pairs[0], other)
    server = start_gateway(sites=[{**site(other), "hosts": ["*"]}, site(served)], watch=True, admin={"socket": "admin.sock"})
    shutil.copyfile(pairs[1] / "tls.crt", other / "tls.crt")
    server.log.wait_for("trying again in 250ms")
    write(served, pairs[1])
    server.log.wait_for(EXCHANGED.format(2))
    assert serial(server) == serial_in(pairs[1])
    shutil.copyfile(pairs[1] / "tls.key", other / "tls.key")
    server.log.wait_for(EXCHANGED.format(3))
    status = json.loads(server.command("status", "--json").stdout)
    assert {each["serial"] for each in status["gateway"]["certificates"]} == {serial_in(pairs[1])}
    assert (status["reloads"], status["failedReloads"]) == (2, 0)


def test_a_missing_file_is_waited_for(server, served, pairs):
    os.remove(served / "tls.key")
    shutil.copyfile(pairs[1] / "tls.crt", served / "tls.crt")
    server.log.wait_for("; trying again in 250ms")
    shutil.copyfile(pairs[1] / "tls.key", served / "tls.key")
    server.log.wait_for(EXCHANGED.format(2))
    assert serial(server) == serial_in(pairs[1])


def test_a_configuration_that_is_being_edited_waits_for_a_reload(server, served, pairs):
    server.file.write_text("half a configu")
    write(served, pairs[1])
    server.log.wait_for(EXCHANGED.format(2))
    assert serial(server) == serial_in(pairs[1])


def test_only_certificates_that_say_so_are_watched(start_gateway, served, tmp_path, pairs):
    other = tmp_path / "other"
    shutil.copytree(pairs[0], other)
    ignored = {**site(other, watch=False), "hosts": ["*"]}
    server = start_gateway(sites=[ignored, site(served)], watch=True)
    write(other, pairs[1])
    write(served, pairs[1])
    server.log.wait_for(EXCHANGED.format(2))
    assert serial(server) == serial_in(pairs[1])
    assert f"{other}/tls.crt: serial" not in server.log.text


def test_watching_begins_with_a_reload_that_asks_for_it(start_gateway, served, pairs):
    server = start_gateway(sites=[site(served)], admin={"socket": "admin.sock"})
    server.configure({**server.configuration, "watch": True})
    assert server.command("reload").returncode == 0
    write(served, pairs[1])
    server.log.wait_for(EXCHANGED.format(3))
    assert serial(server) == serial_in(pairs[1])
