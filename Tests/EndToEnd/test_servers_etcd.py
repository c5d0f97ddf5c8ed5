"""Servers of an upstream that come from etcd: what comes and goes there, and what its failures leave alone."""

import json
import os
import signal

import pytest

import authority
import etcd
import load
import origin
import patience

PREFIX = "/services/app/"


@pytest.fixture
def origins():
    started = [origin.Origin(name) for name in "abc"]
    yield started
    for each in started:
        each.stop()


@pytest.fixture
def member(tmp_path):
    with etcd.started(tmp_path) as members:
        yield members[0]


@pytest.fixture
def start(start_gateway, tmp_path):
    """Starts a gateway whose upstream `app` has its servers from the members."""

    def start(members, keys=None, **upstream):
        source = {
            "etcd": [member.url for member in members],
            "prefix": PREFIX,
            "storage": str(tmp_path / "state/etcd"),
            "interval": "1s",
            "timeout": "2s",
            **(keys or {}),
        }
        return start_gateway(
            workers=1,
            admin={"socket": "admin.sock"},
            upstreams={"app": {"servers_from": source, **upstream}},
            routes=[{"path": "/*", "proxy": {"to": "app"}}],
        )

    return start


def register(member, *servers):
    for each in servers:
        member.put(PREFIX + each.name, each.url)


def report(gateway):
    return json.loads(gateway.command("status", "--json").stdout)


def status(gateway):
    return report(gateway)["gateway"]


def source(gateway):
    return status(gateway)["etcd"][0]


def servers(gateway):
    return {server["url"] for server in status(gateway)["upstreams"][0]["servers"]}


def conditions(gateway):
    return {each["reason"] for each in report(gateway)["conditions"]}


def wait_for_servers(gateway, *wanted):
    patience.until(lambda: servers(gateway) == {each.url for each in wanted}, 20)


def stored(tmp_path):
    return json.loads((tmp_path / "state/etcd/app.json").read_text())


def test_servers_come_and_go_under_load_without_a_failed_request(start, member, origins):
    a, b, c = origins
    register(member, a)
    gateway = start([member])
    wait_for_servers(gateway, a)
    with load.Load(gateway, path="/") as clients:
        for names in ["ab", "abc", "ac", "ab", "abc", "ac", "a"]:
            for each in (b, c):
                if each.name in names:
                    member.put(PREFIX + each.name, json.dumps({"url": each.url, "weight": 2}))
                else:
                    member.delete(PREFIX + each.name)
            wait_for_servers(gateway, *(each for each in origins if each.name in names))
            clients.wait_for_answers(30)
    assert clients.failures == []
    assert b.requests and c.requests
    assert source(gateway)["keys"] == 1 and conditions(gateway) == set()


def test_a_member_is_killed_compacted_and_started_again_under_load(start, member, origins, tmp_path):
    a, b, c = origins
    register(member, a, b)
    gateway = start([member])
    wait_for_servers(gateway, a, b)
    with load.Load(gateway, path="/") as clients:
        member.kill()
        gateway.log.wait_for(r"servers of upstream app cannot be learned: .*\(etcd_failing\)")
        assert "etcd_failing" in conditions(gateway)
        clients.wait_for_answers(100)
        assert servers(gateway) == {a.url, b.url}
        member.start()
        member.wait_until_ready()
        gateway.log.wait_for("2 servers of upstream app from .* again, at revision")
        assert conditions(gateway) == set()
        # While the gateway cannot see it, servers change and everything up to that is compacted.
        member.kill()
        gateway.log.wait_for("cannot be learned", count=2)
        member.start()
        member.wait_until_ready()
        member.delete(PREFIX + "b")
        member.compact(member.put(PREFIX + "c", c.url))
        member.control("defrag")
        wait_for_servers(gateway, a, c)
        clients.wait_for_answers(100)
        # And it goes on to follow.
        register(member, b)
        wait_for_servers(gateway, a, b, c)
        clients.wait_for_answers(30)
    assert clients.failures == []
    assert stored(tmp_path) == {PREFIX + each.name: {"url": each.url} for each in origins}


