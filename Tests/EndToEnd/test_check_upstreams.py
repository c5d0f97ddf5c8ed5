"""Mistakes about upstreams, which `isagate check` names with line and column."""

import re

import gateway as gateways
import pytest

ROUTE = {"path": "/api/*", "proxy": {"to": "a"}}
SERVER = {"servers": [{"url": "https://127.0.0.1:1"}]}
TIMES = "must not be longer than request_timeout"


@pytest.mark.parametrize(
    "upstream, route, message",
    [
        (SERVER, {**ROUTE, "proxy": {"to": "b"}}, "unknown upstream 'b'; did you mean 'a'?"),
        (SERVER, {**ROUTE, "proxy": {"to": "a", "strip_prefix": "/other"}}, "is not how every path of this route begins"),
        ({"servers": [{"url": "ftp://x"}]}, ROUTE, "expected a URL such as"),
        ({"servers": [{"url": "http://x/y"}]}, ROUTE, "a server's url has neither path nor user"),
        (
            {"servers": [{"url": "http://x"}], "tls": {"ca": "ca.pem"}},
            ROUTE,
            "tls needs a server whose url begins with https://",
        ),
        (SERVER, {**ROUTE, "forward_auth": {"to": "c", "path": "/"}}, "unknown upstream 'c'"),
        ({**SERVER, "tls": {"ca": "none.pem"}}, ROUTE, "no such file: "),
        ({**SERVER, "tls": {"ca": "isagate.yaml"}}, ROUTE, "upstream a: .*isagate.yaml"),
        (
            {**SERVER, "tls": {"certificate": {"chain": "localhost.pem", "key": "localhost-rsa.key"}}},
            ROUTE,
            "upstream a: .*localhost-rsa.key: is not the key of the first certificate",
        ),
        ({**SERVER, "connect_timeout": "2h"}, ROUTE, f"connect_timeout .2h. {TIMES}"),
        ({**SERVER, "request_timeout": "1s"}, ROUTE, f"read_timeout .1m. {TIMES}"),
        ({**SERVER, "queue": {"timeout": "1h"}, "request_timeout": "30m"}, ROUTE, f"queue.timeout .1h. {TIMES}"),
        (
            {**SERVER, "health": {"active": {"every": "1s", "timeout": "2s"}}},
            ROUTE,
            "timeout .2s. must not be longer than every .1s.",
        ),
        (SERVER, {**ROUTE, "forward_auth": {"to": "a", "path": "/", "timeout": "1d"}}, "1h"),
        (SERVER, {**ROUTE, "proxy": {"to": "a", "buffer_limit": "1M"}}, "buffer_limit needs buffer: "),
    ],
)
def test_a_mistake_is_named_with_line_and_column(ping, upstream, route, message):
    ping.configure(
        {**ping.configuration, "upstreams": {"a": upstream}, "sites": [gateways.site([route])]}
    )
    result = ping.command("check")
    assert result.returncode == 78
    assert [True for line in result.stderr.splitlines() if re.search(rf"\.yaml:\d+:\d+: error: .*{message}", line)]


def test_good_upstreams_are_valid(ping):
    tls = {"ca": "ca.pem", "certificate": {"chain": "localhost.pem", "key": "localhost.key"}}
    ping.configure(
        {**ping.configuration, "upstreams": {"a": {**SERVER, "tls": tls}}, "sites": [gateways.site([ROUTE])]}
    )
    assert ping.command("check").returncode == 0
