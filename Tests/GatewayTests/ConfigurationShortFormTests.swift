import Testing

@testable import Gateway

@Suite("Short forms in the configuration") struct ConfigurationShortFormTests {
    /// A file whose only route is this one; `more` are further sections.
    private static func text(_ route: String, listeners: String? = nil, more: String = "") -> String {
        var text = ConfigurationText(more: more)
        if let listeners { text.listeners = "listeners: { plain: { bind: \(listeners) } }" }
        text.sites = "sites: [{ hosts: [localhost], routes: [\(route)] }]"
        return text.text
    }

    private static func bound(_ bind: String, hasIPv6: Bool = true) throws -> [BindAddress] {
        try decode(text("{ path: /, respond: {} }", listeners: bind), hasIPv6: hasIPv6).listeners[0].bind
    }

    // MARK: Each short form is the long one

    @Test(arguments: [
        ("{ path: /, respond: pong }", "{ path: /, respond: { body: pong } }"),
        ("{ path: /, respond: '404' }", "{ path: /, respond: { body: '404' } }"),
        ("{ path: /, respond: 4040 }", "{ path: /, respond: { body: '4040' } }"),
        ("{ path: /, redirect: 'https://{host}/new' }", "{ path: /, redirect: { to: 'https://{host}/new' } }"),
        ("{ path: '/*', files: /srv/public }", "{ path: '/*', files: { root: /srv/public } }"),
        ("{ path: '/*', proxy: api }", "{ path: '/*', proxy: { to: api } }"),
        ("{ path: '/*', proxy: 'http://a.test:3000/' }", "{ path: '/*', proxy: { to: 'http://a.test:3000' } }"),
        ("{ path: '/*', proxy: 'unix:app.sock' }", "{ path: '/*', proxy: { to: 'unix:/etc/isagate/app.sock' } }"),
        ("{ path: /, respond: a, allow: 10.0.0.0/8 }", "{ path: /, respond: a, allow: [10.0.0.0/8] }"),
        (
            "{ path: /, respond: a, when: { methods: GET, from: '::1' } }",
            "{ path: /, respond: a, when: { methods: [GET], from: ['::1'] } }"
        ),
        (
            "{ path: '/*', files: { root: /srv/public, index: a.html } }",
            "{ path: '/*', files: { root: /srv/public, index: [a.html] } }"
        ),
        ("{ path: /, respond: a, log: one }", "{ path: /, respond: a, log: [one] }"),
    ]) func `A short form is the long one`(_ short: String, _ long: String) throws {
        let upstreams = """
            log: { access: [{ name: one, path: a }] }
            upstreams: { api: { servers: [{ url: 'http://127.0.0.1:1' }] } }
            """
        #expect(try decode(Self.text(short, more: upstreams)) == decode(Self.text(long, more: upstreams)))
    }

    @Test(arguments: [
        ("hosts: a.test, routes: { path: /, respond: a }", "hosts: [a.test], routes: [{ path: /, respond: a }]"),
        (
            "hosts: [a], listen: plain, routes: [{ path: /, respond: a }]",
            "hosts: [a], listen: [plain], routes: [{ path: /, respond: a }]"
        ),
        (
            "hosts: [a], certificates: { chain: site.pem, key: site.key }, routes: [{ path: /, respond: a }]",
            "hosts: [a], certificates: [{ chain: site.pem, key: site.key }], routes: [{ path: /, respond: a }]"
        ),
    ]) func `A single value is the list that has it alone`(_ short: String, _ long: String) throws {
        func configuration(_ site: String, _ sites: String) throws -> Configuration {
            var text = ConfigurationText()
            text.sites = "sites: " + sites.replacing("SITE", with: "{ \(site) }")
            return try decode(text.text)
        }
        let expected = try configuration(long, "[SITE]")
        #expect(try configuration(short, "[SITE]") == expected)
        #expect(try configuration(short, "SITE") == expected)
    }

    @Test func `Servers and name servers may be written as what they are`() throws {
        func text(_ servers: String, _ names: String) -> String {
            Self.text(
                "{ path: /, proxy: api }",
                more: "upstreams: { api: { servers: \(servers) } }\nresolver: { servers: \(names) }")
        }
        let long = try decode(text("[{ url: 'http://a.test' }, { url: 'https://b.test' }]", "['127.0.0.1:53']"))
        #expect(try decode(text("['http://a.test', 'https://b.test']", "'127.0.0.1:53'")) == long)
        #expect(try decode(text("'http://a.test'", "'127.0.0.1:53'")).upstreams[0].servers.count == 1)
    }

    @Test func `A network that requests may be named from can stand alone`() throws {
        let request = try decode(Self.text("{ path: /, respond: a }", more: "request_id: { accept: 10.0.0.0/8 }"))
        guard case .networks(let networks) = request.requestID.accepted else {
            Issue.record("\(request.requestID)")
            return
        }
        #expect(networks.map(\.description) == ["10.0.0.0/8"])
    }

