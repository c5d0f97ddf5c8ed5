"""Sources as they are written for IIS: compiled unchanged against what `make install` installs, driven over TLS."""

import os
import subprocess

import gateway
import pytest
import wire

SAMPLES = os.path.join(gateway.ROOT, "Tests/EndToEnd/samples")
# Those that are C are compiled as both.
SOURCES = {os.path.splitext(name)[0]: name for name in sorted(os.listdir(SAMPLES)) if not name.endswith(".md")}
CONTENT = bytes(range(256)) * 1000
FORM = "Content-Type: application/x-www-form-urlencoded"
SETTINGS = '[Form]\r\nDescription = "Configured form"\r\nMaxFields=3\r\n; Prefix=none\r\nprefix="- "\r\n'


@pytest.fixture(scope="module")
def flags(tmp_path_factory):
    """What pkg-config says about an installation in a folder of its own."""
    prefix = tmp_path_factory.mktemp("prefix")
    make = ["make", "-s", "-C", gateway.ROOT, "install-development", f"PREFIX={prefix}"]
    subprocess.run(make, check=True, capture_output=True)
    return subprocess.check_output(
        ["pkg-config", "--cflags", "--libs", "isagate-extension"],
        text=True,
        env={**os.environ, "PKG_CONFIG_PATH": f"{prefix}/lib/pkgconfig"},
    ).split()


@pytest.fixture(scope="module")
def build(flags, tmp_path_factory):
    """A function from a sample's name, a compiler and its language to the library."""
    folder = tmp_path_factory.mktemp("samples")
    (folder / "file.dat").write_bytes(CONTENT)
    for language in ("c", "c++"):
        (folder / f"FormPost-{language}.ini").write_text(SETTINGS)

    def build(name, compiler, language):
        source = os.path.join(SAMPLES, SOURCES[name])
        library = folder / f"{name}-{language}.so"
        command = [compiler, "-shared", "-fPIC", "-Wall", "-Werror", "-Wno-unknown-pragmas", *flags, "-o", library]
        subprocess.run([*command, "-x", language, source], check=True)
        return library

    return build


@pytest.fixture(scope="module", params=[("cc", "c"), ("c++", "c++")], ids=["C", "C++"])
def server(request, start_shared_gateway, build):
    compiler, language = request.param
    names = [name for name, source in SOURCES.items() if language == "c++" or source.endswith(".c")]
    libraries = {name: {"library": str(build(name, compiler, language))} for name in names}
    return start_shared_gateway(extensions=libraries)


def test_simple_answers(server):
    response = server.secure().get("/Simple?a")
    assert response.text == "<html><body><p>Method: GET</p><p>Query: some</p><p>Thread: known</p></body></html>\r\n"


def test_the_variable_dump_prints_values_and_errors(server):
    text = server.secure().get("/DumpVariables?q=1", "User-Agent: tester").text
    for line in ["REQUEST_METHOD: GET", "HTTPS: on", "QUERY_STRING: q=1", "HTTP_USER_AGENT: tester"]:
        assert f"{line}\r\n" in text
    assert "NO_SUCH_VARIABLE: <error 1413>" in text
    assert "HTTP_USER_AGENT:tester\n" in text


def test_redirect_leads_elsewhere(server):
    client = server.secure()
    response = client.get("/Redirect?Elsewhere")
    assert (response.status, response["Location"]) == (302, "https://www.example.com/elsewhere")
    assert client.get("/Redirect")["Location"].endswith("/landing")


def test_keep_alive_keeps_the_connection_if_the_client_wants(server):
    client = server.secure()
    assert client.get("/KeepAlive").text.endswith("keeping the connection\r\n")
    assert client.get("/KeepAlive").text.endswith("keeping the connection\r\n")
    assert client.get("/KeepAlive", "Connection: close").text.endswith("closing the connection\r\n")
    client.expect_end()


def test_keep_alive_with_threads_answers_from_them(server):
    client = server.secure()
    for _ in range(20):
        assert client.get("/KeepAliveThreads").text == "answered by a thread of the extension\r\n"


def test_a_worker_thread_knows_the_path_of_its_library(server):
    text = server.secure().get("/WorkerThread").text
    assert text.startswith("worked in /") and "/WorkerThread-" in text


