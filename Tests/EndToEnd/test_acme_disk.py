"""The storage of certificates is on a disk that is full, or cannot be written any more."""

import subprocess

import patience
import pebble
import pytest
import test_acme


@pytest.fixture
def authority(tmp_path, certificates):
    with pebble.started(tmp_path, certificates) as server:
        yield server


@pytest.fixture
def disk(tmp_path):
    """A small one, which the storage is on."""
    place = tmp_path / "state"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "none", place], capture_output=True).returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def fill(place):
    """Takes all the room, until it is called off."""
    with open(place / "filling", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass


    return lambda: (place / "filling").unlink()


def write_protect(place):
    """Hides it behind itself, read-only, until it is called off: the kernel does not protect a disk with open files."""
    mount("--bind", place, place)
    mount("-o", "remount,bind,ro", place)
    return lambda: subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize(
    ("harm", "reason"), [(fill, "No space left on device"), (write_protect, "Read-only file system")]
)
def test_a_renewal_that_cannot_be_stored_changes_nothing_that_is_served(
    start_gateway, authority, tmp_path, disk, harm, reason
):
    server = start_gateway(**test_acme.sections(authority, tmp_path))
    server.log.wait_for("has issued a certificate")
    patience.until(lambda: test_acme.is_trusted(authority))
    served = test_acme.certificate(authority.tls)
    patience.until(lambda: "issued by pebble" in server.command("acme", "status").stdout)
    call_off = harm(disk)
    renewal = server.command("acme", "renew", "--force", test_acme.NAMES[0])
    assert renewal.returncode == 1 and reason in renewal.stderr
    server.log.wait_for(f"acme: .* cannot be written: {reason}")
    status = server.command("acme", "status")
    assert status.returncode == 1 and reason in status.stdout
    assert test_acme.certificate(authority.tls) == served and test_acme.is_trusted(authority)
    # So does a restart.
    server.stop()
    server = start_gateway(**test_acme.sections(authority, tmp_path))
    assert test_acme.certificate(authority.tls) == served and test_acme.is_trusted(authority)
    server.stop()
    call_off()
    server = start_gateway(**test_acme.sections(authority, tmp_path))
    renewal = server.command("acme", "renew", "--force", test_acme.NAMES[0])
    assert renewal.returncode == 0, renewal.stderr
    patience.until(lambda: test_acme.certificate(authority.tls) != served and test_acme.is_trusted(authority))
