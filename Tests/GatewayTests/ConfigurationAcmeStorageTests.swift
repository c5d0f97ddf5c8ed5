import Testing

@testable import Gateway

@Suite("Storages of certificates by ACME in the file") struct ConfigurationAcmeStorageTests {
    private func acme(storage: String, more: String = "") throws -> AcmeConfiguration {
        try #require(try decode(text(storage: storage, more: more)).acme.first)
    }

    private func text(storage: String, more: String = "") -> String {
        var text = ConfigurationText()
        text.listeners = "listeners: { plain: { bind: ['[::]:80'] }, tls: { bind: ['[::]:443'], tls: {} } }"
        text.more = "acme: { le: { directory: letsencrypt, terms_agreed: true, storage: \(storage) }\(more) }"
        text.sites = "sites: [{ hosts: [a.org], certificates: [{ acme: le }], routes: [{ path: /, respond: {} }] }]"
        return text.text
    }

    @Test func aPathIsAFolderOfThisMachine() throws {
        let issuer = try acme(storage: "/srv/state")
        #expect(issuer.storage == "/srv/state")
        #expect(issuer.sharedStorage == nil)
    }

    @Test func aURLIsARedisWithACopyInTheUsualFolder() throws {
        let issuer = try acme(storage: "'rediss://isagate:secret@store.test:6380/3'")
        #expect(issuer.storage == "/var/lib/isagate/acme")
        let shared = try #require(issuer.sharedStorage)
        #expect(shared.redis.url.description == "rediss://store.test:6380/3")
        #expect(shared.redis.password([:]) == "secret")
        #expect(shared.redis.timeout == .seconds(2))
        #expect(shared.lockTimeout == .seconds(45))
        #expect(shared.prefix == "isagate")
    }

    @Test func aMappingSaysEverythingElse() throws {
        let issuer = try acme(
            storage: """
                { redis: 'redis+sentinel://a.test,b.test/main', password_file: site.key, folder: /srv/copy,
                  timeout: 500ms, lock_timeout: 1m, prefix: edge }
                """)
        #expect(issuer.storage == "/srv/copy")
        let shared = try #require(issuer.sharedStorage)
        #expect(shared.redis.files == ["/etc/isagate/site.key"])
        #expect(shared.redis.password(["/etc/isagate/site.key": Array("word\nrest".utf8)]) == "word")
        #expect(shared.redis.timeout == .milliseconds(500))
        #expect(shared.lockTimeout == .seconds(60))
        #expect(SharedStorageKeys(prefix: shared.prefix).lock == "{edge:acme}:lock")
    }

    @Test(arguments: [
        ("'redis://user:pass word@a.test'", "this is no URL of a Redis server: it has a space"),
        ("'http://a.test'", "this is no URL of a Redis server: it begins with none of redis://"),
        ("'unix:///run/redis.sock'", "a socket of this machine leads to no storage of several gateways"),
        ("{ redis: 'redis://a.test', tls: { ca: site.pem } }", "tls needs a url that begins with rediss://"),
        ("{ folder: /srv/copy }", "missing key 'redis'"),
        ("{ redis: 'redis://a.test', lock_timeout: 1s }", "lock_timeout must be from 5s to 10m, found '1s'"),
        ("{ redis: 'redis://a.test', prefix: 'a{b' }", "expected the beginning of names of keys"),
        (
            "{ redis: 'redis://:word@a.test', password_file: site.key }",
            "the password is in the url already"
        ),
    ])
    func mistakesAreReportedWithoutThePassword(storage: String, message: String) throws {
        let errors = try #require(throws: ConfigurationErrors.self) { try decode(text(storage: storage)) }
        #expect(errors.description.contains(message), "\(errors)")
        #expect(errors.diagnostics.allSatisfy { !$0.message.contains("pass word") && !$0.message.contains(":word@") })
    }

    @Test func aFolderIsTheCopyOfOneRedis() throws {
        let other = ", other: { directory: 'https://b.test/dir', terms_agreed: true, storage: 'redis://b.test' }"
        let errors = try #require(throws: ConfigurationErrors.self) {
            try decode(text(storage: "'redis://a.test'", more: other))
        }
        #expect(errors.description.contains("'other' and 'le' have the same folder, and different storages"))
    }
}
