"""`isagate import nginx`: the gateway with the configuration that it writes answers as nginx does with the original."""

import contextlib
import http.client
import os
import pathlib
import re
import subprocess
import urllib.parse

import daemons
import gateway
import origin
import patience
import pytest

SERVERS = """
user root;
daemon off; worker_processes 1; error_log stderr; pid nginx.pid;
events { worker_connections 256; }
http {
    types { text/html html; text/css css; text/plain txt; application/javascript js; }
    default_type application/octet-stream;
    access_log off;
    client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
    limit_req_zone $binary_remote_addr zone=slow:1m rate=1r/m;
    upstream app { server 127.0.0.1:ORIGIN weight=2; keepalive 4; }
    map $http_upgrade $connection_upgrade { default upgrade; '' close; }
    include sites/*.conf;
}
"""

SHOP = """
server {
    listen 127.0.0.1:PORT default_server;
    server_name shop.test *.shop.test;
    root ROOT/shop;
    index index.html;
    client_max_body_size 2k;
    error_page 404 /errors/404.html;
    add_header X-Site shop;

    location = / { return 200 "front"; default_type text/plain; }
    location / { try_files $uri $uri/ =404; }
    location /app/ {
        proxy_pass http://app/inner/;
        proxy_set_header Host $host;
        proxy_set_header X-Token "from nginx";
    }
    location /plain { proxy_pass http://app; }
    location /joined { proxy_pass http://app/other; }
    location ^~ /firm/ { return 200 "firm"; }
    location ~ \\.(css|js)$ { expires 1h; add_header X-Site assets; }
    location ~* ^/user/([0-9]+)/photo$ { proxy_pass http://app/photos/$1; }
    location ~ /\\.ht { deny all; }
    location /old/ { rewrite ^ http://elsewhere.test$uri permanent; }
    location /v1/ { rewrite ^/v1/(.*)$ /v2/$1 break; proxy_pass http://app; }
    location /files/ { alias ROOT/files/; autoindex on; }
    location /gone { return 410; }
    location /private/ { allow 192.0.2.0/24; deny all; }
    location /open/ { deny 192.0.2.1; allow all; alias ROOT/files/; }
    location /secret/ { auth_basic "Members"; auth_basic_user_file users; alias ROOT/files/; }
    location /checked/ { auth_request /check; proxy_pass http://app; }
    location = /check { internal; proxy_pass http://app/check; }
    location /limited { limit_req zone=slow burst=1 nodelay; limit_req_status 429; return 204; }
    location /slow/ { limit_req zone=slow burst=1 nodelay; limit_req_status 429; alias ROOT/files/; }
    location /methods/ { limit_except GET { deny all; } alias ROOT/files/; }
    location /spa/ { alias ROOT/shop/; try_files $uri /spa/index.html; }
    location ~ \\.php$ { fastcgi_pass 127.0.0.1:9; }
    location = /one.txt { alias ROOT/files/one.txt; }
    if ($http_x_old = "yes") { return 302 /new; }
}
"""

OTHERS = """
server {
    listen 127.0.0.1:PORT;
    server_name old.test www.old.test;
    return 301 http://shop.test$request_uri;
}
server {
    listen 127.0.0.1:PORT;
    server_name exact.test;
    if ($host = exact.test) { return 301 https://$host$request_uri; }
    return 404;
}
"""

FILES = {
    "shop/index.html": "<p>index</p>", "shop/page.html": "<p>page</p>", "shop/style.css": "p {}", "shop/.htaccess": "x",
    "shop/folder/index.html": "<p>folder</p>", "shop/errors/404.html": "<p>lost</p>", "shop/index.php": "<?php secret",
    "files/one.txt": "one", "files/two.txt": "two", "shop/private/a.html": "private", "shop/firm/a.css": "never",
}  # fmt: skip

