import Testing

@testable import Gateway

@Suite("Mistakes in sites and routes") struct ConfigurationSiteMistakeTests {
    @Test(arguments: [
        ("{ hosts: [a_b], routes: [] }", "4:26 expected a list of at least one of routes"),
        (
            "{ hosts: ['a:80'], routes: *r }",
            "4:12 a host carries no port, and an IPv6 address stands in brackets; found 'a:80'"
        ),
        (
            "{ hosts: ['*.'], routes: *r }",
            "4:12 expected a host name, an IP address, \"*.\" and a domain, or \"*\", found '*.'"
        ),
        ("{ hosts: [a, A], routes: *r }", "4:15 host 'a' is already served on listener 'plain', see line 4"),
        (
            "{ hosts: [localhost], routes: *r }",
            "4:12 host 'localhost' is already served on listener 'plain', see line 3"
        ),
        ("{ hosts: [a], listen: [plain, plain], routes: *r }", "4:32 listener 'plain' is given twice"),
        ("{ hosts: [a], listen: [tls], routes: *r }", "4:25 listener 'tls' uses TLS: this site needs certificates"),
        ("{ hosts: [a], root: nowhere, routes: *r }", "4:22 no such folder: '/etc/isagate/nowhere'"),
        (
            "{ hosts: [a], certificates: [{ chain: x.pem, key: site.key }], routes: *r }",
            "4:40 no such file: '/etc/isagate/x.pem'"
        ),
        ("{ hosts: [a], certificates: [{ key: site.key }], routes: *r }", "4:31 missing key 'chain'"),
        ("{ hosts: [a], tls: { min: '1.3' }, routes: *r }", "4:21 tls needs certificates on this site"),
        (
            "{ hosts: [a], certificates: [{ chain: site.pem }], tls: { min: '1.3', max: '1.2' }, routes: *r }",
            "4:65 min must not be newer than max"
        ),
        (
            "{ hosts: [a], certificates: [{ chain: site.pem }], client_certificates: { ca: site.pem }, routes: *r }",
            "4:74 missing key 'mode'"
        ),
    ]) func `A mistaken site is reported`(_ site: String, _ mistake: String) {
        var text = ConfigurationText()
        text.listeners = "listeners: { plain: { bind: ['[::]:1'] }, tls: { bind: ['[::]:2'], tls: {} } }"
        text.sites = "sites: [{ hosts: [localhost], routes: &r [{ path: /, respond: {} }] },\n " + site + "]"
        #expect(mistakes(text.text) == [mistake])
    }

    @Test func `A site without certificates needs a plain listener`() {
        let listeners = "listeners: { tls: { bind: ['[::]:2'], tls: {} } }"
        #expect(
            mistakes(ConfigurationText(listeners: listeners).text) == [
                "3:9 every listener uses TLS: this site needs certificates"
            ])
    }

    @Test func `A mistaken listener is not reported again where it is used`() {
        var text = ConfigurationText(listeners: "listeners: { plain: 5 }")
        text.sites = "sites: [{ hosts: [a], listen: [plain], routes: [{ path: /, respond: {} }] }]"
        #expect(mistakes(text.text) == ["2:21 expected a mapping of keys to values, found '5'"])
    }

    @Test(arguments: [
        ("{ path: x, respond: {} }", "5:15 a path begins with '/', found 'x'"),
        ("{ path: /\(String(repeating: "a", count: 2048)), respond: {} }", "5:15 a path has at most 2048 bytes"),
        (
            "{ path: '/a*', respond: {} }",
            "5:15 a '*' may only stand at the end of a path, after '/', or in front of a file's ending, found '/a*'"
        ),
        ("{ path: '/a b', respond: {} }", "5:15 a path holds no spaces, control characters, '?' or '#', found '/a b'"),
        ("{ path: /a/../b, respond: {} }", "5:15 a path has no empty, '.' or '..' segments, found '/a/../b'"),
        (
            "{ path: /a }",
            "5:7 a route has exactly one action: extension, extensions_in, respond, redirect, files or proxy; this one has none"
        ),
        (
            "{ path: /a, extension: hello, respond: {} }",
            "5:7 a route has exactly one action: extension, extensions_in, respond, redirect, files or proxy; this one has extension and respond"
        ),
        ("{ path: /a, extension: hallo }", "5:30 unknown extension 'hallo' [hello]"),
        ("{ path: /a, proxi: {}, respond: {} }", "5:19 unknown key 'proxi' [proxy]"),
        ("{ path: /a, respond: { status: 101 } }", "5:38 status must be from 200 to 599, found '101'"),
        ("{ path: /a, respond: { status: 204, body: x } }", "5:49 a response with status 204 has no body"),
        ("{ path: /a, respond: { headers: { 'a b': x } } }", "5:41 'a b' is not a header name"),
        ("{ path: /a, respond: { headers: { Content-Length: 3 } } }", "5:41 the gateway itself sets Content-Length"),
        ("{ path: /a, respond: { headers: { a: x, A: y } } }", "5:47 header A is given twice"),
        (
            "{ path: /a, respond: { headers: { a: \"x\\r\\ny\" } } }",
            "5:44 a header value holds printable ASCII only, found 'x\u{FFFD}\u{FFFD}y'"
        ),
        (
            "{ path: /a, redirect: { to: /b, status: 200 } }",
            "5:47 expected the status of a redirect (301, 302, 303, 307, 308), found '200'"
        ),
        (
            "{ path: /a, redirect: { to: '/b/{port}' } }",
            "5:35 unknown placeholder '{port}'; known are {host}, {path}, {query} and {uri}"
        ),
        (
            "{ path: /a, redirect: { to: '/b{' } }",
            "5:35 a brace without its partner; placeholders are {host}, {path}, {query} and {uri}"
        ),
        (
            "{ path: /a, redirect: { to: //b } }",
            "5:35 expected a target that begins with http://, https:// or a single '/'"
        ),
        ("{ path: /a, redirect: { to: 'https://b{query}' } }", "5:35 {query} may only stand after a '?'"),
        (
            "{ path: /a, redirect: { to: '/{path}' } }",
            "5:35 a placeholder right after the first '/' would let a request choose the host; write https://{host} "
                + "before it"
        ),
        (
            "{ path: /a, redirect: { to: \"/b\\r\\nX: y\" } }",
            "5:35 a redirect target holds printable ASCII only; percent-encode the rest"
        ),
    ]) func `A mistaken route is reported`(_ route: String, _ mistake: String) {
        #expect(mistakes(inRoute: route) == [mistake])
    }

    @Test(arguments: [("/x", "/x"), ("/x/*", "/x/y"), ("/x/*", "/x/y/*"), ("/*", "/x")])
    func `A route that an earlier one covers is never reached`(_ earlier: String, _ later: String) {
        let routes = ["{ path: '/other', respond: {} }"] + [earlier, later].map { "{ path: '\($0)', respond: {} }" }
        #expect(
            mistakes(inRoutes: routes) == [
                "7:15 this route is never reached: the route on line 6 matches '\(later)' first"
            ])
    }

    @Test func `A route that an extension covers is reached when the extension leaves it a request`() {
        let wildcard = "{ path: '/*', extension: hello }"
        let routes = [wildcard, wildcard, "{ path: '/x', respond: {} }"]
        #expect(mistakes(inRoutes: routes).isEmpty)
    }

    @Test func `A route after a narrower one is reached`() {
        let paths = ["/x", "/x/*", "/*"]
        #expect(mistakes(inRoutes: paths.map { "{ path: '\($0)', respond: {} }" }).isEmpty)
    }
}
