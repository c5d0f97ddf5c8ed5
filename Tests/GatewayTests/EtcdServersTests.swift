import Testing
import Transport

@testable import Gateway

struct EtcdServersTests {
    private var servers = EtcdServers()

    @Test
    mutating func keysComeAndGo() throws {
        try servers.replace(with: range(5, ("/s/b", "http://b", 4), ("/s/a", "{ url: 'http://a', weight: 3 }", 5)))
        #expect(urls == ["http://a:80", "http://b:80"] && servers.servers[0].server.weight == 3)
        try servers.apply([put("/s/c", #"{"url": "https://c"}"#, 6), delete("/s/a", 7)], upTo: 7)
        #expect(urls == ["http://b:80", "https://c:443"] && servers.revision == 7)
    }

    @Test
    mutating func whatIsKnownAlreadyChangesNothing() throws {
        try servers.replace(with: range(9, ("/s/a", "http://new", 9)))
        try servers.apply([put("/s/a", "http://old", 8), delete("/s/a", 9)], upTo: 9)
        #expect(urls == ["http://new:80"])
        try servers.apply([], upTo: 12)
        #expect(servers.revision == 12)
    }

    @Test
    mutating func aValueThatIsNoServerLeavesTheOldOne() throws {
        try servers.replace(with: range(2, ("/s/a", "http://a", 1), ("/s/b", "http://b", 2)))
        try servers.apply([put("/s/a", "nonsense", 3), put("/s/c", "", 4)], upTo: 4)
        #expect(urls == ["http://a:80", "http://b:80"])
        #expect(servers.problems.map(\.key) == ["/s/a", "/s/c"])
        #expect(servers.problems[0].reason.hasPrefix("expected a URL such as"))
        // Also when everything is read again.
        try servers.replace(with: range(5, ("/s/a", "nonsense", 3), ("/s/b", "http://b", 2)))
        #expect(urls == ["http://a:80", "http://b:80"] && servers.problems.map(\.key) == ["/s/a"])
        try servers.apply([put("/s/a", "http://c", 6)], upTo: 6)
        #expect(urls == ["http://b:80", "http://c:80"].sorted() || urls == ["http://c:80", "http://b:80"])
        #expect(servers.problems.isEmpty)
    }

    @Test
    mutating func whatWasStoredIsTheOldOne() throws {
        try servers.replace(with: range(2, ("/s/a", "http://a", 1), ("/s/b", "{ url: unix:/run/b, backup: true }", 2)))
        let stored = StoredServers.decode(StoredServers.encode(servers.servers), file: "/state/app.json")
        #expect(stored == servers.servers)
        var later = EtcdServers(stored: stored)
        try later.replace(with: range(9, ("/s/a", "nonsense", 8), ("/s/c", "http://c", 9)))
        #expect(later.servers.map(\.server.url.description) == ["http://a:80", "http://c:80"])
        #expect(StoredServers.decode(Array("nonsense: [".utf8), file: "/state/app.json").isEmpty)
    }

    @Test
    mutating func whenAllKeysAreGoneTheLastServersStay() throws {
        try servers.replace(with: range(2, ("/s/a", "http://a", 1)))
        try servers.apply([delete("/s/a", 3)], upTo: 3)
        #expect(servers.isEmpty && urls == ["http://a:80"])
        try servers.replace(with: range(4))
        #expect(servers.isEmpty && urls == ["http://a:80"])
        try servers.apply([put("/s/b", "http://b", 5)], upTo: 5)
        #expect(!servers.isEmpty && urls == ["http://b:80"])
    }

    @Test
    mutating func ofTwoKeysWithOneServerTheNewerCounts() throws {
        try servers.replace(with: range(3, ("/s/old", "http://a", 1), ("/s/new", "{ url: 'http://a', weight: 2 }", 3)))
        #expect(servers.servers.map(\.name) == ["/s/new"] && servers.problems.isEmpty)
        try servers.apply([delete("/s/new", 4)], upTo: 4)
        #expect(servers.servers.map(\.name) == ["/s/old"] && servers.servers[0].server.weight == 1)
    }

    @Test(arguments: [
        ("/s/a", String(repeating: " ", count: 4097), "a value has at most 4096 bytes"),
        ("/s/" + String(repeating: "k", count: 254), "http://a", "a key has at most 256 bytes"),
        ("/s/\u{1}", "http://a", "a key is text"),
        ("/s/a", String(repeating: "- ", count: 1000), "too many lists and mappings"),
        ("/s/a", String(repeating: "[", count: 4000), "too many lists and mappings"),
        ("/s/a", String(repeating: "? ", count: 1000), "too many lists and mappings"),
        ("/s/a", "unix:app.sock", "has to be absolute"),
        ("/s/a", "{ url: 'http://a', wieght: 1 }", "unknown key 'wieght'"),
        ("/s/a", "{ weight: 1 }", "missing key 'url'"),
        ("/s/a", "- http://a", "expected a mapping"),
        ("/s/a", "{ url: 'http://a'", "not valid YAML"),
    ])
    func whatCannotBeUsedIsNamed(key: String, value: String, reason: String) throws {
        var servers = EtcdServers()
        try servers.replace(with: range(2, (key, value, 2), ("/s/z", "http://z", 1)))
        #expect(servers.servers.map(\.name) == ["/s/z"])
        #expect(servers.problems.count == 1 && servers.problems[0].reason.contains(reason))
    }

    @Test
    mutating func theNumberOfKeysIsLimited() throws {
        let many = (1...1024).map {
            EtcdPair(key: Array("/s/\($0)".utf8), value: Array("http://h\($0)".utf8), revision: 1)
        }
        try servers.replace(with: EtcdRange(pairs: many, revision: 1, isCut: false))
        #expect(servers.servers.count == 1024)
        #expect(StoredServers.encode(servers.servers).count < ServersFile.maximumBytes)
        #expect(throws: EtcdFailure.nonsense("more than 1024 keys")) {
            try servers.apply([put("/s/more", "http://more", 2)], upTo: 2)
        }
        #expect(throws: EtcdFailure.nonsense("more than 1024 keys")) {
            try servers.replace(with: EtcdRange(pairs: many, revision: 1, isCut: true))
        }
    }

    private var urls: [String] { servers.servers.map(\.server.url.description) }

    private func range(_ revision: Int64, _ pairs: (String, String, Int64)...) -> EtcdRange {
        EtcdRange(
            pairs: pairs.map { EtcdPair(key: Array($0.utf8), value: Array($1.utf8), revision: $2) }, revision: revision,
            isCut: false)
    }

    private func put(_ key: String, _ value: String, _ revision: Int64) -> EtcdNotice.Change {
        .put(EtcdPair(key: Array(key.utf8), value: Array(value.utf8), revision: revision))
    }

    private func delete(_ key: String, _ revision: Int64) -> EtcdNotice.Change {
        .delete(key: Array(key.utf8), revision: revision)
    }
}

struct EtcdPaceTests {
    @Test
    func theOthersAreAskedAtOnceAndAllOfThemAfterAPause() {
        var pace = EtcdPace(members: 3, first: 1)
        var pauses: [UInt64] = []
        var members: [Int] = []
        for _ in 0..<9 {
            members.append(pace.member)
            pauses.append(fail(&pace))
        }
        #expect(members == [1, 2, 0, 1, 2, 0, 1, 2, 0])
        #expect(pauses == [0, 0, 250, 0, 0, 500, 0, 0, 1000])
    }

    @Test
    func pausesAreLimitedAndDiffer() {
        var pace = EtcdPace(members: 1, first: 0)
        for _ in 0..<100 { _ = fail(&pace) }
        #expect(fail(&pace) == 10_000)
        var other = pace
        #expect(other.failed(isFruitless: true, chance: 0).milliseconds == 5000)
        pace.lasted()
        #expect(fail(&pace) == 250)
    }

    @Test
    func etcdIsLostWhenEveryMemberWasAskedInVain() {
        var pace = EtcdPace(members: 2, first: 0)
        _ = fail(&pace)
        #expect(!pace.isLost)
        _ = fail(&pace)
        #expect(pace.isLost)
        pace.succeeded()
        #expect(!pace.isLost)
        _ = pace.failed(isFruitless: false, chance: 1)
        _ = pace.failed(isFruitless: false, chance: 1)
        #expect(!pace.isLost)
    }

    private func fail(_ pace: inout EtcdPace) -> UInt64 {
        pace.failed(isFruitless: true, chance: 1).milliseconds
    }
}
