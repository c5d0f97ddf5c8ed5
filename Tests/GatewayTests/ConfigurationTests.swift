import Foundation
import Testing

@testable import Gateway

@Suite("Configuration") struct ConfigurationTests {
    @Test func `The shortest file takes every default`() throws {
        let configuration = try decode(ConfigurationText().text)
        let listener = ListenerConfiguration(
            name: "plain", bind: [BindAddress(family: .ipv4, host: "127.0.0.1", port: 8080)])
        let response = RespondConfiguration(headers: [.init(name: "Content-Type", value: "text/plain; charset=utf-8")])
        let site = SiteConfiguration(
            hosts: [.exact("localhost")], listen: ["plain"], root: "/etc/isagate",
            routes: [RouteConfiguration(path: .exact("/"), action: .respond(response), line: 3)])
        #expect(configuration == Configuration(listeners: [listener], sites: [site]))
    }

    @Test func `Every key of a full file is read`() throws {
        let configuration = try decode(fullFile)
        #expect(configuration.workers == .count(4))
        #expect(configuration.user == Account(name: "isagate", user: 990, group: 991))
        #expect(configuration.listeners.map(\.name) == ["secure", "plain"])
        #expect(configuration.listeners[0].bind.map(\.description) == ["0.0.0.0:8443", "[::]:0"])
        #expect(
            configuration.listeners[0].tls
                == ListenerTLSConfiguration(
                    settings: TLSSettings(minimumVersion: .tls13, applicationProtocols: [.http11])))
        #expect(configuration.log.level == .debug)
        let log = AccessLogConfiguration(destination: .file("/var/log/a.log"), format: .json(LogField.json))
        #expect(configuration.log.access == [log])
        #expect(configuration.limits.requestHead == 32 << 10)
        #expect(configuration.limits.idleTimeout == .milliseconds(1500))
        #expect(configuration.limits.maxConnections == 100)
        #expect(configuration.drain.delay == .seconds(5))
        #expect(configuration.drain.grace == .seconds(120))
        var pool = ExtensionConfiguration(name: "hello", library: "/etc/isagate/hello.so")
        (pool.threads, pool.queue, pool.requestTimeout) = (2, 10, .seconds(5))
        #expect(configuration.extensions == [pool])
    }

    @Test func `Every key of a full site is read`() throws {
        let site = try decode(fullFile).sites[0]
        #expect(site.hosts == [.exact("localhost"), .wildcard(suffix: ".example.test"), .any, .exact("[::1]")])
        #expect(site.listen == ["secure", "plain"])
        #expect(site.certificates == [.init(chain: "/etc/isagate/site.pem", key: "/etc/isagate/site.key")])
        #expect(site.root == "/srv/public")
        #expect(site.routes.map(\.path) == [.exact("/hello"), .exact("/ping"), .prefix("/old/"), .prefix("/")])
        #expect(site.routes[0].action == .runExtension("hello", wholePathInfo: false))
        let headers = [RespondConfiguration.Header(name: "content-type", value: "text/html")]
        #expect(site.routes[1].action == .respond(RespondConfiguration(status: 404, body: "gone\n", headers: headers)))
        let template = RedirectTemplate(parts: [.literal("https://"), .host, .literal("/new?"), .query])
        #expect(site.routes[2].action == .redirect(RedirectConfiguration(to: template, status: 302)))
    }

    @Test func `An empty section takes its defaults`() throws {
        let configuration = try decode(ConfigurationText(more: "limits:\n  # request_head: 1K\nlog:").text)
        #expect(configuration.limits == LimitsConfiguration())
        #expect(configuration.log == LogConfiguration())
    }

    @Test func `An alias stands for what its anchor names`() throws {
        let text = ConfigurationText(more: "extensions: { a: &pool { library: hello.so, threads: 3 }, b: *pool }").text
        #expect(try decode(text).extensions.map(\.threads) == [3, 3])
    }

    @Test func `A site without certificates is served by the plain listeners only`() throws {
        var text = ConfigurationText()
        text.listeners = "listeners: { tls: { bind: [\"[::]:1\"], tls: }, plain: { bind: [\"[::]:2\"] } }"
        #expect(try decode(text.text).sites[0].listen == ["plain"])
    }

    @Test func `The access log may be switched off`() throws {
        #expect(try decode(ConfigurationText(more: "log: { access: off }").text).log.access == [])
    }

    @Test func `Paths lose their dots`() throws {
        let text = ConfigurationText(more: "log: { access: { path: ../log/./x } }").text
        #expect(try decode(text).log.access.first?.destination == .file("/etc/log/x"))
    }

    @Test func `A file that is missing is one error with the system's reason`() {
        let error = #expect(throws: ConfigurationErrors.self) { try Configuration.load(path: "/nonexistent/a.yaml") }
        #expect(
            error?.description
                == "/nonexistent/a.yaml: error: cannot read the configuration: No such file or directory\n")
    }

    @Test func `Loading resolves paths from the file's folder`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "isagate-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "gateway.yaml")
        try Data(ConfigurationText().text.utf8).write(to: file)
        let configuration = try Configuration.load(path: file.path)
        #expect(configuration.sites[0].root == folder.resolvingSymlinksInPath().path)
    }

    @Test func `A file that is not UTF-8 is refused`() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "isagate-\(UUID()).yaml")
        try Data([0x61, 0xFF]).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let error = #expect(throws: ConfigurationErrors.self) { try Configuration.load(path: file.path) }
        #expect(error?.diagnostics.map(\.message) == ["the configuration is not UTF-8 text"])
    }
}

