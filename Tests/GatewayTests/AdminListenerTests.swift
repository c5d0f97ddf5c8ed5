import ISAPI
import Testing

@testable import Gateway

@Suite("The admin listener in the configuration")
struct AdminListenerTests {
    @Test("It is a listener and a site, after those of the file")
    func desugared() throws {
        let configuration = try decode(ConfigurationText(more: "admin: { bind: \"127.0.0.1:9145\" }").text)
        #expect(configuration.listeners.last?.name == "admin")
        #expect(configuration.listeners.last?.tls == nil)
        #expect(configuration.sites.last?.listen == ["admin"])
        #expect(configuration.siteCount == configuration.sites.count - 1)
        #expect(configuration.sites.last?.routes.map(\.path) == AdminPage.allCases.map { .exact($0.path) })
    }

    @Test("No other site is served on it")
    func separate() throws {
        let configuration = try decode(ConfigurationText(more: "admin: { bind: \"127.0.0.1:9145\" }").text)
        #expect(!configuration.sites.dropLast().contains { $0.listen.contains("admin") })
    }

    @Test("Certificates are enough for TLS")
    func certificates() throws {
        let section = "admin: { bind: \"127.0.0.1:9145\", certificates: [{ chain: site.pem, key: site.key }] }"
        #expect(try decode(ConfigurationText(more: section).text).listeners.last?.tls == ListenerTLSConfiguration())
    }

    @Test("An address that other machines can reach is refused where it stands, unless it is guarded")
    func guards() {
        let found = mistakes(ConfigurationText(more: "admin: { bind: \"192.0.2.1:9145\" }").text)
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("3:16 192.0.2.1:9145 can be reached from other machines") == true)
        let guarded = "admin: { bind: \"192.0.2.1:9145\", allow: [192.0.2.0/24] }"
        #expect(mistakes(ConfigurationText(more: guarded).text).isEmpty)
    }

    @Test("Its address is not that of another listener")
    func sharedAddress() {
        let text = ConfigurationText(more: "admin: { bind: [\"127.0.0.1:9145\", \"127.0.0.1:9145\"] }").text
        #expect(mistakes(text).first?.contains("127.0.0.1:9145 is bound twice") == true)
    }
}

@Suite("Whether requests should be sent to the gateway")
struct ReadinessTests {
    private func reasons(_ facts: Readiness.Facts) -> [String] {
        Readiness(facts).reasons.map { "\($0.reason) \($0.name ?? "-")" }
    }

    @Test("With nothing to be said against it, it is ready")
    func ready() {
        #expect(Readiness(Readiness.Facts()).ready)
    }

    @Test("Before anything is served, it is not")
    func nothing() {
        #expect(Readiness(nil).reasons.map(\.reason) == ["not_serving"])
    }

    @Test("Every reason is given")
    func all() {
        let facts = Readiness.Facts(
            isDraining: true, listenersWithoutCertificate: ["secure"], extensionsNotLoaded: ["hello"])
        #expect(
            reasons(facts) == ["draining -", "certificate_expired secure", "extension_not_loaded hello"])
        #expect(!Readiness(facts).ready)
    }

    @Test("A pool is ready with its first process, and before its first request")
    func pools() {
        var pool = ProcessPoolStatus(name: "legacy", extensions: ["orders"])
        #expect(reasons(Readiness.Facts(pools: [pool])).isEmpty)
        pool.state = "running"
        #expect(reasons(Readiness.Facts(pools: [pool])) == ["pool_starting legacy"])
        pool.state = "stopped"
        #expect(reasons(Readiness.Facts(pools: [pool])) == ["pool_stopped legacy"])
        pool.state = "ending"
        #expect(reasons(Readiness.Facts(pools: [pool])).isEmpty)
    }

    @Test("An extension that waits for its pool is no further reason")
    func extensionOfPool() {
        var pool = ProcessPoolStatus(name: "legacy", extensions: ["orders"])
        pool.state = "stopped"
        let facts = Readiness.Facts(pools: [pool], extensionsNotLoaded: ["orders", "hello"])
        #expect(reasons(facts) == ["pool_stopped legacy", "extension_not_loaded hello"])
    }
}
