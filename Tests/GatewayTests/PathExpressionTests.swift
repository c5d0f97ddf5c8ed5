import Testing

@testable import Gateway

@Suite("Regular expressions for paths") struct PathExpressionTests {
    @Test(arguments: [
        ("/u/\\d+", "/u/12", true), ("/u/\\d+", "/u/12/", false), ("/u/\\d+", "/x/u/12", false), ("/a|/b", "/b", true),
        ("(?i)/A", "/a", true), ("/a$", "/a\n", false), ("/\\xff", "/\u{ff}", false), ("/.*", "/ä", true),
    ]) func `An expression is for the whole path`(_ expression: String, _ path: String, _ matches: Bool) throws {
        let expression = try PathExpression(expression)
        let bytes = Array(path.utf8)
        #expect(bytes.withBytes { expression.matches($0) } == (matches ? .matches : .differs))
    }

    @Test func `A path that takes too many steps is left undecided`() throws {
        let expression = try PathExpression("/(a+)+")
        let bytes = Array(("/" + String(repeating: "a", count: 40) + "!").utf8)
        #expect(bytes.withBytes { expression.matches($0) } == .undecided)
    }

    @Test(arguments: [
        ("{ match: '/(', respond: {} }", "not a regular expression: missing closing parenthesis, after 2 bytes"),
        (
            "{ match: '(*UTF)/a', respond: {} }",
            "not a regular expression: using UTF is disabled by the application, after 6 bytes"
        ),
        ("{ match: '', respond: {} }", "a regular expression has 1 to 1024 bytes"),
        ("{ respond: {} }", "missing key 'path'"),
    ]) func `A mistaken expression is reported`(_ route: String, _ mistake: String) {
        let found = mistakes(inRoute: route)
        #expect(found.count == 1 && found[0].hasSuffix(mistake), "\(found)")
    }

    @Test(arguments: [
        ("{ path: '/*', respond: {} }", "{ match: '/a', respond: {} }", true),
        ("{ match: '/a', respond: {} }", "{ match: '/a', respond: {} }", true),
        ("{ match: '/a', respond: {} }", "{ match: '/b', respond: {} }", false),
        ("{ match: '/a', respond: {} }", "{ path: /a, respond: {} }", false),
        ("{ path: /x/*, match: '.*', respond: {} }", "{ path: /y, match: '.*', respond: {} }", false),
    ]) func `A route with an expression may be hidden`(_ earlier: String, _ later: String, _ isHidden: Bool) {
        #expect(mistakes(inRoutes: [earlier, later]).isEmpty != isHidden)
    }
}