@Suite("Path patterns and redirect templates") struct ConfigurationPatternTests {
    @Test(arguments: [
        (PathPattern.exact("/x"), PathPattern.exact("/x"), true),
        (.exact("/x"), .exact("/x/"), false),
        (.exact("/x/"), .prefix("/x/"), false),
        (.prefix("/x/"), .exact("/x/y"), true),
        (.prefix("/x/"), .exact("/x"), false),
        (.prefix("/"), .prefix("/x/"), true),
        (.prefix("/x/"), .prefix("/"), false),
    ]) func `A pattern covers what it always matches`(_ earlier: PathPattern, _ later: PathPattern, _ covers: Bool) {
        #expect(earlier.covers(later) == covers)
    }

    @Test(arguments: [
        ("https://{host}/new", "https://a.test/new"),
        ("https://b.test{path}", "https://b.test/p%20q"),
        ("https://{host}{uri}", "https://a.test/p%20q?x=1"),
        ("/search?old&{query}", "/search?old&x=1"),
    ]) func `A redirect template is filled in`(_ template: String, _ location: String) throws {
        #expect(try RedirectTemplate(template).expand(host: "a.test", path: "/p%20q", query: "x=1") == location)
    }

    @Test func `A request without a query adds no question mark`() throws {
        let template = try RedirectTemplate("https://a.test{uri}")
        #expect(template.expand(host: "", path: "/p", query: nil) == "https://a.test/p")
    }
}

private let fullFile = """
    version: 1
    workers: 4
    user: isagate
    listeners:
      secure: { bind: ["0.0.0.0:8443", "[0:0::0]:0"], tls: { min: "1.3", alpn: [http/1.1] } }
      plain: { bind: ["127.0.0.1:8080"] }
    log: { level: debug, access: { path: /var/log/a.log, format: json } }
    limits:
      { request_head: 32K, request_line: 4K, request_fields: 50, request_body: 2G, header_timeout: 1s, body_timeout: 2s,
        idle_timeout: 1500ms, write_timeout: 1m, handshake_timeout: 3s, max_connections: 100, unread_body: 0 }
    drain: { delay: 5s, grace: 2m }
    extensions:
      hello: { library: ./hello.so, run: in_process, threads: 2, queue: 10, request_timeout: 5s }
    sites:
      - hosts: [LocalHost, "*.example.test", "*", "[0::1]"]
        listen: [secure, plain]
        certificates: [{ chain: site.pem, key: site.key }]
        root: /srv/public
        routes:
          - { path: /hello, extension: hello }
          - { path: /ping, respond: { status: 404, body: "gone\\n", headers: { content-type: text/html } } }
          - { path: "/old/*", redirect: { to: "https://{host}/new?{query}", status: 302 } }
          - { path: "/*", respond: { status: 204 } }

    """

@Suite("The control socket in the configuration")
struct AdminConfigurationTests {
    @Test("There is none unless the file says so")
    func noneByDefault() throws {
        #expect(try decode(ConfigurationText().text).admin.socket == nil)
    }

    @Test("Its path is relative to the file")
    func relativePath() throws {
        let text = ConfigurationText(more: "admin: { socket: run/isagate.sock }").text
        #expect(try decode(text).admin.socket == "/etc/isagate/run/isagate.sock")
    }

    @Test("A path that no socket can have is refused where it stands")
    func longPath() {
        let path = "/" + String(repeating: "x", count: 107)
        let found = mistakes(ConfigurationText(more: "admin: { socket: \(path) }").text)
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("3:18 the path of a socket has at most 107 bytes") == true)
    }
}
