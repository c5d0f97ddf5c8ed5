import Testing

@testable import Migration

@Suite("What becomes of nginx's directives")
struct NginxTranslationTests {
    private func imported(_ text: String, _ other: [String: String] = [:]) throws -> NginxImport {
        var files = other
        files["/etc/nginx/nginx.conf"] = text
        return try NginxImport(["/etc/nginx/nginx.conf"], files: FakeFiles(contents: files))
    }

    private func text(_ nginx: String) throws -> String {
        ConfigurationWriter.text(of: try imported(nginx).configuration, header: [])
    }

    /// The routes of the only site, without their origins, one line each.
    private func routes(_ server: String) throws -> [String] {
        let configuration = try imported("server { listen 80; \(server) }").configuration
        guard case .sections(let sites)? = configuration["sites"], case .sections(let routes)? = sites[0]["routes"]
        else {
            return []
        }
        return routes.map { route in
            let places = ["path", "match"].compactMap { key -> String? in
                if case .text(let text)? = route[key] { text } else { nil }
            }
            return (places + [route.entries.map(\.key).last { $0 != "path" && $0 != "match" } ?? ""])
                .joined(separator: " ")
        }
    }

    @Test("Exact locations come first, then expressions, then prefixes from the longest on")
    func order() throws {
        let routes = try routes(
            "location / { return 204; } location /a/ { return 204; } location /a/b/ { return 204; }"
                + "location ~ \\.x$ { return 204; } location = /e { return 204; }")
        #expect(routes == ["/e respond", "(?s:.*?)\\.x respond", "/a/b/* respond", "/a/* respond", "/* respond"])
    }

    @Test("A firm prefix comes before the expressions, and what is longer before it has them still")
    func firmPrefix() throws {
        let routes = try routes(
            "location ^~ /a/ { return 204; } location /a/b/ { return 204; } location ~ \\.x$ { return 204; }"
                + "location / { return 204; }")
        #expect(
            routes == [
                "/a/b/* (?s:.*?)\\.x respond", "/a/b/* respond", "/a/* respond", "(?s:.*?)\\.x respond", "/* respond",
            ])
    }

    @Test(
        "An expression is compared with the whole path",
        arguments: [
            ("^/a/(.*)$", "/a/(.*)"), ("\\.php$", "(?s:.*?)\\.php"), ("/x", "(?s:.*?)/x(?s:.*)"),
            ("^/a|b$", "(?s:.*?)(?:^/a|b$)(?s:.*)"), ("^/(a|b)$", "/(a|b)"), ("^/a(.*)", "/a(.*)"),
            ("a\\$", "(?s:.*?)a\\$(?s:.*)"),
        ])
    func expressions(_ nginx: String, _ ours: String) {
        #expect(RoutePaths.expression(nginx, ignoresCase: false).expression == ours)
    }

    @Test("A program that is not available leaves a closed route, and no file's text is sent in its place")
    func closedRoutes() throws {
        let text = try text(
            "server { listen 80; root /srv; index index.php; location ~ \\.php$ { fastcgi_pass a:9; } }")
        #expect(text.contains("status: 501"))
        #expect(!text.contains("index:"))
    }

    @Test("Rules about access that cannot be carried over leave a closed route")
    func closedAccess() throws {
        let server = "server { listen 80; location / { allow 10.0.0.1; deny 10.0.0.0/8; allow all; root /srv; } }"
        let result = try imported(server)
        let text = ConfigurationWriter.text(of: result.configuration, header: [])
        #expect(text.contains("status: 501"))
        #expect(result.report.omitted.contains { $0.contains("allow 10.0.0.1") })
    }

    @Test("Every directive is carried over, not needed with a reason, or listed with advice")
    func nothingIsDropped() throws {
        let result = try imported(
            """
            unknown one;
            events { }
            http {
                sendfile on;
                server { listen 80; frobnicate 1; location / { root /srv; twiddle { x y; } } }
            }
            stream { server { listen 1; } }
            """)
        #expect(
            result.report.omitted.map { String($0.prefix { $0 != " " }) } == [
                "nginx.conf:1:", "nginx.conf:5:", "nginx.conf:5:", "nginx.conf:7:",
            ])
        #expect(result.report.unneeded.map { String($0.prefix { $0 != " " }) } == ["nginx.conf:2:", "nginx.conf:4:"])
    }

    @Test("Addresses with the same servers are one listener, and both families have a short form")
    func listeners() throws {
        let text = try text(
            "server { listen 80 default_server; listen [::]:80 default_server; server_name a.test; return 204; }"
                + "server { listen 80; listen [::]:80; server_name b.test; return 204; }")
        #expect(text.contains("bind: [\":80\"]"))
        #expect(text.contains("hosts: [a.test, \"*\"]"))
        #expect(text.contains("hosts: [b.test]"))
    }

    @Test("Variables with one fixed value are replaced, and others close the route")
    func variables() throws {
        let fixed = try text("server { listen 80; location / { set $app http://127.0.0.1:3000; proxy_pass $app; } }")
        #expect(fixed.contains("to: \"http://127.0.0.1:3000\""))
        let dynamic = try text("server { listen 80; location / { proxy_pass http://$arg_host; } }")
        #expect(dynamic.contains("status: 501"))
    }

    @Test(
        "Times and sizes are read as nginx reads them",
        arguments: [("30", 30_000), ("1m", 60_000), ("500ms", 500), ("1h 30m", 5_400_000), ("x", nil), ("", nil)])
    func times(_ text: String, _ milliseconds: Int?) {
        #expect(NginxQuantity.milliseconds(text) == milliseconds)
    }

    @Test("A text that YAML would read as something else is in quotation marks")
    func scalars() {
        let written = ["a", "a b", "1.2", "10", "10s", "on", "*", "${X}", "a: b", "null", "1e3", "é", "a\nb"].map(
            ConfigurationWriter.scalar)
        #expect(
            written == [
                "a", "\"a b\"", "\"1.2\"", "10", "10s", "on", "\"*\"", "\"$${X}\"", "\"a: b\"", "\"null\"", "\"1e3\"",
                "\"é\"",
                "\"a\\nb\"",
            ])
    }

    @Test("Without a server there is nothing to import")
    func nothing() {
        let error = #expect(throws: MigrationError.self) { try imported("events {}") }
        #expect(error?.description.contains("there is no 'server' block") == true)
    }
}