# The path, and what the request has besides: the host, the method, fields, a body.
REQUESTS = [
    ("/", {}), ("/index.html", {}), ("/page.html", {}), ("/missing", {}), ("/folder", {}), ("/folder/", {}),
    ("/style.css", {}), ("/missing.css", {}), ("/firm/x", {}), ("/%66irm/x", {}), ("/firm/a.js/", {}),
    ("/app/users?x=1", {}), ("/app/", {}), ("/app", {}), ("/app/a%20b", {}), ("/plain", {}), ("/plainly", {}),
    ("/plain/x?y", {}), ("/joined", {}), ("/joined/x", {}), ("/joinedx", {}),
    ("/user/42/photo", {}), ("/USER/42/photo", {}), ("/user/x/photo", {}), ("/.htaccess", {}), ("/a/.htpasswd", {}),
    ("/old/page", {}), ("/v1/things?a=b", {}), ("/files/one.txt", {}), ("/files/none", {}), ("/files", {}),
    ("/gone", {}), ("/gone/x", {}), ("/private/a.html", {}), ("/open/one.txt", {}), ("/secret/one.txt", {}),
    ("/secret/one.txt", {"fields": {"Authorization": "Basic YW5uOnB3"}}), ("/check", {}), ("/checked/x", {}),
    ("/methods/one.txt", {}), ("/methods/one.txt", {"method": "POST", "body": b"x"}),
    ("/methods/one.txt", {"method": "HEAD"}), ("/spa/style-guide", {}), ("/spa/page.html", {}), ("/one.txt", {}),
    ("/page.html", {"fields": {"X-Old": "yes"}}), ("/page.html", {"host": "a.shop.test"}),
    ("/page.html", {"host": "unknown.test"}), ("/a?b=c", {"host": "old.test"}), ("/a", {"host": "WWW.old.test"}),
    ("/a?b", {"host": "exact.test"}), ("/plain", {"method": "POST", "body": b"x" * 3000}),
    ("/plain", {"method": "POST", "body": b"x" * 30}), ("/folder/../page.html", {}), ("//page.html", {}),
]  # fmt: skip

# What is compared besides the status.
FIELDS = ["X-Site", "Cache-Control", "WWW-Authenticate"]


def ask(port, path, host="shop.test", method="GET", fields=None, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience.seconds(10))
    try:
        connection.request(method, path, body, {"Host": host, **(fields or {})})
        response = connection.getresponse()
        content = response.read()
        location = response.headers["Location"]
        if location:
            parts = urllib.parse.urlsplit(urllib.parse.urljoin(f"http://{host.lower()}{path}", location))
            location = f"{parts.scheme}://{parts.hostname}{parts.path}?{parts.query}"
        type = (response.headers["Content-Type"] or "").split(";")[0]
        return response, content, location, type
    finally:
        connection.close()


def answer(port, path, request):
    """What both servers have in common for a request."""
    response, content, location, type = ask(port, path, **request)
    # A folder is redirected to permanently by both; 308 keeps the method.
    facts = {"status": 301 if response.status == 308 else response.status, "location": location}
    # Fields of the gateway's rules are on every response, nginx's on some statuses only.
    if response.status < 400:
        facts |= {name: response.headers[name] for name in FIELDS}
    if response.status == 200:
        facts |= {"content": content, "type": type}
    if response.status == 404 and path != "/check":
        facts["page"] = b"lost" in content
    return facts


