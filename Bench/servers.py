"""Starts the gateway and its peers, one at a time, and reads what a running server has used."""

import contextlib
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
BODY = "Hello, world\n"
TICKS = os.sysconf("SC_CLK_TCK")


def process_tree(root):
    """The process and its descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                children.setdefault(int(stat_fields(entry)[1]), []).append(int(entry))
    tree = [root]
    for process in tree:
        tree += children.get(process, [])
    return tree


def stat_fields(process):
    """The fields of /proc/PID/stat from the third, the state, on (proc(5))."""
    with open(f"/proc/{process}/stat") as file:
        return file.read().rpartition(")")[2].split()


def seconds_of(process):
    """User and system time of one process."""
    return sum(int(field) for field in stat_fields(process)[11:13]) / TICKS


class Server:
    """A running server: `port`, and what it has used."""

    def __init__(self, command, port=None, environment=None, listener="secure"):
        self.listener = listener
        # In a process group of its own: lighttpd ends all of its group.
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.port = port or self.port_from_log()
        self.wait_until_listening()

    def port_from_log(self):
        port = None
        for line in self.process.stderr:
            if match := re.search(rf"listener {self.listener}: https?://127\.0\.0\.1:(\d+)", line):
                port = int(match[1])
            if " ready: " in line:
                return port
        raise SystemExit("the gateway did not start")

    def wait_until_listening(self):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.01)
        self.stop()
        raise SystemExit(f"{self.process.args[0]} did not start: {self.process.stderr.read()}")

    def processor_seconds(self):
        """User and system time of the tree, with that of children that have ended."""
        ticks = 0
        for process in process_tree(self.process.pid):
            with contextlib.suppress(OSError):
                ticks += sum(int(field) for field in stat_fields(process)[11:15])
        return ticks / TICKS

    def proportional_memory(self):
        """The tree's share of memory (PSS), in bytes; without pages of files, whose share is that of other programs too."""
        kibibytes = 0
        for process in process_tree(self.process.pid):
            with open(f"/proc/{process}/smaps_rollup") as file:
                kibibytes += sum(int(line.split()[1]) for line in file if line.startswith(("Pss_Anon:", "Pss_Shmem:")))
        return kibibytes * 1024

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_gateway(folder, listener="secure", configuration="isagate", kind=Server):
    program = os.path.join(ROOT, ".build/release/isagate")
    environment = {**os.environ, "TRANSMIT": f"{folder}/files/1m.bin"}
    return kind([program, "run", "--config", f"{folder}/{configuration}.yaml"], None, environment, listener)


def start_observed_gateway(folder):
    return start_gateway(folder, configuration="observed", kind=ObservedServer)


def write_gateway_configuration(folder, upstreams):
    """`upstreams` are the ports of what answers /proxy/ and /tunnel."""
    configuration = {
        "version": 1,
        "limits": {"request_body": "1G", "max_connections": 30000, "client_connections": "off", "client_handshakes": "off"},
        # Tunnels go on for as long when the gateway is to end.
        "drain": {"grace": "1s"},
        "listeners": {
            "secure": {"bind": ["127.0.0.1:0"], "tls": {}},
            "plain": {"bind": ["127.0.0.1:0"]},
        },
        "extensions": {
            "hello": {"library": os.path.join(ROOT, "Examples/hello/hello.so")},
            "transmit": {"library": f"{folder}/transmit.so"},
            "isolated": {"library": os.path.join(ROOT, "Examples/hello/hello.so"), "run": "isolated"},
            "writes": {"library": f"{folder}/writes.so"},
            "isolated_writes": {"library": f"{folder}/writes.so", "run": "isolated"},
        },
        "upstreams": {
            name: {"servers": [{"url": f"http://127.0.0.1:{port}"}], "keep_alive": {"connections": 256}}
            for name, port in upstreams.items()
        },
        "sites": [
            {
                "hosts": ["*"],
                "certificates": [{"chain": "localhost.pem", "key": "localhost.key"}],
                "routes": [
                    {"path": "/hello", "respond": {"body": BODY}},
                    {"path": "/extension", "extension": "hello"},
                    {"path": "/transmit", "extension": "transmit"},
                    {"path": "/isolated", "extension": "isolated"},
                    {"path": "/writes", "extension": "writes"},
                    {"path": "/isolated-writes", "extension": "isolated_writes"},
                    {"path": "/proxy/*", "proxy": {"to": "origin", "strip_prefix": "/proxy"}},
                    {"path": "/tunnel", "proxy": {"to": "tunnels"}},
                    {"path": "/upload", "proxy": {"to": "sink"}},
                    {"path": "/gzip1/*", "files": {"root": "files"}, "compress": {"level": 1}},
                    {"path": "/gzip6/*", "files": {"root": "files"}, "compress": {"level": 6}},
                    {"path": "/*", "files": {"root": "files"}},
                ],
            }
        ],
    }
    with open(f"{folder}/isagate.yaml", "w") as file:
        json.dump(configuration, file)
    for name, sections in OBSERVATIONS.items():
        with open(f"{folder}/{name}.yaml", "w") as file:
            json.dump({**configuration, **sections}, file)


