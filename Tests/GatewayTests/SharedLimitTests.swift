import Memory
import Redis
import TLS
import Testing
import Transport

@testable import Gateway

@Suite("Limits of a fleet") struct SharedLimitTests {
    private static let hash = SipHash(key: 0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908)

    /// Vectors as `openssl mac -macopt size:16 -macopt hexkey:000102030405060708090a0b0c0d0e0f SIPHASH` makes them, of
    /// the first bytes of 0, 1, 2, …
    @Test(arguments: [
        (0, "a3817f04ba25a8e66df67214c7550293"), (8, "3b62a9ba6258f5610f83e264f31497b4"),
        (9, "264499060ad9baabc47f8b02bb6d71ed"), (64, "1eaf077dc0d4cd3f8cad4d383658a74b"),
    ])
    func `The hash of keys is SipHash`(count: Int, digits: String) {
        let bytes = (0..<count).map { UInt8($0) }
        let value = bytes.withBytes { Self.hash.value(of: $0) }
        var text: [UInt8] = []
        SipHash.Value.append(value.low.byteSwapped, to: &text)
        SipHash.Value.append(value.high.byteSwapped, to: &text)
        #expect(String(decoding: text, as: UTF8.self) == digits)
    }

    @Test func `A share of a limit is the limit divided by the instances`() {
        let table = RateTable(.init(requests: 30, period: .seconds(1), burst: 6, key: .address, keys: 64))
        #expect((0..<3).map { _ in table.count(1, at: 0, shares: 3) } == [nil, nil, 99_999])
        #expect(table.count(1, at: 99_999, shares: 3) == nil)
        // There is always one request.
        #expect(table.count(2, at: 0, shares: 100) == nil)
        #expect(table.count(2, at: 0, shares: 100) == 3_333_300)
    }

    @Test func `A request that was counted for nothing is taken back`() {
        let table = RateTable(.init(requests: 1, period: .seconds(1), burst: 1, key: .address, keys: 64))
        #expect(table.count(1, at: 5) == nil)
        table.takeBack(1)
        #expect(table.count(1, at: 5) == nil)
        table.takeBack(2)
        #expect(table.count(2, at: 5) == nil)
    }

    @Test func `What another counts is learnt`() {
        let table = RateTable(.init(requests: 10, period: .seconds(1), burst: 3, key: .address, keys: 64))
        table.learn(1, ahead: 250_000, at: 0)
        #expect(table.count(1, at: 0) == 50_000)
        table.learn(1, refusedFor: 70_000, at: 0)
        #expect(table.count(1, at: 0) == 70_000)
        table.learn(1, ahead: 1, at: 0)
        #expect(table.count(1, at: 70_000) == nil)
        // A server may claim anything.
        table.learn(2, ahead: .max, at: 0)
        #expect(table.count(2, at: 0) == 100_000)
        table.learn(3, refusedFor: .max, at: 0)
        #expect(table.count(3, at: 0) == 100_000)
    }

    @Test func `A share of requests in progress is the maximum divided by the instances`() {
        let table = ConcurrencyTable(.init(requests: 7, key: .address))
        #expect([table.enter(1), table.enter(1), table.enter(1)] == [true, true, true])
        #expect(table.isWithinShare(1, shares: 2))
        #expect(!table.isWithinShare(1, shares: 3))
        #expect(table.enter(2))
        #expect(table.isWithinShare(2, shares: 1000))
    }

