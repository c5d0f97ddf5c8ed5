"""Server variables: the value of each, according to docs/isapi.md."""

import ssl
import subprocess

import gateway
import pytest


@pytest.fixture(scope="module")
def server(start_shared_gateway):
    routes = [{"path": "/app/*", "extension": "variables"}]
    return start_shared_gateway(sites=sites(gateway.site(routes, hosts=["localhost"])), extensions=["variables"])


def sites(site):
    """The site without TLS, and with it, where it asks clients for certificates."""
    asking = {"client_certificates": {"mode": "request", "ca": "ca.pem"}}
    return [{**site, "listen": ["plain"]}, {**site, "listen": ["secure"], **asking}]


def variables(client, *names, fields=(), path="/app/info/x.txt"):
    response = client.get(f"{path}?{','.join(names)}", *fields)
    assert response.status == 200
    lines = dict(line.split("=", 1) for line in response.text.splitlines() if "=" in line)
    return {name: value.rsplit(" (", 1)[0] for name, value in lines.items()}


def expected(server):
    root = str(server.folder)
    port = server.ports["plain"]
    return {
        "APP_POOL_ID": "variables",
        "APP_POOL_CONFIG": "",
        "APPL_MD_PATH": "/LM/W3SVC/1/ROOT",
        "APPL_PHYSICAL_PATH": root + "/",
        **dict.fromkeys(["AUTH_PASSWORD", "AUTH_TYPE", "AUTH_USER", "LOGON_USER", "REMOTE_USER"], ""),
        "UNMAPPED_REMOTE_USER": "",
        "CERT_SECRETKEYSIZE": "",
        "HTTPS_SECRETKEYSIZE": "",
        "CONTENT_LENGTH": "0",
        "CONTENT_TYPE": "text/x-test",
        **dict.fromkeys(["CRYPT_CIPHER_ALG_ID", "CRYPT_HASH_ALG_ID", "CRYPT_KEYEXCHANGE_ALG_ID", "CRYPT_PROTOCOL"], ""),
        "DOCUMENT_ROOT": root,
        **dict.fromkeys(["FORWARDED_URL", "HTTP_CFG_ENC_CAPS", "MANAGED_PIPELINE_MODE", "REQUEST_FLAGS"], ""),
        "GATEWAY_INTERFACE": "CGI/1.1",
        "HTTP_METHOD": "GET",
        "REQUEST_METHOD": "GET",
        "HTTP_VERSION": "HTTP/1.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "INSTANCE_ID": "1",
        "INSTANCE_META_PATH": "/LM/W3SVC/1",
        "INSTANCE_NAME": "localhost",
        "SERVER_ADDR": "127.0.0.1",
        "PATH_INFO": "/info/x.txt",
        "PATH_TRANSLATED": f"{root}/info/x.txt",
        "REQUEST_FILENAME": f"{root}/info/x.txt",
        "REMOTE_HOST": "127.0.0.1",
        "SCRIPT_NAME": "/app",
        "URL": "/app",
        "SCRIPT_FILENAME": f"{root}/app",
        "SCRIPT_TRANSLATED": f"{root}/app",
        "HTTPS": "off",
        "SERVER_PORT_SECURE": "0",
        "SERVER_PORT": str(port),
    }


def test_variables_have_their_values(server):
    wanted = expected(server)
    assert variables(server.plain(), *wanted, fields=["Content-Type: text/x-test"]) == wanted


def test_variables_have_the_target_as_sent_and_the_query(server):
    query = "HTTP_URL,REQUEST_URI,UNENCODED_URL,QUERY_STRING,CACHE_URL,SERVER_SOFTWARE"
    path = "/app/./a%20b"
    values = variables(server.plain(), *query.split(","), path=path)
    assert values["HTTP_URL"] == values["REQUEST_URI"] == values["UNENCODED_URL"] == f"{path}?{query}"
    assert values["QUERY_STRING"] == query
    assert values["CACHE_URL"].startswith(f"http://localhost:{server.ports['plain']}/app/")
    assert values["SERVER_SOFTWARE"].startswith("isagate/")


def test_variables_have_schannels_numbers_of_tls(server):
    names = ["CRYPT_PROTOCOL", "CRYPT_CIPHER_ALG_ID", "CRYPT_HASH_ALG_ID", "CRYPT_KEYEXCHANGE_ALG_ID"]
    context = server.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AES256+AESGCM")
    values = variables(server.secure(context), *names)
    assert values == dict(zip(names, ["400", "6610", "800d", "ae06"]))


@pytest.mark.parametrize("suites, bits", [("ECDSA", "256"), ("aRSA", "2048")])
def test_variables_have_the_keys_and_the_names_of_the_server(server, suites, bits):
    context = server.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"ECDHE+{suites}+AES128+AESGCM")
    client = server.secure(context)
    names = ["SECRETKEYSIZE", "KEYSIZE", "SERVER_SUBJECT", "SERVER_ISSUER"]
    values = variables(client, *(f"{prefix}_{name}" for prefix in ["CERT", "HTTPS"] for name in names))
    for prefix in ["CERT", "HTTPS"]:
        assert (values[f"{prefix}_SECRETKEYSIZE"], values[f"{prefix}_KEYSIZE"]) == (bits, "128")
        assert "CN=localhost" in values[f"{prefix}_SERVER_SUBJECT"]
        assert "CN=Isagate development CA" in values[f"{prefix}_SERVER_ISSUER"]