def test_a_watch_of_what_was_compacted_begins_anew(start, member, origins):
    a, b, _ = origins
    register(member, a)
    gateway = start([member], keys={"interval": "1h"})
    wait_for_servers(gateway, a)
    # The gateway's watch has what it needs; a member that starts again has to be asked from a revision it has not.
    for count in range(20):
        member.put("/elsewhere", str(count))
    member.compact(member.put(PREFIX + "b", b.url))
    wait_for_servers(gateway, a, b)
    member.kill()
    member.start()
    member.wait_until_ready()
    member.compact(member.put(PREFIX + "a", json.dumps({"url": a.url, "weight": 5})))
    member.delete(PREFIX + "b")
    wait_for_servers(gateway, a)
    assert conditions(gateway) == set()


def test_a_member_that_hangs_is_left_for_another(start, origins, tmp_path):
    a, b, c = origins
    with etcd.started(tmp_path, count=3) as members:
        register(members[0], a)
        gateway = start(members)
        wait_for_servers(gateway, a)
        watched = source(gateway)["endpoint"]
        hanging = next(each for each in members if each.url == watched)
        other = next(each for each in members if each is not hanging)
        with load.Load(gateway, path="/") as clients:
            hanging.hang()
            # If it led the others, they choose another leader first.
            patience.until(lambda: is_put(other, b), 30)
            wait_for_servers(gateway, a, b)
            assert source(gateway)["endpoint"] != watched
            hanging.go_on()
            register(other, c)
            wait_for_servers(gateway, a, b, c)
        assert clients.failures == []


def is_put(member, server):
    try:
        register(member, server)
        return True
    except OSError:
        return False


def test_certificates_and_a_password(start, origins, tmp_path):
    a, b, _ = origins
    issuer = authority.Authority(tmp_path, "etcd-authority")
    files = issuer.issue("member", ["127.0.0.1", "localhost"], serial=2)
    # With users, etcd refuses requests for JSON with a certificate that has a common name.
    own = issuer.issue("gateway", ["gateway"], serial=3, has_common_name=False)
    (tmp_path / "password").write_text("a secret\n")
    tls = {"ca": str(issuer.file), "server_name": "localhost", "certificate": own}
    with etcd.started(tmp_path, tls={**files, "ca": str(issuer.file)}) as (member,):
        register(member, a)
        for words in [
            "user add root:root", "user grant-role root root", "role add reader",
            f"role grant-permission reader read {PREFIX} --prefix=true", "user add gateway:a secret",
            "user grant-role gateway reader", "auth enable",
        ]:  # fmt: skip
            member.control(*words.split(" ", 2 if "secret" in words else -1))
        keys = {"tls": tls, "user": "gateway", "password_file": str(tmp_path / "password")}
        gateway = start([member], keys=keys)
        wait_for_servers(gateway, a)
        member.control("--user=root:root", "put", PREFIX + "b", b.url)
        wait_for_servers(gateway, a, b)
        # Its tokens are gone with the process.
        member.kill()
        member.start()
        member.wait_until_ready()
        member.control("--user=root:root", "del", PREFIX + "a")
        wait_for_servers(gateway, b)
        # Another password, which is used as soon as the file has it.
        member.control("--user=root:root", "user", "delete", "gateway")
        member.control("--user=root:root", "user", "add", "gateway:other")
        member.control("--user=root:root", "user", "grant-role", "gateway", "reader")
        gateway.log.wait_for("cannot be learned: .*authentication failed")
        (tmp_path / "password").write_text("other\n")
        gateway.command("reload")
        member.control("--user=root:root", "put", PREFIX + "a", a.url)
        wait_for_servers(gateway, a, b)


def test_a_value_that_is_no_server_changes_nothing_else(start, member, origins):
    a, b, c = origins
    register(member, a, b)
    gateway = start([member])
    wait_for_servers(gateway, a, b)
    member.put(PREFIX + "a", "ftp://somewhere")
    gateway.log.wait_for(rf"key {PREFIX}a of upstream app cannot be used: expected a URL.*\(etcd_value_refused\)")
    member.put(PREFIX + "d", json.dumps({"url": "http://127.0.0.1:1", "wieght": 3}))
    gateway.log.wait_for(f"key {PREFIX}d of upstream app cannot be used: unknown key 'wieght'")
    register(member, c)
    wait_for_servers(gateway, a, b, c)
    assert "etcd_value_refused" in conditions(gateway)
    assert [each["key"] for each in source(gateway)["refused"]] == [PREFIX + "a", PREFIX + "d"]
    member.delete(PREFIX + "d")
    member.put(PREFIX + "a", a.url)
    patience.until(lambda: conditions(gateway) == set())
    assert servers(gateway) == {each.url for each in origins}