    // MARK: Upstreams of one server

    @Test func `A server named by its URL is one upstream, however often it is named`() throws {
        let configuration = try decode(
            Self.text(
                "{ path: /a, proxy: 'http://A.test:3000' }, { path: /b, proxy: { to: 'http://a.test:3000/' } }, "
                    + "{ path: /c, proxy: 'https://a.test' }, "
                    + "{ path: /d, respond: a, forward_auth: { to: 'http://a.test:3000', path: /ask } }"))
        #expect(configuration.upstreams.map(\.name) == ["http://a.test:3000", "https://a.test:443"])
        #expect(
            configuration.upstreams.map { $0.servers.map(\.url.description) } == [
                ["http://a.test:3000"], ["https://a.test:443"],
            ])
        guard case .proxy(let proxy) = configuration.sites[0].routes[0].action else {
            Issue.record("no proxy")
            return
        }
        #expect(proxy.upstream == "http://a.test:3000")
    }

    // MARK: Addresses for both families

    @Test func `A port alone is every address, and localhost both of the machine's own`() throws {
        #expect(try Self.bound("':8443'").map(\.description) == ["0.0.0.0:8443", "[::]:8443"])
        #expect(try Self.bound("localhost:81").map(\.description) == ["127.0.0.1:81", "[::1]:81"])
        #expect(
            try Self.bound("[':81', '192.0.2.1:82']").map(\.description) == ["0.0.0.0:81", "[::]:81", "192.0.2.1:82"])
        #expect(try Self.bound("':81'").map(\.isOptional) == [false, true])
        #expect(try Self.bound("'[::]:81'").map(\.isOptional) == [false])
    }

    @Test(arguments: ["':81'", "localhost:81", "'[::1]:81'"])
    func `Where IPv6 is off that is said of each address that needs it`(_ bind: String) throws {
        let text = Self.text("{ path: /, respond: a }", listeners: bind)
        let notes = try decode(text, hasIPv6: false).warnings
        #expect(notes.map(\.line) == [2])
        #expect(notes.first?.text.hasPrefix("IPv6 is switched off on this machine; nobody reaches '") == true)
        #expect(try decode(text).warnings.isEmpty)
        #expect(
            try decode(Self.text("{ path: /, respond: a }", listeners: "'127.0.0.1:81'"), hasIPv6: false).warnings
                .isEmpty)
    }

    // MARK: Mistakes

    @Test(arguments: [
        (
            "{ path: /, respond: 404 }",
            "3:60 respond: 404 is a text of three digits; write { status: 404 }, or the text in quotes"
        ),
        ("{ path: /, redirect: elsewhere }", "3:61 "),
        ("{ path: '/*', files: /nowhere }", "3:61 no such folder: '/nowhere'"),
        ("{ path: '/*', proxy: apx }", "3:61 unknown upstream 'apx'"),
        ("{ path: '/*', proxy: 'http://a.test/x' }", "3:61 a server's url has neither path nor user; found 'a.test/x'"),
        ("{ path: '/*', proxy: 'http://a.test:0' }", "3:61 a port is a number from 1 to 65535, found '0'"),
        ("{ path: '/*', proxy: }", "3:61 missing key 'to'"),
        ("{ path: '/*', proxy: [api] }", "3:61 expected a mapping of keys to values, found a list"),
        ("{ path: '/*', files: }", "3:61 missing key 'root'"),
    ]) func `A mistaken short form is reported where it stands`(_ route: String, _ mistake: String) {
        let found = mistakes(Self.text(route))
        #expect(found.count == 1 && found[0].hasPrefix(mistake), "\(found)")
    }

    // MARK: Default folders

    @Test(arguments: [
        (
            "{ path: /, extension: a }", "extensions: { a: { library: hello.so, spool_request: true } }",
            "3:18 spool_folder"
        ),
        ("{ path: /, proxy: { to: 'http://a.test', buffer: both } }", "", "3:58 buffer_folder"),
    ]) func `A default folder that is not there is reported where it is used`(
        _ route: String, _ more: String, _ place: String
    ) throws {
        let text = Self.text(route, more: more)
        _ = try decode(text)
        let error = #expect(throws: ConfigurationErrors.self) { try decode(text, folders: ["/etc/isagate"]) }
        let diagnostic = try #require(error?.diagnostics.first)
        let position = try #require(diagnostic.position)
        #expect(
            "\(position.line):\(position.column) \(diagnostic.message)"
                == "\(place) is by default '/var/tmp', which is not a folder here")
    }

    @Test func `A default folder that nothing uses need not be there`() throws {
        _ = try decode(
            Self.text("{ path: /, extension: a }", more: "extensions: { a: { library: hello.so } }"),
            folders: ["/etc/isagate"])
    }
}
