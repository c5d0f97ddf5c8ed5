import Testing

@testable import Gateway

@Suite("Balancing and health in the configuration") struct ConfigurationUpstreamPolicyTests {
    @Test func `Every key is read`() throws {
        let upstream = try upstream(
            "balance: hash, hash_by: { header: X-User }, slow_start: 10s, queue: { requests: 5, timeout: 2s }, "
                + "sticky: { cookie: srv, max_age: 1d, secure: 'on', secret_file: site.key }, "
                + "health: { active: { path: /up?x, host: a.test, status: 200-204, body: well, every: 2s, timeout: 1s, "
                + "rise: 1, fall: 2 }, passive: { fails: 5, within: 1m, eject: 5s } }",
            server: "weight: 3, backup: true, max_connections: 7")
        #expect(upstream.balance == .hash(.header("x-user")))
        #expect(upstream.slowStart == .seconds(10))
        #expect(upstream.queue == UpstreamQueueConfiguration(requests: 5, timeout: .seconds(2)))
        #expect(
            upstream.sticky
                == StickyConfiguration(
                    cookie: "srv", maxAge: .seconds(86_400), isSecure: true, secretFile: "/etc/isagate/site.key"))
        var active = HealthConfiguration.ActiveHealth(path: "/up?x", host: "a.test", statuses: 200...204, body: "well")
        (active.every, active.timeout, active.rise, active.fall) = (.seconds(2), .seconds(1), 1, 2)
        #expect(upstream.health.active == active)
        #expect(upstream.health.passive == .init(fails: 5, within: .seconds(60), eject: .seconds(5)))
        #expect([upstream.servers[0].weight, upstream.servers[0].maxConnections] == [3, 7])
        #expect(upstream.servers[0].isBackup)
    }

    @Test(arguments: [
        (
            "balance: hahs",
            "expected a way to choose a server (round_robin, least_connections, random_two, hash), found 'hahs' [hash]"
        ),
        ("hash_by: address", "hash_by needs balance: hash"),
        ("balance: hash, hash_by: route", "hash_by: route would send every request to one server"),
        ("sticky: {}", "missing key 'cookie'"),
        ("health: { active: { timeout: 6s } }", "timeout (6s) must not be longer than every (5s)"),
        ("health: { active: { body: x } }", "body needs a path: without one only a connection is made"),
        (
            "health: { active: { path: /, status: 399-200 } }",
            "expected a status such as 200 or a range such as 200-399, found '399-200'"
        ),
    ]) func `A mistake is reported`(_ keys: String, _ mistake: String) {
        let found = mistakes(text(keys, server: "weight: 1"))
        #expect(found.count == 1 && found[0].hasSuffix(mistake), "\(found)")
    }

    private func upstream(_ keys: String, server: String) throws -> UpstreamConfiguration {
        try decode(text(keys, server: server)).upstreams[0]
    }

    private func text(_ keys: String, server: String) -> String {
        var text = ConfigurationText()
        text.more = "upstreams: { api: { servers: [{ url: 'http://127.0.0.1:9000', \(server) }, "
        text.more += "{ url: 'http://127.0.0.1:9001' }], \(keys) } }"
        text.sites = "sites: [{ hosts: [localhost], routes: [{ path: /, proxy: { to: api } }] }]"
        return text.text
    }
}
