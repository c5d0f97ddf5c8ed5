import Testing

@testable import Gateway

@Suite("Rules for responses in the configuration")
struct ResponseRulesTests {
    @Test func `A route's compression leaves open what its site says`() throws {
        let site = try rules("compress: { level: 3, min_size: 2K }", "compress: { level: 7, types: [Text/*] }")
        var options = CompressionOptions()
        options.level = 7
        options.minimumSize = 2048
        options.types = ["text/*"]
        #expect(site.compression == .on(options))
        #expect(try rules("compress: { level: 3 }", "compress: off").compression == .off)
        #expect(try rules("compress: off", "compress: on").compression == .on(CompressionOptions()))
        #expect(try rules("compress: on", "").compression == .on(CompressionOptions()))
    }

    @Test func `A route's edits replace its site's of the same name`() throws {
        let edits = try rules(
            "headers: { set: { A: one, B: two }, add: { C: three }, remove: [D] }",
            "headers: { set: { a: uno }, remove: [c] }"
        ).headers
        #expect(edits.remove == ["D", "c"])
        #expect(
            edits.set == [
                HeaderTemplate(name: "B", parts: [.literal("two")]), .init(name: "a", parts: [.literal("uno")]),
            ])
        #expect(edits.add == [])
    }

    @Test func `A value holds placeholders and braces`() throws {
        let edits = try rules("headers: { add: { A: ['{host} and {remote}', '{{\"a\":1}'] } }", "").headers
        #expect(
            edits.add == [
                HeaderTemplate(name: "A", parts: [.host, .literal(" and "), .remote]),
                HeaderTemplate(name: "A", parts: [.literal("{\"a\":1}")]),
            ])
    }

    @Test func `Strict transport is on for a year by default`() throws {
        #expect(try rules("hsts: on", "").strictTransport == .on(StrictTransport()))
        var rule = StrictTransport()
        rule.maximumAge = .seconds(86_400)
        rule.includesSubdomains = true
        #expect(
            try rules("hsts: { max_age: 1d, include_subdomains: true }", "security_headers: strict").strictTransport
                == .on(rule))
        #expect(try rules("hsts: on", "hsts: off").strictTransport == .off)
    }

    @Test(arguments: [
        ("compress: 5", "expected on, off or a mapping for compress, found '5'"),
        ("compress: { level: 10 }", "level must be from 1 to 9, found '10'"),
        (
            "compress: { types: [text] }",
            "expected a media type such as text/html, text/* or application/*+json, found 'text'"
        ),
        (
            "compress: { types: ['*/*'] }",
            "expected a media type such as text/html, text/* or application/*+json, found '*/*'"
        ),
        ("headers: { set: { 'A B': x } }", "'A B' is not a header name"),
        ("headers: { remove: [Content-Length] }", "the gateway itself sets Content-Length"),
        (
            "headers: { add: { A: '{hots}' } }",
            "unknown placeholder '{hots}'; known are {host}, {remote}, {request_id}, and {{ for a brace [host]"
        ),
        ("headers: { add: { A: 'x{' } }", "a brace without its partner; write {{ for a brace that stands for itself"),
        ("headers: { add: { A: é } }", "a header value holds printable ASCII only, found 'é'"),
        ("hsts: { preload: true }", "preload needs include_subdomains: true and a max_age of at least 365d"),
        ("security_headers: on", "expected a set of security headers (off, strict), found 'on'"),
    ]) func `A mistaken rule is reported`(_ rule: String, _ mistake: String) {
        let found = mistakes(inRoute: "{ path: /, \(rule), respond: {} }").map { $0.drop { $0 != " " }.dropFirst() }
        #expect(found == [mistake[...]])
    }

    @Test func `A route limits and decodes bodies in its own way`() throws {
        var text = ConfigurationText()
        text.sites =
            "sites: [{ hosts: [a], routes: [{ path: /, respond: {}, request_body: 5K, decode_request: true }, "
            + "{ path: /a, respond: {}, decode_request: { ratio: 7 } }, { path: /b, respond: {}, decode_request: false }] }]"
        let routes = try decode(text.text).sites[0].routes
        #expect(routes.map(\.requestBody) == [5120, nil, nil])
        #expect(routes.map(\.inflation) == [100, 7, nil])
    }

    private func rules(_ site: String, _ route: String) throws -> ResponseRules {
        var text = ConfigurationText()
        let keys = [("hosts: [a]"), site].filter { !$0.isEmpty }.joined(separator: ", ")
        let routeKeys = ["path: /", "respond: {}", route].filter { !$0.isEmpty }.joined(separator: ", ")
        text.sites = "sites: [{ \(keys), routes: [{ \(routeKeys) }] }]"
        let site = try decode(text.text).sites[0]
        return site.responseRules.extended(by: site.routes[0].responseRules)
    }
}