def access_log(log_format):
    """An access log whose file does not fill the disk."""
    return {"access": {"path": "access.log", "format": log_format, "rotate": {"size": "64M", "keep": 1}}}


# What can be looked at, by the names of the configurations; all of it is off in the others.
OBSERVATIONS = {
    "combined": {"log": access_log("combined")},
    "json": {"log": access_log("json")},
    "w3c": {"log": access_log("w3c")},
    "metrics": {"admin": {"bind": "127.0.0.1:0"}},
    "observed": {"log": access_log("json"), "admin": {"bind": "127.0.0.1:0"}},
}


class ObservedServer(Server):
    """A gateway whose metrics are collected every second and whose status page is open."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.is_over = threading.Event()
        self.failure = None
        self.observers = [threading.Thread(target=self.observe, args=[one]) for one in (self.collect, self.look)]
        for observer in self.observers:
            observer.start()

    def port_from_log(self):
        self.admin_port = None
        port = None
        for line in self.process.stderr:
            if match := re.search(r"listener (secure|admin): https?://127\.0\.0\.1:(\d+)", line):
                if match[1] == "admin":
                    self.admin_port = int(match[2])
                else:
                    port = int(match[2])
            if " ready: " in line:
                return port
        raise SystemExit("the gateway did not start")

    def observe(self, one):
        try:
            one()
        except Exception as failure:
            if not self.is_over.is_set():
                self.failure = failure

    def collect(self):
        while not self.is_over.wait(1):
            url = f"http://127.0.0.1:{self.admin_port}/metrics"
            with urllib.request.urlopen(url, timeout=10) as answer:
                if b"isagate_requests_total" not in answer.read():
                    raise RuntimeError("the metrics are not complete")

    def look(self):
        url = f"http://127.0.0.1:{self.admin_port}/events"
        with urllib.request.urlopen(url, timeout=10) as answer:
            while not self.is_over.is_set():
                if not answer.readline():
                    raise RuntimeError("the stream of the status page has ended")

    def stop(self):
        self.is_over.set()
        super().stop()
        for observer in self.observers:
            observer.join()
        if self.failure:
            raise SystemExit(f"the gateway could not be observed: {self.failure}")


def free_port():
    """A port that was free a moment ago, for a server that cannot tell which one it was given."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_peer(folder, name, configuration, *arguments, **ports):
    """Starts a server in the foreground with the configuration, in which PORT, FOLDER and the names are filled in."""
    port = free_port()
    for word, value in {"PORT": port, "FOLDER": folder, **ports}.items():
        configuration = configuration.replace(word, str(value))
    path = f"{folder}/{name}.conf"
    with open(path, "w") as file:
        file.write(configuration)
    program = shutil.which(name) or f"/usr/sbin/{name}"
    environment = {**os.environ, "HOME": folder, "GOMAXPROCS": str(os.cpu_count())}
    return Server([program, *(path if argument == "FILE" else argument for argument in arguments)], port, environment)


def start_nginx(folder, upstreams):
    arguments = ["-p", folder, "-e", f"{folder}/nginx.err", "-c", "FILE"]
    return start_peer(folder, "nginx", NGINX, *arguments, **{name.upper(): port for name, port in upstreams.items()})


NGINX = """
daemon off;
worker_processes auto;
pid FOLDER/nginx.pid;
error_log FOLDER/nginx.err;
worker_rlimit_nofile 20000;
events { worker_connections 32768; multi_accept on; }
http {
    access_log off;
    server_tokens off;
    keepalive_requests 1000000000;
    keepalive_timeout 75s;
    client_body_temp_path FOLDER/body;
    proxy_temp_path FOLDER/proxy;
    fastcgi_temp_path FOLDER/fastcgi;
    uwsgi_temp_path FOLDER/uwsgi;
    scgi_temp_path FOLDER/scgi;
    types { text/html html; text/plain txt; }
    sendfile on;
    open_file_cache max=1000;
    output_buffers 2 128k;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache off;
    ssl_session_tickets on;
    ssl_ecdh_curve X25519:prime256v1:secp384r1;
    upstream origin { server 127.0.0.1:ORIGIN; keepalive 256; keepalive_requests 1000000000; }
    upstream fastcgi { server unix:FOLDER/fastcgi.sock; keepalive 64; keepalive_requests 1000000000; }
    server {
        listen 127.0.0.1:PORT ssl http2 reuseport backlog=4096;
        ssl_certificate FOLDER/localhost.pem;
        ssl_certificate_key FOLDER/localhost.key;
        root FOLDER/files;
        location = /hello {
            default_type "text/plain; charset=utf-8";
            return 200 "Hello, world\\n";
        }
        location /proxy/ {
            proxy_pass http://origin/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_max_temp_file_size 0;
        }
        location = /extension {
            fastcgi_pass fastcgi;
            fastcgi_keep_conn on;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param QUERY_STRING $query_string;
            fastcgi_param SCRIPT_NAME $fastcgi_script_name;
        }
        location /tunnel {
            proxy_pass http://127.0.0.1:TUNNELS;
            proxy_http_version 1.1;
            proxy_set_header Connection upgrade;
            proxy_set_header Upgrade websocket;
            proxy_read_timeout 1h;
        }
        location /upload {
            proxy_pass http://127.0.0.1:SINK;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            client_max_body_size 0;
        }
        location /gzip1/ { gzip on; gzip_comp_level 1; }
        location /gzip6/ { gzip on; gzip_comp_level 6; }
    }
}
"""


