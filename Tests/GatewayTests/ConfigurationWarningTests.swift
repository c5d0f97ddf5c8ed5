import Testing

@testable import Gateway

@Suite("Warnings about a configuration")
struct ConfigurationWarningTests {
    private static let action = "extension: hello"

    @Test(arguments: [
        ("request", "", "nobody is asked for one there"), ("require", "", "every request is answered 421 there"),
        ("require", "listen: [secure],", nil),
    ])
    func `A site that asks for certificates where there is no TLS is told`(
        _ mode: String, _ listen: String, _ outcome: String?
    ) throws {
        var text = ConfigurationText()
        text.listeners =
            "listeners: { plain: { bind: ['127.0.0.1:80'] }, "
            + "secure: { bind: ['127.0.0.1:443'], tls: {} } }"
        let pair = "{ chain: hello.so, key: hello.so }"
        text.sites =
            "sites: [{ hosts: [a], \(listen) certificates: [\(pair)],\nclient_certificates: "
            + "{ mode: \(mode), ca: hello.so }, routes: [{ path: /, respond: {} }] }]"
        let warnings = try decode(text.text).warnings
        #expect(warnings.map(\.text).allSatisfy { $0.contains("plain without") })
        #expect(warnings.first?.text.contains(outcome ?? "nothing") ?? (outcome == nil))
    }

    @Test(arguments: [
        ("compress: on, basic_auth: { users: hello.so },", action, 1),
        ("compress: on,", action + ", basic_auth: { users: hello.so }", 1),
        ("basic_auth: { users: hello.so },", action + ", compress: on", 1),
        ("compress: on,", action, 0),
        ("basic_auth: { users: hello.so },", action, 0),
        ("compress: on, basic_auth: { users: hello.so },", action + ", compress: off", 0),
        ("compress: on, basic_auth: { users: hello.so },", action + ", basic_auth: off", 0),
        ("compress: on, basic_auth: { users: hello.so },", "respond: {}", 0),
    ])
    func `A route that compresses for users with passwords is told`(_ site: String, _ route: String, _ count: Int)
        throws
    {
        var text = ConfigurationText(more: "extensions: { hello: { library: hello.so } }")
        text.sites = "sites: [{ hosts: [a], \(site) routes: [\n{ path: /, \(route) }] }]"
        let warnings = try decode(text.text).warnings
        #expect(warnings.count == count)
        #expect(warnings.allSatisfy { $0.line == 5 && $0.text.contains("BREACH") })
    }
}
