"""The records of TLS 1.3 that clients send, valid and invalid, and key updates in both directions."""

import subprocess

import gateway
import patience
import pytest
import tls13

FATAL, WARNING = 2, 1
CLOSE, UNEXPECTED, BAD_MAC, OVERFLOW, ILLEGAL, DECODE = 0, 10, 20, 22, 47, 50


@pytest.fixture(scope="module")
def server(start_shared_gateway, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    (folder / "large").write_bytes(bytes(range(256)) * 4000)
    return start_shared_gateway([gateway.PING, {"path": "/large", "files": {"root": str(folder)}}])


@pytest.fixture
def connect(server, tmp_path):
    clients = []

    def connect(**more):
        clients.append(tls13.Client(server, tmp_path, **more))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


# What is sent, and the alert that answers it.
REFUSED = {
    "change_cipher_spec behind the handshake": (lambda keys: bytes([20, 3, 3, 0, 1, 1]), UNEXPECTED),
    "an alert in clear": (lambda keys: bytes([21, 3, 3, 0, 2, 1, 0]), UNEXPECTED),
    "a message in clear": (lambda keys: bytes([22, 3, 3, 0, 5, 24, 0, 0, 1, 0]), UNEXPECTED),
    "no TLS at all": (lambda keys: b"GET / HTTP/1.1\r\n\r\n", UNEXPECTED),
    "too long by its header": (lambda keys: bytes([23, 3, 3, 65, 1]), OVERFLOW),
    "too long inside": (lambda keys: keys.seal(b"x" * 16385), OVERFLOW),
    "too much padding": (lambda keys: keys.seal(b"x" * 16000, padding=385), OVERFLOW),
    "a wrong tag": (lambda keys: keys.seal(b"x")[:-1] + b"\0", BAD_MAC),
    "a wrong number": (lambda keys: keys.seal(b"x", number=keys.number + 1), BAD_MAC),
    "nothing, with a wrong tag": (lambda keys: bytes([23, 3, 3, 0, 16]) + b"\1" * 16, BAD_MAC),
    "less than a tag": (lambda keys: bytes([23, 3, 3, 0, 3, 1, 2, 3]), BAD_MAC),
    "an empty record": (lambda keys: bytes([23, 3, 3, 0, 0]), BAD_MAC),
    "no type": (lambda keys: keys.seal(b"", type=0), UNEXPECTED),
    "no type behind padding": (lambda keys: keys.seal(b"", type=0, padding=100), UNEXPECTED),
    "change_cipher_spec, encrypted": (lambda keys: keys.seal(b"\1", type=20), UNEXPECTED),
    "a type that is nobody's": (lambda keys: keys.seal(b"\1", type=99), UNEXPECTED),
    "33 records without content": (lambda keys: b"".join(keys.seal(b"") for _ in range(33)), UNEXPECTED),
    "an empty alert": (lambda keys: keys.seal(b"", type=21), UNEXPECTED),
    "an empty alert, padded": (lambda keys: keys.seal(b"", type=21, padding=5), UNEXPECTED),
    "half an alert": (lambda keys: keys.seal(b"\1", type=21), DECODE),
    "two alerts": (lambda keys: keys.seal(b"\1\x5a\1\x5a", type=21), DECODE),
    "an empty message": (lambda keys: keys.seal(b"", type=22), UNEXPECTED),
    "a hello": (lambda keys: keys.seal(b"\1\0\0\0", type=22), UNEXPECTED),
    "a ticket": (lambda keys: keys.seal(b"\4\0\0\x14" + b"\0" * 20, type=22), UNEXPECTED),
    "a certificate": (lambda keys: keys.seal(b"\x0b\0\0\4\0\0\0\0", type=22), UNEXPECTED),
    "Finished once more": (lambda keys: keys.seal(b"\x14\0\0\x20" + b"\0" * 32, type=22), UNEXPECTED),
    "KeyUpdate without content": (lambda keys: keys.seal(b"\x18\0\0\0", type=22), DECODE),
    "KeyUpdate of two bytes": (lambda keys: keys.seal(b"\x18\0\0\2\0\0", type=22), DECODE),
    "KeyUpdate with another request": (lambda keys: keys.seal(b"\x18\0\0\1\2", type=22), ILLEGAL),
    "KeyUpdate and more in one record": (lambda keys: keys.seal(b"\x18\0\0\1\0\x18", type=22), UNEXPECTED),
    "data in the middle of a KeyUpdate": (lambda keys: keys.seal(b"\x18\0", type=22) + keys.seal(b"x"), UNEXPECTED),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_standard_forbids_is_answered_by_its_alert(connect, name):
    make, alert = REFUSED[name]
    client = connect()
    client.get()
    client.send(make(client.sending))
    client.wait_for_end()
    assert client.alerts() == [(FATAL, alert)]


@pytest.mark.parametrize("name", ["a wrong tag", "change_cipher_spec behind the handshake", "KeyUpdate of two bytes"])
def test_it_is_answered_at_once_behind_the_handshake_too(connect, name):
    make, alert = REFUSED[name]
    client = connect()
    client.send(make(client.sending))
    client.wait_for_end()
    assert client.alerts() == [(FATAL, alert)]


def test_a_request_is_answered_before_the_record_behind_it_is_refused(connect):
    client = connect()
    client.send(client.sending.seal(tls13.request()) + client.sending.seal(b"x")[:-1] + b"\0")
    client.wait_for_end()
    assert client.alerts() == [(FATAL, BAD_MAC)]


def test_padding_and_records_without_content_mean_nothing(connect):
    client = connect()
    text = tls13.request()
    client.send(client.sending.seal(text[:5], padding=300) + b"".join(client.sending.seal(b"") for _ in range(32)))
    client.send(client.sending.seal(text[5:], padding=16000))
    client.wait_for(lambda: b"pong" in client.data())


def test_user_canceled_is_followed_by_close_notify(connect):
    client = connect()
    client.get()
    client.send(client.sending.seal(b"\1\x5a", type=21) + client.sending.seal(b"\1\0", type=21))
    assert client.wait_for_end()
    assert client.alerts() == [(WARNING, CLOSE)]


def test_a_fatal_alert_ends_the_connection_without_an_answer(connect):
    client = connect()
    client.get()
    client.send(client.sending.seal(b"\2\x28", type=21))
    client.wait_for_end()
    assert client.alerts() == []


# Key updates


def test_every_request_for_new_keys_is_answered(connect):
    client = connect()
    client.send(b"".join(client.change_keys(asking=True) for _ in range(32)) + client.sending.seal(tls13.request()))
    client.wait_for(lambda: b"pong" in client.data())
    assert client.key_updates() == [b"\x18\0\0\1\0"] * 32


def test_a_request_for_new_keys_is_answered_though_nothing_else_is_said(connect):
    client = connect()
    client.get()
    client.send(client.change_keys(asking=True))
    client.wait_for(lambda: len(client.key_updates()) == 1)
    client.send(client.change_keys(asking=True) + client.change_keys() + client.change_keys(asking=True))
    client.wait_for(lambda: len(client.key_updates()) == 3)
    client.get()


def test_changes_that_ask_for_nothing_are_not_answered(connect):
    client = connect()
    for _ in range(5):
        client.send(client.change_keys())
        client.get()
    assert client.key_updates() == []


def test_changes_of_keys_without_end_are_refused(connect):
    client = connect()
    client.send(b"".join(client.change_keys() for _ in range(129)))
    client.wait_for_end()
    assert client.alerts() == [(FATAL, UNEXPECTED)]


def test_a_change_of_keys_may_come_in_pieces(connect):
    client = connect()
    pieces = [client.sending.seal(bytes([byte]), 22) for byte in [24, 0, 0, 1, 1]]
    client.sending = client.sending.updated()
    client.send(b"".join(pieces))
    client.get()
    assert len(client.key_updates()) == 1


# Pieces


@pytest.mark.parametrize("suite", tls13.SUITES)
def test_requests_come_in_any_pieces(start_gateway, tmp_path, suite):
    server = start_gateway([gateway.PING], listeners={"secure": {"bind": ["127.0.0.1:0"], "tls": {"suites": [suite]}}})
    for size in [1, 2, 5, 21, 22, 23, 41, 1000, 16384]:
        with tls13.Client(server, tmp_path) as client:
            assert client.suite == suite
            flight = client.last_flight + b"".join(client.sending.seal(tls13.request()) for _ in range(10))
            client.last_flight = b""
            for start in range(0, len(flight), size):
                client.send(flight[start : start + size])
            client.wait_for(lambda: client.data().count(b"pong") == 10)


def test_a_record_may_be_cut_at_every_byte(connect):
    client = connect()
    for cut in range(1, 40):
        record = client.sending.seal(tls13.request(), padding=cut % 3)
        count = client.data().count(b"pong")
        client.send(record[:cut])
        client.send(record[cut:])
        client.wait_for(lambda: client.data().count(b"pong") == count + 1)


def test_a_thousand_requests_at_once_are_answered_in_order(connect):
    client = connect()
    client.send(b"".join(client.sending.seal(tls13.request()) for _ in range(1000)))
    client.wait_for(lambda: len(client.received) > 60_000 and client.data().count(b"pong") == 1000)


# What was negotiated


@pytest.mark.parametrize("length", [512, 1024, 2048, 4096])
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_max_fragment_length_is_kept(server, length, version):
    output = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.ports['secure']}", "-servername", "localhost"]
        + ["-CAfile", str(server.authority), version, "-maxfraglen", str(length), "-quiet", "-ign_eof"],
        input=b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        capture_output=True,
        timeout=patience.seconds(20),
    ).stdout
    assert output.partition(b"\r\n\r\n")[2] == bytes(range(256)) * 4000


