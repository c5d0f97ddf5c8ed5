import Testing

@testable import Gateway

@Suite("Sizes, times, addresses, nearest names") struct ConfigurationQuantityTests {
    @Test(arguments: [("0", 0), ("512", 512), ("64K", 65_536), ("3M", 3_145_728), ("1G", 1_073_741_824)])
    func `A size is digits and a power of 1024`(_ text: String, _ bytes: Int) {
        #expect(parseSize(text) == bytes)
    }

    @Test(arguments: [
        "", "K", "64k", "64 K", "-1", "+1", "1.5M", "64KB", "9223372036854775807K", "99999999999999999999",
    ])
    func `Anything else is no size`(_ text: String) {
        #expect(parseSize(text) == nil)
    }

    @Test(arguments: [
        ("0s", Duration.zero), ("500ms", .milliseconds(500)), ("10s", .seconds(10)), ("5m", .seconds(300)),
        ("2h", .seconds(7200)), ("1d", .seconds(86_400)),
    ])
    func `A time is digits and a unit`(_ text: String, _ time: Duration) {
        #expect(parseTime(text) == time)
    }

    @Test(arguments: ["", "s", "10", "10 s", "-1s", "1.5s", "10S", "1w", "9223372036854775807d"])
    func `Anything else is no time`(_ text: String) {
        #expect(parseTime(text) == nil)
    }

    @Test(arguments: ["0", "1023", "64K", "1G", "1025K"])
    func `A size is printed as it was written`(_ text: String) throws {
        #expect(try formatSize(#require(parseSize(text))) == text)
    }

    @Test(arguments: ["0s", "1500ms", "10s", "90s", "5m", "2h", "1d"])
    func `A time is printed as it was written`(_ text: String) throws {
        #expect(try formatTime(#require(parseTime(text))) == text)
    }

    @Test(arguments: [
        ("0.0.0.0:8443", "0.0.0.0:8443"), ("127.0.0.1:0", "127.0.0.1:0"), ("[::]:80", "[::]:80"),
        ("[2001:DB8:0::1]:65535", "[2001:db8::1]:65535"),
    ])
    func `An address has one spelling`(_ text: String, _ canonical: String) {
        #expect(BindAddress(text)?.description == canonical)
    }

    @Test(arguments: [
        "", ":80", "localhost:80", "*:80", "1.2.3:80", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "::1:80",
        "[1.2.3.4]:80", "[fe80::1%lo]:80", "[]:80",
    ])
    func `Anything else is no address`(_ text: String) {
        #expect(BindAddress(text) == nil)
    }

    @Test(arguments: [
        ("worker", "workers"), ("listners", "listeners"), ("lgo", "log"), ("Sites", "sites"), ("banana", nil),
        ("", nil),
    ])
    func `The nearest name is a slip away`(_ typed: String, _ meant: String?) {
        #expect(nearestName(to: typed, among: ["workers", "listeners", "log", "sites"]) == meant)
    }
}