@contextlib.contextmanager
def imported(folder, *files, replacing=()):
    """The gateway with what it makes of nginx's files. Yields the first port, the text, and what it reported."""
    outcome = subprocess.run(
        [gateway.binary(), "import", "nginx", *map(str, files)], capture_output=True, text=True, timeout=patience.seconds(30)
    )
    assert outcome.returncode == 0, outcome.stderr
    text = outcome.stdout
    for old, new in replacing:
        text = text.replace(old, new)
    file = folder / "isagate.yaml"
    file.write_text(text)
    process = subprocess.Popen(
        [gateway.binary(), "run", "--config", str(file)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    logs = [gateway.Log(process.stdout), gateway.Log(process.stderr)]
    try:
        port = int(logs[1].wait_for(r"listener [\w-]+: http://127\.0\.0\.1:(\d+)")[1])
        logs[1].wait_for(r" notice: ready: ")
        yield port, text, outcome.stderr
    finally:
        process.terminate()
        assert process.wait(patience.seconds(30)) == 0
        for log in logs:
            log.thread.join()


@pytest.fixture
def both(tmp_path):
    """nginx and the gateway with the same configuration: their ports, and the imported text."""
    folder = pathlib.Path(os.path.realpath(tmp_path)) / "nginx"
    for name, content in FILES.items():
        (folder / "www" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "www" / name).write_text(content)
    server = origin.Origin("app")
    server.fields = [("Content-Type", "text/plain")]
    # Hashes of both kinds: nginx has crypt(3), as the gateway has.
    password = subprocess.run(
        ["openssl", "passwd", "-6", "pw"], capture_output=True, text=True, check=True
    ).stdout.strip()
    (folder / "users").write_text(f"ann:{password}\n")
    (folder / "sites").mkdir()
    with daemons.listen() as listener:
        port = listener.getsockname()[1]

        def write(name, text):
            text = text.replace("PORT", str(port)).replace("ROOT", f"{folder}/www").replace("ORIGIN", str(server.port))
            (folder / name).write_text(text)

        write("nginx.conf", SERVERS)
        write("sites/a-shop.conf", SHOP)
        write("sites/others.conf", OTHERS)
        arguments = [daemons.find("nginx"), "-p", f"{folder}/", "-e", "stderr", "-c", str(folder / "nginx.conf")]
        with daemons.running(arguments, listener, env={**os.environ, "NGINX": f"{listener.fileno()};"}):
            # The account of the tests' machine need not be allowed to become another.
            own = [(f"127.0.0.1:{port}", "127.0.0.1:0"), ("user: root", "#")]
            with imported(tmp_path, folder / "nginx.conf", replacing=own) as (own_port, text, report):
                yield port, own_port, server, text, report
    server.stop()


def test_every_request_is_answered_as_by_nginx(both):
    nginx, own, server, _, report = both
    different = []
    for path, request in REQUESTS:
        server.requests.clear()
        expected = answer(nginx, path, request)
        asked = list(server.requests)
        server.requests.clear()
        found = answer(own, path, request)
        if expected != found or asked != server.requests:
            different.append((path, request, expected, asked, found, list(server.requests)))
    assert different == [], "\n".join(map(str, different)) + report


def test_what_is_not_carried_over_is_closed_and_named(both):
    _, own, _, text, report = both
    response, content, *_ = ask(own, "/index.php")
    assert (response.status, b"secret" in content) == (501, False)
    assert re.search(r"not carried over: sites/a-shop\.conf:\d+: fastcgi_pass 127\.0\.0\.1:9: ", report)
    # Nothing is dropped: each line of the original is in the text, as an origin or with what became of it.
    lines = [line for line in SHOP.splitlines() if line.strip() and line.strip() not in "{}"]
    for line in lines[1:]:
        number = SHOP.splitlines().index(line) + 1
        assert f"a-shop.conf:{number}" in text or f"a-shop.conf:{number}" in report, line


def test_limits_are_those_of_nginx(both):
    nginx, own, *_ = both
    assert [ask(nginx, "/slow/one.txt")[0].status for _ in range(3)] == [200, 200, 429]
    assert [ask(own, "/slow/one.txt")[0].status for _ in range(3)] == [200, 200, 429]


def test_every_line_names_its_origin_in_the_usual_layout(both, tmp_path):
    *_, text, _ = both
    for line in text.splitlines():
        assert not line.strip() or line.startswith("#") or re.search(r"  # \S", line), line
    outcome = subprocess.run([gateway.binary(), "fmt", "-"], input=text, capture_output=True, text=True)
    assert outcome.stdout == text


# Mistakes and files


def run(*arguments):
    return subprocess.run(
        [gateway.binary(), "import", "nginx", *map(str, arguments)],
        capture_output=True, text=True, timeout=patience.seconds(30),
    )  # fmt: skip


def test_a_malformed_file_is_refused_with_its_place(tmp_path):
    (tmp_path / "nginx.conf").write_text("http {\n  server {\n    listen 80\n  }\n}\n")
    outcome = run(tmp_path / "nginx.conf")
    assert (outcome.returncode, outcome.stdout) == (78, "")
    assert outcome.stderr == "nginx.conf:4:3: error: unexpected '}'; the directive 'listen' needs a ';'\n"
    (tmp_path / "nginx.conf").write_text("include nginx.conf;")
    assert "includes itself" in run(tmp_path / "nginx.conf").stderr
    assert run(tmp_path / "none.conf").returncode == 78


def test_a_file_is_written_once_and_replaced_on_request(tmp_path):
    (tmp_path / "site.conf").write_text("server { listen 8080; root /srv; unknown_word 1; }")
    output = tmp_path / "isagate.yaml"
    assert run(tmp_path / "site.conf", "--output", output).returncode == 0
    before = output.read_text()
    refused = run(tmp_path / "site.conf", "--output", output)
    assert (refused.returncode, output.read_text()) == (1, before)
    assert "File exists" in refused.stderr
    assert run(tmp_path / "site.conf", "--output", output, "--force").returncode == 0
    assert "unknown_word" in before
    assert run(tmp_path / "site.conf", "--strict").returncode == 1