@pytest.mark.parametrize("settings", ["Options = KTLS", "RecordPadding = 512", "Options = KTLS\nRecordPadding = 4096"])
def test_settings_of_openssl_that_would_change_records_are_without_effect(start_gateway, tmp_path, settings):
    file = tmp_path / "openssl.cnf"
    file.write_text(
        f"openssl_conf = main\n[main]\nssl_conf = sections\n[sections]\nsystem_default = defaults\n[defaults]\n{settings}\n"
    )
    server = start_gateway([gateway.PING], environment={"OPENSSL_CONF": str(file)})
    with tls13.Client(server, tmp_path) as client:
        client.get()
        client.send(client.sending.seal(tls13.request()) + client.change_keys(asking=True) + client.sending.seal(tls13.request()))
        client.wait_for(lambda: client.data().count(b"pong") == 3)
        assert len(client.key_updates()) == 1
        assert max(client.lengths) < 500


def test_the_end_of_a_client_without_close_notify_is_an_end(connect):
    client = connect()
    client.get()
    client.socket.shutdown(1)
    assert client.wait_for_end()


@pytest.mark.parametrize("suite", ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"])
def test_s_client_changes_keys_with_each_suite(server, suite):
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.ports['secure']}", "-servername", "localhost"]
    with subprocess.Popen(
        [*command, "-tls1_3", "-ciphersuites", suite], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        output = b""

        def read_until(mark):
            nonlocal output
            while mark not in output:
                line = process.stdout.readline()
                assert line, output
                output += line
            output = output.partition(mark)[2]

        read_until(suite.encode())
        for letter in ["k", "K", "K", "k"]:
            process.stdin.write(letter.encode() + b"\n")
            process.stdin.flush()
            read_until(b"KEYUPDATE")
            process.stdin.write(b"GET /ping HTTP/1.1\nHost: localhost\n\n".replace(b"\n", b"\r\n"))
            process.stdin.flush()
            read_until(b"pong")
        process.kill()
