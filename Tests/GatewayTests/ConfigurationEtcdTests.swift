import Testing

@testable import Gateway

struct ConfigurationEtcdTests {
    @Test
    func aURLNamesMembersAndAPrefix() throws {
        let etcd = try #require(try configured("etcd://one.example,10.0.0.2:3379,[::1]:79/services/app"))
        #expect(
            etcd.endpoints.map(\.description) == ["http://one.example:2379", "http://10.0.0.2:3379", "http://[::1]:79"])
        #expect(etcd.prefix == "/services/app/" && !etcd.isSecure)
        #expect(etcd.storage == "/var/lib/isagate/etcd")
        let secure = try #require(try configured("etcds://one.example/app/"))
        #expect(secure.endpoints.map(\.description) == ["https://one.example:2379"] && secure.prefix == "/app/")
        #expect(secure.isSecure)
    }

    @Test
    func aMappingSaysMore() throws {
        let etcd = try #require(
            try configured(
                "{ etcd: ['https://a:1', 'https://b'], prefix: services, user: u, password_file: /etc/p, "
                    + "tls: { ca: /etc/ca.pem }, timeout: 1s, interval: 30s, storage: /state }"))
        #expect(etcd.endpoints.map(\.description) == ["https://a:1", "https://b:2379"])
        #expect(etcd.prefix == "services/")
        #expect(etcd.user == .init(name: "u", passwordFile: "/etc/p") && etcd.tls.authorities == "/etc/ca.pem")
        #expect(etcd.timeout == .seconds(1) && etcd.interval == .seconds(30))
        #expect(etcd.file(ofUpstream: "api") == "/state/api.json")
    }

    @Test(arguments: [
        ("etcd://host", "expected a prefix of keys after the members"),
        ("etcd://host/", "a prefix of keys names more than the root"),
        ("etcd:///app/", "expected a URL such as etcd://"),
        ("etcd://a,,b/app/", "expected a URL such as etcd://"),
        ("etcd://a:0/app/", "a port is a number from 1 to 65535"),
        ("etcd://u:p@a/app/", "a user and its password are given by the keys user and password_file"),
        ("{ etcd: 'http://a' }", "missing key 'prefix'"),
        ("{ prefix: /app/ }", "missing key 'etcd'"),
        ("{ etcd: 'ftp://a', prefix: /app/ }", "expected the URL of a member"),
        ("{ etcd: ['http://a', 'https://b'], prefix: /app/ }", "either all members are reached by https, or none"),
        ("{ etcd: 'http://a', prefix: /app/, tls: { ca: /etc/ca.pem } }", "tls needs members whose URLs begin with"),
        ("{ etcd: 'http://a', prefix: /app/, user: u }", "user needs password_file"),
        ("{ etcd: 'http://a', prefix: /app/, password_file: /etc/p }", "password_file needs user"),
        ("{ etcd: 'http://a', prefix: '\(String(repeating: "p", count: 128))' }", "at most 128 bytes, found 129"),
        (
            "{ etcd: [\((0...16).map { "'http://h\($0)'" }.joined(separator: ", "))], prefix: /app/ }",
            "at most 16 members"
        ),
        ("/etc/none", "no such file: '/etc/none'"),
    ])
    func mistakesAreNamed(servers: String, reason: String) {
        do {
            _ = try configured(servers)
            Issue.record("it was accepted")
        } catch let errors as ConfigurationErrors {
            #expect(errors.diagnostics.contains { $0.message.contains(reason) }, "\(errors.description)")
        } catch {
            Issue.record("another error")
        }
    }

    @Test
    func storedServersAreUsedOrElseTheConfiguredOnes() throws {
        let configuration = try decoded("etcd://a/app/", "servers: [ 'http://own' ], ")
        let file = "/var/lib/isagate/etcd/api.json"
        func urls(_ stored: String?) throws -> [String] {
            try configuration.takingServers(stored: { $0 == file ? stored.map { Array($0.utf8) } : nil }) {
                _ throws(SystemError) in []
            }.upstreams[0].servers.map(\.url.description)
        }
        #expect(try urls(nil) == ["http://own:80"])
        #expect(try urls(#"{ "/app/x": { "url": "http://x" } }"#) == ["http://x:80"])
        #expect(throws: ConfigurationErrors.self) { try urls("nonsense") }
        #expect(configuration.watchedFiles.paths == [file])
    }

    @Test
    func anotherSourceOfTheSameServersIsNoOtherUpstream() throws {
        let one = try decoded("etcd://a/app/").upstreams[0]
        let other = try decoded("etcd://b/other/").upstreams[0]
        #expect(one.isSame(as: other))
        #expect(!one.isSame(as: try decoded("etcd://a/app/", "retries: 3, ").upstreams[0]))
        #expect(!one.isSame(as: try decoded("/etc/p").upstreams[0]))
    }

    private func configured(_ servers: String) throws -> EtcdConfiguration? {
        try decoded(servers).upstreams[0].etcd
    }

    private func decoded(_ servers: String, _ more: String = "") throws -> Configuration {
        var text = ConfigurationText()
        text.more = "upstreams: { api: { \(more)servers_from: \(servers.hasPrefix("{") ? servers : "'\(servers)'") } }"
        return try decode(text.text, files: ["/etc/p", "/etc/ca.pem"])
    }
}