def test_keys_that_are_all_gone_leave_the_last_servers_in_use(start, member, origins):
    a, b, _ = origins
    register(member, a)
    gateway = start([member])
    wait_for_servers(gateway, a)
    member.delete(PREFIX, end="/services/app0")
    gateway.log.wait_for(rf"no key begins with {PREFIX}: 1 server of upstream app stay in use \(etcd_empty\)")
    assert gateway.plain().get("/").status == 200 and "etcd_empty" in conditions(gateway)
    register(member, b)
    wait_for_servers(gateway, b)
    assert conditions(gateway) == set()


def test_the_last_known_servers_are_used_when_a_gateway_starts_without_etcd(start, member, origins):
    a, b, _ = origins
    register(member, a)
    first = start([member])
    wait_for_servers(first, a)
    first.stop()
    member.kill()
    second = start([member])
    assert second.plain().get("/").text.split()[0] == "a"
    second.log.wait_for(r"cannot be learned: .*\(etcd_failing\)")
    # A reload keeps what is known, too, and so does another gateway process.
    assert second.command("reload").returncode == 0
    assert second.plain().get("/").text.split()[0] == "a"
    member.start()
    member.wait_until_ready()
    register(member, b)
    wait_for_servers(second, a, b)


def test_configured_servers_are_used_until_etcd_has_answered(start, member, origins):
    a, b, _ = origins
    member.kill()
    gateway = start([member], servers=[a.url])
    without = start([member], keys={"storage": str(gateway.folder / "other")})
    assert gateway.plain().get("/").text.split()[0] == "a"
    assert without.plain().get("/").status == 503
    member.start()
    member.wait_until_ready()
    register(member, b)
    for each in (gateway, without):
        wait_for_servers(each, b)
        assert each.plain().get("/").text.split()[0] == "b"


def test_two_gateways_do_not_share_a_file(start, member, origins):
    a, _, _ = origins
    register(member, a)
    first = start([member])
    wait_for_servers(first, a)
    second = start([member], keys={"timeout": "100ms"})
    second.log.wait_for("app.json is in use by another gateway")
    assert source(second)["keys"] == 0
    first.stop()
    patience.until(lambda: conditions(second) == set(), 20)
    assert source(second)["keys"] == 1


def test_a_crash_and_an_upgrade_keep_the_servers(start, member, origins):
    a, b, c = origins
    register(member, a)
    gateway = start([member])
    wait_for_servers(gateway, a)
    crashed = gateway.gateway_pid
    os.kill(crashed, signal.SIGKILL)
    patience.until(lambda: gateway.gateway_pids not in ([], [crashed]))
    assert gateway.plain().get("/").status == 200
    register(member, b)
    wait_for_servers(gateway, a, b)
    # The new process follows etcd when the old one has ended to.
    with load.Load(gateway, path="/") as clients:
        replaced = gateway.gateway_pid
        gateway.signal(signal.SIGUSR2)
        gateway.log.wait_for(f"gateway process {replaced} exited with status 0: its connections have finished")
        register(member, c)
        wait_for_servers(gateway, a, b, c)
        clients.wait_for_answers(50)
    assert clients.failures == []
    assert conditions(gateway) == {"gateway_process_replaced"}


def test_metrics(start_gateway, member, origins, tmp_path):
    a, _, _ = origins
    register(member, a)
    member.put(PREFIX + "x", "nothing")
    gateway = start_gateway(
        admin={"socket": "admin.sock", "bind": "127.0.0.1:0"},
        upstreams={"app": {"servers_from": {"etcd": member.url, "prefix": PREFIX, "storage": str(tmp_path / "s")}}},
        routes=[{"path": "/*", "proxy": {"to": "app"}}],
    )
    gateway.log.wait_for("servers of upstream app: 1 added")
    text = gateway.raw("admin").get("/metrics").text
    assert 'isagate_etcd_up{upstream="app"} 1' in text
    assert 'isagate_etcd_keys{upstream="app",usable="no"} 1' in text
    assert 'isagate_etcd_failures_total{upstream="app"} 0' in text