    @Test func `All instances have the same names for the same route, whatever its numbers are`() throws {
        let keys = SharedKeys(engine: "state")
        func prefix(_ route: String) throws -> String {
            let configuration = try decode(configured(route))
            let site = configuration.sites[0]
            let identity = try #require(site.routes[0].limiterIdentity(in: site))
            return keys.prefix(.rate, of: identity, by: try #require(identity.limits.rate).key)
        }
        let limit = "limit: { rate: { requests: 10/s, shared: state } }"
        let one = try prefix("path: /, respond: {}, \(limit)")
        #expect(one.hasPrefix("isagate:{state}:rate:") && one.hasSuffix(":") && one.utf8.count == 38)
        #expect(try prefix("path: /, respond: {}, limit: { rate: { requests: 90/m, burst: 3, shared: state } }") == one)
        let others = [
            "path: /*, respond: {}, \(limit)", "path: /, when: { methods: [GET, POST] }, respond: {}, \(limit)",
            "path: /, when: { methods: [GET] }, respond: {}, \(limit)",
            "path: /, when: { headers: { A: b } }, respond: {}, \(limit)",
            "path: /, respond: {}, limit: { rate: { requests: 10/s, by: route, shared: state } }",
        ]
        #expect(Set(try others.map(prefix) + [one]).count == 6)
    }

    @Test func `Redis knows a script by its SHA-1`() {
        #expect(Array("return 1".utf8).sha1Text == "e0e1f9fabfc9d4800c877a703b823ac0578ff8db")
        #expect(SharedScript.rate.digest == Array(SharedScript.rate.source.utf8).sha1Text)
    }

    @Test func `A command has the hash of the key in its name`() throws {
        let command = SharedRateCommand(prefix: "p:", interval: 10, tolerance: 20)
        var bytes: [UInt8] = []
        command.append(SipHash.Value(low: 1, high: 2), isWhole: false, to: &bytes)
        let name = "p:00000000000000020000000000000001"
        #expect(bytes == RedisCommand("EVALSHA", SharedScript.rate.digest, "1", name, "10", "20").bytes)
        bytes = []
        command.append(SipHash.Value(low: 1, high: 2), isWhole: true, to: &bytes)
        #expect(bytes == RedisCommand("EVAL", SharedScript.rate.source, "1", name, "10", "20").bytes)
        let commands = SharedConcurrencyCommands(prefix: "p:", instances: "i", field: "f/0", limit: 5)
        bytes = []
        commands.appendEntry(SipHash.Value(low: 1, high: 2), count: 3, isWhole: false, to: &bytes)
        let digest = SharedScript.enter.digest
        #expect(bytes == RedisCommand("EVALSHA", digest, "2", name, "i", "f/0", "3", "5").bytes)
        bytes = []
        commands.appendCount(SipHash.Value(low: 1, high: 2), count: 3, to: &bytes)
        commands.appendCount(SipHash.Value(low: 1, high: 2), count: 0, to: &bytes)
        #expect(bytes == RedisCommand("HSET", name, "f/0", "3").bytes + RedisCommand("HDEL", name, "f/0").bytes)
    }

    @Test func `A file has a password in one line`() {
        #expect(SharedEngineHost.password(in: Array("secret\n".utf8)) == "secret")
        #expect(SharedEngineHost.password(in: Array("secret".utf8)) == "secret")
        for text in ["", "\n", "a\nb\n", "a\0b"] { #expect(SharedEngineHost.password(in: Array(text.utf8)) == nil) }
    }

    // MARK: Configuration

    private func configured(_ route: String, engines: String = "{ state: { redis: 'redis://127.0.0.1' } }") -> String {
        var text = ConfigurationText(more: "shared: \(engines)")
        text.sites = "sites: [{ hosts: [localhost], routes: [{ \(route) }] }]"
        return text.text
    }

    @Test func `Engines and their use are read`() throws {
        let engines = "{ state: { redis: 'redis://:pw@redis.test:1/2', timeout: 80ms, on_failure: deny, lease: 9s } }"
        let limit = "limit: { rate: { requests: 1/s, shared: state }, concurrency: { requests: 2, shared: state } }"
        let configuration = try decode(configured("path: /, respond: {}, \(limit)", engines: engines))
        let engine = try #require(configuration.shared.first)
        #expect(engine.name == "state" && engine.redis.password == "pw" && engine.redis.database == 2)
        #expect(engine.timeout == .milliseconds(80) && engine.onFailure == .deny && engine.lease == .seconds(9))
        #expect(configuration.sites[0].routes[0].limits?.sharedNames == ["state", "state"])
    }

    @Test(arguments: [
        ("{ state: {} }", "missing key 'redis'"),
        ("{ state: { redis: 'http://:secret@x' } }", "this is no URL of a Redis server: it begins with none"),
        ("{ state: { redis: 'redis://:se cret@x' } }", "this is no URL of a Redis server: it has a space"),
        ("{ state: { redis: 'redis://:a@x', password_file: site.key } }", "the password is in the url already"),
        ("{ state: { redis: 'redis://x', tls: {} } }", "tls needs a url that begins with rediss://"),
        ("{ state: { redis: 'unix:///r.sock', tls: {} } }", "a Unix domain socket has no TLS"),
        ("{ state: { redis: 'redis://x', on_failure: deni } }", "expected what limits do without the server"),
        ("{ state: { redis: 'redis://x', timeout: 1ms } }", "timeout must be from 5ms to 10s"),
        ("{ state: { redis: 'redis://x', lease: 1s } }", "lease must be from 3s to 1h"),
        ("{ other: { redis: 'redis://x' } }", "no engine named 'state' under 'shared'"),
    ])
    func `Mistakes are named, without the password`(engines: String, message: String) {
        let found = mistakes(
            configured("path: /, respond: {}, limit: { rate: { requests: 1/s, shared: state } }", engines: engines))
        #expect(found.contains { $0.contains(message) }, "\(found)")
        #expect(!found.contains { $0.contains("secret") || $0.contains("se cret") })
    }
}
