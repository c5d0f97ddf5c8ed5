import HTTP
import Testing
import Transport

@testable import Gateway

@Suite("Proxying in the configuration") struct ConfigurationProxyTests {
    @Test func `Trusted proxies are read`() throws {
        var text = ConfigurationText()
        text.listeners =
            "listeners: { plain: { bind: ['127.0.0.1:8080'], trusted: { from: [10.0.0.0/8], field: forwarded } } }"
        let network = try #require(IPNetwork("10.0.0.0/8"))
        let trusted = TrustedProxiesConfiguration(networks: [network], field: .forwarded)
        #expect(try decode(text.text).listeners[0].trusted == trusted)
    }

    @Test func `What is passed on and how is read`() throws {
        let configuration = try decode(
            text(route: "match: '/a/(.*)', proxy: { to: api, rewrite: '/b/{1}' }", upstream: "proxy_protocol: v2"))
        #expect(configuration.upstreams[0].proxyProtocol == .two)
        guard case .proxy(let proxy) = configuration.sites[0].routes[0].action else { return #expect(Bool(false)) }
        #expect(proxy.rewrite?.parts == [.literal("/b/"), .group(1)])
    }

    @Test(arguments: [
        (
            "path: /, proxy: { to: apx }",
            "4:64 unknown upstream 'apx' [api]"
        ),
        (
            "path: /, proxy: { to: api, rewrite: '/{1}' }",
            "rewrite: {1} needs a group of the route's match, which is missing"
        ),
        ("match: '/(a)', proxy: { to: api, rewrite: '/{2}' }", "rewrite: match has 1 groups, so there is no {2}"),
        (
            "path: /a/*, proxy: { to: api, rewrite: '/b', strip_prefix: /a }",
            "strip_prefix and rewrite exclude each other: rewrite makes the whole path"
        ),
        ("path: /, proxy: { to: api, add_prefix: /a/ }", "expected a path such as /api, found '/a/'"),
    ]) func `A mistake in a route is reported`(_ route: String, _ mistake: String) {
        let found = mistakes(text(route: route, upstream: ""))
        #expect(found.count == 1 && found[0].hasSuffix(mistake), "\(found)")
    }

    @Test(arguments: [
        (
            "connect_timeout: 5s, request_timeout: 1s, send_timeout: 1s, response_timeout: 1s, read_timeout: 1s",
            "3:83 connect_timeout (5s) must not be longer than request_timeout (1s), which contains it"
        ),
        (
            "tls: { ca: missing.pem }",
            "3:77 no such file: '/etc/isagate/missing.pem'"
        ),
        ("tls: {}", "tls needs a server whose url begins with https://"),
        (
            "proxy_protocol: v3",
            "expected a version of the PROXY protocol (v1, v2), found 'v3' [v1]"
        ),
    ]) func `A mistake in an upstream is reported`(_ keys: String, _ mistake: String) {
        let found = mistakes(text(route: "path: /, proxy: { to: api }", upstream: keys))
        #expect(found.contains { $0.hasSuffix(mistake) }, "\(found)")
    }

    private func text(route: String, upstream: String) -> String {
        var text = ConfigurationText()
        text.more = "upstreams: { api: { servers: [{ url: 'http://127.0.0.1:9000' }], \(upstream) } }"
        text.sites = "sites: [{ hosts: [localhost], routes: [{ \(route) }] }]"
        return text.text
    }
}
