import Testing

@testable import Gateway

@Suite("Limits of routes") struct LimitTests {
    private static func table(_ requests: Int, _ period: Duration, burst: Int, keys: Int = 64) -> RateTable {
        RateTable(.init(requests: requests, period: period, burst: burst, key: .address, keys: keys))
    }

    @Test func `A burst passes at once, and then one request in each interval`() {
        let table = Self.table(10, .seconds(1), burst: 3)
        #expect((0..<5).map { _ in table.count(1, at: 0) } == [nil, nil, nil, 100_000, 100_000])
        #expect(table.count(1, at: 99_999) == 1)
        #expect(table.count(1, at: 100_000) == nil)
        #expect(table.count(1, at: 100_000) == 100_000)
    }

    @Test func `A burst is earned again by rest`() {
        let table = Self.table(60, .seconds(60), burst: 2)
        _ = [table.count(1, at: 0), table.count(1, at: 0)]
        #expect([table.count(1, at: 5_000_000), table.count(1, at: 5_000_000)] == [nil, nil])
        #expect(table.count(1, at: 5_000_000) != nil)
    }

    @Test func `Keys are counted apart`() {
        let table = Self.table(1, .seconds(1), burst: 1)
        #expect(table.count(1, at: 0) == nil)
        #expect(table.count(2, at: 0) == nil)
        #expect(table.count(1, at: 0) != nil)
    }

    @Test func `With more keys than places the one that asked least is forgotten`() {
        let table = Self.table(1, .seconds(1), burst: 100, keys: 64)
        // All of these share one set of eight entries.
        let keys = (1...9).map { UInt64($0) * 16 }
        for key in keys.dropFirst() { for _ in 0..<100 { _ = table.count(key, at: 0) } }
        #expect(table.count(keys[1], at: 0) != nil)
        #expect(table.count(keys[0], at: 0) == nil)
        let remembered = keys.dropFirst().filter { table.count($0, at: 0) != nil }
        #expect(remembered.count == 7)
    }

    @Test func `As many requests of a key are under way as may be`() {
        let table = ConcurrencyTable(.init(requests: 2, key: .address))
        #expect([table.enter(7), table.enter(7), table.enter(7), table.enter(8)] == [true, true, false, true])
        table.leave(7)
        #expect(table.enter(7))
    }

    @Test func `Limits are read`() throws {
        let limits = try route(
            "{ rate: { requests: 600/m, burst: 5, by: { header: X-Key }, keys: 100 }, concurrency: { requests: 3 } }")
        #expect(
            limits?.rate == .init(requests: 600, period: .seconds(60), burst: 5, key: .header("x-key"), keys: 100))
        #expect(limits?.concurrency == .init(requests: 3, key: .address))
    }

    @Test(arguments: [
        ("{}", "expected at least one of rate and concurrency"), ("{ rate: {} }", "missing key 'requests'"),
        (
            "{ rate: { requests: 10 } }",
            "expected a number of requests in a time, such as 10/s, 600/m or 1000/h, found '10'"
        ),
        (
            "{ rate: { requests: 0/s } }",
            "expected a number of requests in a time, such as 10/s, 600/m or 1000/h, found '0/s'"
        ),
        ("{ concurrency: { requests: 1, by: { header: a, cookie: b } } }", "expected either header or cookie"),
        (
            "{ concurrency: { requests: 1, by: adress } }",
            "expected what is counted together (address, route), found 'adress' [address]"
        ),
    ]) func `A mistaken limit is reported`(_ limits: String, _ mistake: String) {
        let found = mistakes(inRoute: "{ path: /x, respond: {}, limit: \(limits) }")
        #expect(found.count == 1 && found[0].hasSuffix(mistake), "\(found)")
    }

    private func route(_ limits: String) throws -> RouteLimits? {
        var text = ConfigurationText()
        text.sites = "sites: [{ hosts: [localhost], routes: [{ path: /, respond: {}, limit: \(limits) }] }]"
        return try decode(text.text).sites[0].routes[0].limits
    }
}
