import Testing

@testable import Redis

@Suite("URLs of Redis servers") struct RedisURLTests {
    @Test func `The short form has the usual port and database`() throws {
        let url = try RedisURL("redis://cache.example.test")
        #expect(url.place == .server(RedisHost(name: "cache.example.test", port: 6379)))
        #expect(!url.isSecure && url.user == nil && url.password == nil && url.database == 0)
        #expect(url.description == "redis://cache.example.test:6379")
    }

    @Test func `All parts are read, and user and password are not shown`() throws {
        let url = try RedisURL("rediss://gate%40way:p%3Ass%2Fw%20rd@[2001:db8::1]:6380/12")
        #expect(url.place == .server(RedisHost(name: "2001:db8::1", port: 6380)))
        #expect(url.isSecure && url.user == "gate@way" && url.password == "p:ss/w rd" && url.database == 12)
        for text in ["\(url)", String(reflecting: url), "\([url])", "\(Optional(url) as Any)"] {
            #expect(text.contains("rediss://[2001:db8::1]:6380/12"))
            #expect(!text.contains("p:ss") && !text.contains("gate"))
        }
        var dumped = ""
        dump(url, to: &dumped)
        #expect(!dumped.contains("p:ss"))
    }

    @Test func `A password needs no user`() throws {
        let url = try RedisURL("redis://:secret@127.0.0.1:7000/")
        #expect(url.user == nil && url.password == "secret" && url.database == 0)
        #expect(url.hosts.first?.address?.description == "127.0.0.1:7000")
    }

    @Test func `Sentinels are listed with the name of the master`() throws {
        let url = try RedisURL("redis+sentinel://:secret@s1,s2:26380,[::1]/my%20master/3")
        #expect(
            url.place
                == .sentinels(
                    [
                        RedisHost(name: "s1", port: 26379), RedisHost(name: "s2", port: 26380),
                        RedisHost(name: "::1", port: 26379),
                    ], master: "my master"))
        #expect(url.database == 3 && url.password == "secret")
        #expect(url.description == "redis+sentinel://s1:26379,s2:26380,[::1]:26379/my master/3")
        #expect(try RedisURL("rediss+sentinel://s1/m").isSecure)
    }

    @Test func `A Unix domain socket has a path only`() throws {
        let url = try RedisURL("unix:///run/redis/redis%2Dserver.sock")
        #expect(url.place == .unix(path: "/run/redis/redis-server.sock") && url.hosts.isEmpty)
    }

    private static let refused: [(String, RedisURLError)] = [
        ("", .unknownScheme),
        ("cache.example.test:6379", .unknownScheme),
        ("http://cache", .unknownScheme),
        ("REDIS://cache", .unknownScheme),
        ("redis:/cache", .unknownScheme),
        ("redis://ca che", .forbiddenCharacter),
        ("redis://c\u{e4}che", .forbiddenCharacter),
        ("redis://cache?db=1", .query),
        ("redis://cache#1", .query),
        ("redis://", .host),
        ("redis://:6379", .host),
        ("redis://-a", .host),
        ("redis://a..b", .host),
        ("redis://1.2.3", .host),
        ("redis://1.2.3.256", .host),
        ("redis://[::1", .host),
        ("redis://[127.0.0.1]", .host),
        ("redis://::1", .host),
        ("redis://a,b", .host),
        ("redis://cache:", .port),
        ("redis://cache:0", .port),
        ("redis://cache:65536", .port),
        ("redis://cache:6379x", .port),
        ("redis://cache/x", .database),
        ("redis://cache/-1", .database),
        ("redis://cache/65536", .database),
        ("redis://cache/1/2", .database),
        ("redis://@cache", .credentials),
        ("redis://:@cache", .credentials),
        ("redis://user:@cache", .credentials),
        ("redis://a:b@c@cache", .credentials),
        ("redis://a:b/c@cache", .credentials),
        ("redis://:%zz@cache", .percentEncoding),
        ("redis://:%0@cache", .percentEncoding),
        ("redis://:a%00@cache", .percentEncoding),
        ("redis://:%ff@cache", .percentEncoding),
        ("redis+sentinel://s1", .noMaster),
        ("redis+sentinel://s1/", .noMaster),
        ("redis+sentinel://s1,,s2/m", .host),
        ("redis+sentinel://s1,s1:26379/m", .repeatedSentinel),
        ("redis+sentinel://s1/m/x", .database),
        ("redis+sentinel://" + (0...16).map { "s\($0)" }.joined(separator: ",") + "/m", .tooManySentinels(limit: 16)),
        ("unix://run/redis.sock", .socketPath),
        ("unix://", .socketPath),
        ("unix:///" + String(repeating: "a", count: 107), .socketPath),
        ("redis://" + String(repeating: "a", count: 4096), .tooLong(limit: 4096)),
    ]

    @Test(arguments: refused) func `What is not such a URL is refused with its reason`(
        text: String, error: RedisURLError
    ) {
        #expect(throws: error) { try RedisURL(text) }
        #expect(!error.description.isEmpty)
    }
}
