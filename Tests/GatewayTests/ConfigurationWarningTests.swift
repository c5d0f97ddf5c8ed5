import Testing

@testable import Gateway

@Suite("Warnings about a configuration")
struct ConfigurationWarningTests {
    private static let action = "extension: hello"

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