def test_a_body_is_read_synchronously(server):
    client = server.secure()
    for size in (0, 1, 49_152, 300_000):
        assert client.post("/SyncRead", CONTENT * 2 if size > len(CONTENT) else CONTENT[:size]).status == 200
    assert client.post("/SyncRead", CONTENT).body == CONTENT


def test_a_body_is_read_asynchronously(server):
    client = server.secure()
    for body in (b"abc", CONTENT):
        assert client.post("/AsyncRead", body).text == f"{len(body)} bytes, sum {sum(body)}\r\n"


def test_a_file_is_transmitted_asynchronously(server):
    client = server.secure()
    for _ in range(3):
        assert client.get("/TransmitFile").body == b"-- head --\r\n" + CONTENT + b"-- tail --\r\n"
    response = client.get("/TransmitFile?missing")
    assert (response.status, response.text) == (404, "There is no such file.\r\n")


def test_a_pool_of_the_extensions_threads_answers_all_that_it_is_given(server):
    clients = [server.plain() for _ in range(100)]
    for client in clients:
        client.send(wire.request("/ThreadPool"))
    numbers = sorted(int(client.read_response().text.split()[1]) for client in clients)
    assert numbers == list(range(numbers[0], numbers[0] + 100))


def test_a_form_is_read_and_settings_come_from_a_file_beside_the_library(server):
    client = server.secure()
    lines = client.post("/FormPost", "NAME=a%20%26+b&Empty=&noise&x=%41%zz&last=never", FORM).text.splitlines()
    assert lines[:3] == ["REQUEST_METHOD=POST", "CONTENT_TYPE=application/x-www-form-urlencoded", "CONTENT_LENGTH=47"]
    assert lines[3] == "HTTP_X_NONE: error 1413 with a message"
    # Three at most, of which one is no field.
    assert lines[4:] == ["- name=a & b", "- empty="]
    assert client.post("/FormPost", "a=" + "b" * 60_000, FORM).text.endswith("- a=" + "b" * 900 + "\r\n")
    response = client.get("/FormPost")
    assert (response.status, response["Allow"]) == (405, "POST")


def test_a_form_counts_in_its_settings(server):
    file = next(path for path in server.configuration["extensions"].values() if "FormPost" in path["library"])
    settings = file["library"].removesuffix(".so") + ".ini"
    server.secure().post("/FormPost", "a=b", FORM)
    with open(settings) as stream:
        text = stream.read()
    assert "[State]\nPosts=" in text and text.startswith("[Form]\n")


def test_a_server_object_dispatches_commands(server):
    if "Dispatcher" not in server.configuration["extensions"]:
        pytest.skip("it is C++ alone")
    client = server.secure()
    answer = client.get("/Dispatcher?MfcISAPICommand=hello&name=Ada")
    assert answer.text == "<p>Hello, Ada at HTTP/1.1</p>\r\n" and answer["Content-Type"] == "text/html"
    visits = [client.get("/Dispatcher?mfcisapicommand=visits").text for _ in range(3)]
    assert visits == [f"<p>{number}</p>\r\n" for number in (1, 2, 3)]
    for command in ("nothing", "unknown"):
        response = client.get(f"/Dispatcher?MfcISAPICommand={command}")
        assert (response.status, response.text) == (404, f"no command {command}\r\n")


def test_a_unicode_build_asks_and_answers_in_wide_characters(server):
    if "WideText" not in server.configuration["extensions"]:
        pytest.skip("it is C++ alone")
    lines = server.secure().get("/WideText").text.splitlines()
    assert lines == ["/WideText in 20 bytes", "file café", "date Wed, 22 Jul 2009", "module known"]


def test_a_sample_without_the_library_finds_everything_in_the_gateway(start_gateway, flags, tmp_path):
    headers = [flag for flag in flags if not flag.startswith(("-L", "-l", "-Wl"))]
    library = tmp_path / "TransmitFile.so"
    source = os.path.join(SAMPLES, "TransmitFile.c")
    subprocess.run(["cc", "-shared", "-fPIC", *headers, "-o", library, source], check=True)
    (tmp_path / "file.dat").write_bytes(b"content")
    server = start_gateway(extensions={"TransmitFile": {"library": str(library)}})
    assert server.secure().get("/TransmitFile").body == b"-- head --\r\ncontent-- tail --\r\n"

