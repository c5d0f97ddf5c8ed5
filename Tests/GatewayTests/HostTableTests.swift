import Memory
import Testing

@testable import Gateway

@Suite("Sites by host") struct HostTableTests {
    private func site(_ authority: String, in table: borrowing HostTable) -> Int? {
        var authority = authority
        return authority.withUTF8 { unsafe table.site(for: ByteView($0)) }
    }

    @Test(arguments: [
        ("app.test", 0), ("APP.test", 0), ("app.test.", 0), ("App.Test.:8443", 0), ("app.test.:", 0),
        ("x.wild.test.", 1), ("X.WILD.TEST.:1", 1), ("wild.test.", nil), ("app.test..", nil), (".", nil), ("", nil),
        ("[::1]", 2), ("[::1]:80", 2), ("192.0.2.1.", 3), ("192.0.2.1", 3), ("app", nil), ("y.x.wild.test.", nil),
    ])
    func `Case, a port and the dot at the end of a name do not count`(_ authority: String, _ expected: Int?) {
        let table = HostTable([
            [.exact("app.test")], [.wildcard(suffix: ".wild.test")], [.exact("[::1]")], [.exact("192.0.2.1")],
        ])
        let found = site(authority, in: table)
        #expect(found == expected)
    }
}