def start_origin(folder):
    """What the gateways are in front of: one nginx process, plain HTTP."""
    return start_peer(folder, "nginx", ORIGIN, "-p", folder, "-e", f"{folder}/origin.err", "-c", "FILE")


ORIGIN = """
daemon off;
pid FOLDER/origin.pid;
error_log FOLDER/origin.err;
worker_rlimit_nofile 8192;
events { worker_connections 4096; }
http {
    access_log off;
    keepalive_requests 1000000000;
    open_file_cache max=1000;
    sendfile on;
    server { listen 127.0.0.1:PORT backlog=4096; root FOLDER/files; }
}
"""


class Sink(http.server.BaseHTTPRequestHandler):
    """Reads what is uploaded and answers with its length."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        length = remaining = int(self.headers["Content-Length"])
        while remaining > 0:
            remaining -= len(self.rfile.read(min(remaining, 1 << 20)))
        body = str(length).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def sink():
    """The port of a server of `Sink`, in threads of this process."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def start_lighttpd(folder):
    return start_peer(folder, "lighttpd", LIGHTTPD, "-D", "-f", "FILE")


LIGHTTPD = """
server.modules = ("mod_openssl")
server.document-root = "FOLDER/files"
server.bind = "127.0.0.1"
server.port = PORT
server.max-worker = 2
server.max-keep-alive-requests = 65000
mimetype.assign = ("" => "application/octet-stream")
ssl.engine = "enable"
ssl.pemfile = "FOLDER/localhost.pem"
ssl.privkey = "FOLDER/localhost.key"
"""


def start_h2o(folder):
    return start_peer(folder, "h2o", H2O, "-c", "FILE")


H2O = """
num-threads: 2
user: root
listen:
  host: 127.0.0.1
  port: PORT
  ssl:
    certificate-file: FOLDER/localhost.pem
    key-file: FOLDER/localhost.key
    ocsp-update-interval: 0
hosts:
  default:
    paths:
      /:
        file.dir: FOLDER/files
"""


def start_caddy(folder):
    return start_peer(folder, "caddy", CADDY, "run", "--adapter", "caddyfile", "--config", "FILE")


CADDY = """
{
    admin off
    auto_https off
    servers {
        protocols h1
    }
    log {
        level ERROR
    }
}
https://127.0.0.1:PORT, https://localhost:PORT {
    bind 127.0.0.1
    tls FOLDER/localhost.pem FOLDER/localhost.key
    root * FOLDER/files
    file_server
}
"""


def build_apache_module(folder):
    """A handler in Apache's own process that answers what the extension answers."""
    def ask(*names):
        return [subprocess.check_output(["apxs", "-q", name], text=True).strip() for name in names]

    include, apr = ask("INCLUDEDIR", "APR_INCLUDEDIR")
    source = os.path.join(HERE, "apache/mod_hello.c")
    flags = ["-O2", "-shared", "-fPIC", "-D_GNU_SOURCE", f"-I{include}", f"-I{apr}"]
    subprocess.run(["gcc", *flags, "-o", f"{folder}/mod_hello.so", source], check=True)


def start_apache(folder):
    modules = subprocess.check_output(["apxs", "-q", "LIBEXECDIR"], text=True).strip()
    return start_peer(folder, "apache2", APACHE, "-DFOREGROUND", "-f", "FILE", MODULES=modules)


APACHE = """
ServerRoot FOLDER
ServerName localhost
Listen 127.0.0.1:PORT
PidFile FOLDER/httpd.pid
ErrorLog FOLDER/httpd.err
LoadModule mpm_event_module MODULES/mod_mpm_event.so
LoadModule authz_core_module MODULES/mod_authz_core.so
LoadModule hello_module FOLDER/mod_hello.so
User nobody
Group nogroup
# As many processes and threads at the end as at the beginning: one that ends takes its connections along.
StartServers 2
ThreadsPerChild 64
MaxRequestWorkers 128
MinSpareThreads 1
MaxSpareThreads 128
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 75
ServerTokens Prod
<Location /extension>
    SetHandler hello
</Location>
"""
