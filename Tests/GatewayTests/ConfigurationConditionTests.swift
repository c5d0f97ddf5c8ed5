import Testing
import Transport

@testable import Gateway

@Suite("Conditions of routes in the configuration") struct ConfigurationConditionTests {
    @Test func `Every condition is read`() throws {
        var text = ConfigurationText()
        text.sites =
            "sites: [{ hosts: [localhost], routes: [{ path: /, respond: {}, when: { methods: [GET, PURGE], "
            + "headers: { X-Mode: beta, Cookie: { present: false } }, query: { v: '2', q: { present: true } }, "
            + "from: [10.0.0.0/8, '::1'] } }] }]"
        let conditions = try decode(text.text).sites[0].routes[0].conditions
        #expect(conditions.methods == ["GET", "HEAD", "PURGE"])
        #expect(
            conditions.headers == [
                .init(name: "x-mode", test: .equals("beta")), .init(name: "cookie", test: .absent),
            ])
        #expect(conditions.query == [.init(name: "v", test: .equals("2")), .init(name: "q", test: .present)])
        #expect(conditions.networks == [IPNetwork("10.0.0.0/8")!, IPNetwork("::1")!])
    }

    @Test(arguments: [
        ("{ methods: [get] }", "5:42 methods are case-sensitive, found 'get' [GET]"),
        ("{ methods: ['a b'] }", "5:42 expected a method such as GET, found 'a b'"),
        ("{ headers: { 'a b': c } }", "5:43 'a b' is not a header name"),
        ("{ headers: { A: b, a: b } }", "5:49 'a' is given twice"),
        ("{ headers: { A: { present: maybe } } }", "5:57 expected whether it is there (true, false), found 'maybe'"),
        ("{ query: { a: [] } }", "5:44 expected a value, or { present: true } or { present: false }, found a list"),
        (
            "{ from: [10.0.0.1/8] }",
            "5:39 expected an address or a network such as 10.0.0.0/8, without bits set behind its length, "
                + "found '10.0.0.1/8'"
        ),
        ("{}", "5:30 expected at least one of methods, headers, query and from"),
        ("{ metods: [GET] }", "5:32 unknown key 'metods' [methods]"),
    ]) func `A mistaken condition is reported`(_ conditions: String, _ mistake: String) {
        let found = mistakes(inRoute: "{ path: /x, respond: {}, when: \(conditions) }")
        #expect(found.contains { $0.hasSuffix(String(mistake.drop { $0 != " " })) }, "\(found)")
    }

    @Test(arguments: [
        ("", "{ methods: [GET] }", true), ("{ methods: [GET] }", "", false),
        ("{ methods: [GET, POST] }", "{ methods: [HEAD] }", true), ("{ methods: [GET] }", "{ methods: [POST] }", false),
        ("{ from: [10.0.0.0/8] }", "{ from: [10.1.0.0/16, 10.2.0.1] }", true),
        ("{ from: [10.0.0.0/8] }", "{ from: [10.1.0.0/16, 11.0.0.0/8] }", false),
        ("{ headers: { a: { present: true } } }", "{ headers: { A: x, b: y } }", true),
        ("{ headers: { a: x } }", "{ headers: { a: { present: true } } }", false),
        ("{ headers: { a: x } }", "{ headers: { a: y } }", false),
        ("{ query: { a: { present: false } } }", "{ query: { a: { present: false }, b: c } }", true),
        ("{ query: { a: x } }", "{ headers: { a: x } }", false),
    ]) func `A route is never reached when an earlier one asks for no more`(
        _ earlier: String, _ later: String, _ isHidden: Bool
    ) {
        let routes = [(earlier, "/x/*"), (later, "/x/y")].map { conditions, path in
            "{ path: \(path), respond: {}\(conditions.isEmpty ? "" : ", when: \(conditions)") }"
        }
        #expect(mistakes(inRoutes: routes).isEmpty != isHidden)
    }

    @Test func `A listener says whose PROXY protocol headers it believes`() throws {
        let listeners =
            "listeners: { plain: { bind: ['127.0.0.1:1'], proxy_protocol: { mode: required, from: [10.0.0.0/8] } } }"
        #expect(
            try decode(ConfigurationText(listeners: listeners).text).listeners[0].proxies == [IPNetwork("10.0.0.0/8")!])
        let off = listeners.replacing("required", with: "'off'")
        #expect(try decode(ConfigurationText(listeners: off).text).listeners[0].proxies == nil)
    }

    @Test(arguments: [
        ("{ mode: required }", "missing key 'from': the networks whose headers are believed"),
        ("{ from: [10.0.0.0/8] }", "missing key 'mode'"),
        ("{ mode: maybe, from: ['::1'] }", "expected whether a header is required (required, off), found 'maybe'"),
    ]) func `A mistaken PROXY protocol section is reported`(_ section: String, _ mistake: String) {
        let listeners = "listeners: { plain: { bind: ['127.0.0.1:1'], proxy_protocol: \(section) } }"
        #expect(mistakes(ConfigurationText(listeners: listeners).text).contains { $0.hasSuffix(mistake) })
    }
}
