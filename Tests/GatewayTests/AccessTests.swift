import TLS
import Testing
import Transport

@testable import Gateway

@Suite("Access") struct AccessTests {
    @Test func `A password of the file is accepted, any other is not`() throws {
        // The password is "secret" in all three.
        let file = try PasswordFile(
            """
            # staff
            alice:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a
            bob:$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1

            carol:$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA
            """)
        for user in ["alice", "bob", "carol"] {
            #expect(file.accepts(user: user, password: "secret"))
            #expect(!file.accepts(user: user, password: "Secret"))
            #expect(!file.accepts(user: user, password: ""))
            #expect(!file.accepts(user: user, password: "secret\0"))
        }
        #expect(!file.accepts(user: "dave", password: "secret"))
        #expect(!file.accepts(user: "", password: ""))
    }

    @Test(arguments: [
        ("", 1, "there is no user"), ("alice", 1, "expected a user, a colon and a hash"),
        (":x", 1, "expected a user, a colon and a hash"),
        (
            "# x\nalice:$apr1$salt$xxxxxxxxxxxxxxxxxxxxxx", 2,
            "the hash is none of bcrypt, SHA-256, SHA-512 and yescrypt of crypt(5)"
        ),
        ("alice:plain", 1, "the hash is none of bcrypt, SHA-256, SHA-512 and yescrypt of crypt(5)"),
        (
            "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", 1,
            "the hash is none of bcrypt, SHA-256, SHA-512 and yescrypt of crypt(5)"
        ),
    ]) func `A file with a mistake is refused, with its line`(_ text: String, _ line: Int, _ reason: String) {
        #expect(throws: PasswordFile.Mistake(line: line, reason: reason)) { try PasswordFile(text) }
    }

    @Test func `Credentials are taken from Base64`() {
        let credentials = BasicCredentials("Basic QWxhZGRpbjpvcGVuOnNlc2FtZQ==")
        #expect(credentials?.user == "Aladdin")
        #expect(credentials?.password == "open:sesame")
        #expect(BasicCredentials("basic YTo=")?.password == "")
    }

    @Test(arguments: [
        "", "Basic", "Basic ", "Bearer YTpi", "Basic YTpi=", "Basic YTp", "Basic Y=pi", "Basic YWI=", "Basic /zo=",
        "Basic ====", "Basic YT pi",
    ]) func `What is malformed is nobody's`(_ value: String) {
        #expect(BasicCredentials(value) == nil)
    }

    @Test(arguments: [
        ("10.1.2.3", true), ("10.9.9.9", false), ("192.0.2.1", false), ("::ffff:10.1.2.3", true), ("::1", true),
        ("2001:db8::1", false),
    ]) func `Networks let in or keep out`(_ address: String, _ isAdmitted: Bool) throws {
        var rules = AccessRules()
        rules.allow = [try #require(IPNetwork("10.0.0.0/8")), try #require(IPNetwork("::1"))]
        rules.deny = [try #require(IPNetwork("10.9.0.0/16"))]
        #expect(rules.admit(IPAddress(address)) == isAdmitted)
        #expect(!rules.admit(nil))
    }

    @Test func `What a route says counts in place of what its site says`() throws {
        let home = try #require(IPNetwork("10.0.0.0/8"))
        let basic = BasicAuthentication(realm: "r", users: "/u")
        var site = AccessOverrides()
        site.allow = [home]
        site.basic = .on(basic)
        let rules = AccessRules().overridden(by: site)
        #expect(rules.overridden(by: AccessOverrides()) == rules)
        var route = AccessOverrides()
        route.basic = .off
        route.deny = [home]
        let result = rules.overridden(by: route)
        #expect(result.allow == nil)
        #expect(result.deny == [home])
        #expect(result.basic == nil)
    }

    @Test func `Known credentials are forgotten after a while, and never too many`() throws {
        var known = KnownCredentials()
        let start = Deadline(milliseconds: 0)
        let digests = (0...KnownCredentials.maximumCount).map { ContentDigest([UInt8($0 & 255), UInt8($0 >> 8)]) }
        known.add(digests[0], of: "alice", at: start)
        #expect(known.user(of: digests[0], at: start) == "alice")
        #expect(known.user(of: digests[1], at: start) == nil)
        #expect(known.user(of: digests[0], at: start.advanced(by: KnownCredentials.lifetime)) == nil)
        for digest in digests { known.add(digest, of: "bob", at: start) }
        #expect(known.user(of: digests[KnownCredentials.maximumCount], at: start) == "bob")
        #expect(known.user(of: digests[5], at: start) == nil)
    }
}