def test_variables_have_the_version_and_the_site(server):
    lines = server.secure().get("/app/?HTTP_VERSION,SERVER_PROTOCOL,INSTANCE_ID,APPL_MD_PATH", version="HTTP/1.0").text
    values = [line.split("=")[1].split(" (")[0] for line in lines.splitlines()]
    assert values == ["HTTP/1.0", "HTTP/1.0", "2", "/LM/W3SVC/2/ROOT"]


def test_names_of_variables_are_compared_without_case(server):
    assert variables(server.plain(), "script_Name", "http_x_test", fields=["X-Test: 1"]) == {
        "script_Name": "/app",
        "http_x_test": "1",
    }


def test_variables_are_given_in_utf_16(server):
    # The extension prints up to the first NUL byte, and the size: one character of two bytes each.
    text = server.plain().get("/app/?UNICODE_REQUEST_METHOD,UNICODE_HTTP_HOST,UNICODE_NO_SUCH").text
    lines = text.splitlines()
    assert lines == ["UNICODE_REQUEST_METHOD=G (8)", "UNICODE_HTTP_HOST=l (20)", "UNICODE_NO_SUCH! 1413 (65536)"]


def test_variables_have_the_clients_certificate(server):
    names = ["CERT_SUBJECT", "CERT_ISSUER", "CERT_SERIALNUMBER", "CERT_FLAGS", "CERT_COOKIE"]
    assert variables(server.secure(), *names) == dict(zip(names, ["", "", "", "0", ""]))
    context = server.context()
    context.load_cert_chain(*client_certificate(server.folder))
    values = variables(server.secure(context), *names)
    assert (values["CERT_SUBJECT"], values["CERT_FLAGS"]) == ("CN=somebody", "1")
    assert values["CERT_ISSUER"] and len(values["CERT_COOKIE"]) == 64
    assert values["CERT_SERIALNUMBER"] == "12-34-56"


def test_parts_of_a_certificate_are_no_data_without_one(server):
    query = "SSL_CLIENT_CN,ssl_client_i_cn,SSL_CLIENT_O,UNICODE_SSL_CLIENT_CN,SSL_CLIENT_X"
    lines = server.secure().get(f"/app/?{query}").text.splitlines()
    names = query.split(",")
    assert lines == [*(f"{name}! 232 (65536)" for name in names[:4]), "SSL_CLIENT_X! 1413 (65536)"]
    context = server.context()
    context.load_cert_chain(*client_certificate(server.folder))
    values = variables(server.secure(context), *names[:3])
    assert (values["SSL_CLIENT_CN"], values["SSL_CLIENT_O"]) == ("somebody", "")
    assert values["ssl_client_i_cn"]


@pytest.mark.parametrize("path", ["/app/%5c..%5c..%5cetc", "/app/a/..%5cb", "/app/a%5c../b", "/app\\..\\..\\etc"])
def test_no_path_leads_outside_for_extensions_that_know_backslashes(server, path):
    response = server.secure().get(f"{path}?PATH_TRANSLATED")
    assert response.status in (400, 404) and "PATH_TRANSLATED" not in response.text


def test_each_part_of_the_clients_name_has_a_variable(server):
    parts = {"C": "GB", "ST": "Kent", "L": "Deal", "O": "Boats", "OU": "Sails", "CN": "some body", "EMAIL": "a@b.test"}
    subject = "".join(f"/{name.replace('EMAIL', 'emailAddress')}={value}" for name, value in parts.items())
    context = server.context()
    context.load_cert_chain(*client_certificate(server.folder, subject))
    values = variables(server.secure(context), *(f"SSL_CLIENT_{name}" for name in parts), "SSL_CLIENT_I_O")
    assert values.pop("SSL_CLIENT_I_O") == "Isagate development"
    assert values == {f"SSL_CLIENT_{name}": value for name, value in parts.items()}


def test_a_client_whose_issuer_is_unknown_does_not_get_to_an_extension(server, tmp_path):
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    files = [tmp_path / "stranger.pem", tmp_path / "stranger.key"]
    subprocess.run([*make, "-subj", "/CN=stranger", "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    context = server.context()
    context.load_cert_chain(*files)
    with pytest.raises(ssl.SSLError):
        server.secure(context).get("/app/?CERT_FLAGS")


def client_certificate(folder, subject="/CN=somebody"):
    """A certificate of the development authority, and its key."""
    key, request, certificate = (folder / f"somebody.{kind}" for kind in ["key", "csr", "pem"])
    for command in [
        ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject]
        + ["-keyout", key, "-out", request],
        ["x509", "-req", "-in", request, "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-days", "2"]
        + ["-set_serial", "0x123456", "-out", certificate],
    ]:
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    return certificate, key
