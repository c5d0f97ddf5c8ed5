"""Third-party servers as upstreams: each with its own folder, on a port that this process found for it."""

import contextlib
import os
import shutil
import socket
import subprocess

import gateway
import patience


def find(program):
    path = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin")
    assert path, f"{program} is missing; make test-requirements installs it"
    return path


@contextlib.contextmanager
def running(arguments, listener, **options):
    """A daemon in the foreground that adopts `listener`; its process, which is killed by its number."""
    process = subprocess.Popen(
        arguments, pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, **options
    )  # fmt: skip
    log = gateway.Log(process.stdout)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(patience.seconds(10))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.thread.join()


def listen(port=0):
    """A listening socket, whose queue accepts connections even before the daemon does."""
    listener = socket.create_server(("127.0.0.1", port), backlog=128)
    listener.set_inheritable(True)
    return listener


@contextlib.contextmanager
def haproxy(folder, frontend, options="", backend="", port=0):
    """haproxy with one frontend; `options` follow its address. Yields its port."""
    with listen(port) as listener:
        lines = [
            "global", "  maxconn 200", "defaults", "  mode http", "  timeout client 30s", "  timeout connect 5s",
            "  timeout server 30s", "frontend front", f"  bind fd@{listener.fileno()} {options}",
            *(f"  {line}" for line in frontend), backend,
        ]  # fmt: skip
        (folder / "haproxy.cfg").write_text("\n".join(lines) + "\n")
        with running([find("haproxy"), "-db", "-q", "-f", str(folder / "haproxy.cfg")], listener):
            yield listener.getsockname()[1]


@contextlib.contextmanager
def nginx(folder, server, options="", http=""):
    """nginx with one server with the directives `server`; `options` follow its address. Yields its port."""
    with listen() as listener:
        port = listener.getsockname()[1]
        lines = [
            # A single process would not adopt an inherited socket; the master's child does.
            "user root;" if os.geteuid() == 0 else "", "daemon off; worker_processes 1; error_log stderr; pid nginx.pid;",
            "events { worker_connections 256; }",
            "http { access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f;",
            "uwsgi_temp_path u; scgi_temp_path s;", http,
            f"server {{ listen 127.0.0.1:{port} {options};", *server, "} }",
        ]  # fmt: skip
        (folder / "nginx.conf").write_text("\n".join(lines) + "\n")
        arguments = [find("nginx"), "-p", f"{folder}/", "-e", "stderr", "-c", str(folder / "nginx.conf")]
        # It adopts the socket as it does from itself in an upgrade.
        with running(arguments, listener, env={**os.environ, "NGINX": f"{listener.fileno()};"}):
            yield port


@contextlib.contextmanager
def openssl_server(folder, chain, key, *options):
    """`openssl s_server`, which answers every request with data about the connection. Yields its port."""
    arguments = [
        find("openssl"), "s_server", "-accept", "127.0.0.1:0", "-cert", str(chain), "-cert_chain", str(chain),
        "-key", str(key), "-www", *options,
    ]  # fmt: skip
    process = subprocess.Popen(
        arguments, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    log = gateway.Log(process.stdout)
    try:
        yield int(log.wait_for(r"^ACCEPT 127\.0\.0\.1:(\d+)")[1])
    finally:
        process.terminate()
        process.wait(patience.seconds(10))
        log.thread.join()
