import Testing

@testable import HTTP

@Suite("Accept-Encoding")
struct AcceptEncodingTests {
    @Test(
        "The coding that is weighted highest is used",
        arguments: [
            ("gzip", .gzip), ("x-gzip", .gzip), ("Deflate", .deflate), ("br", .brotli), ("ZSTD", .zstd),
            ("gzip, deflate, br, zstd", .brotli), ("gzip;q=0.8, deflate;q=0.9", .deflate), ("gzip ; q=1.000", .gzip),
            ("gzip;q=1.", .gzip), ("gzip;Q=0.001", .gzip), ("compress, gzip", .gzip), ("*", .brotli),
            ("*;q=0.5, br;q=0", .zstd), ("gzip;q=0.5, *;q=0.6", .brotli), ("identity, gzip", .gzip),
            ("identity;q=0.3, gzip;q=0.2", nil), ("identity;q=0, gzip;q=0.001", .gzip), ("identity;q=0", nil),
            ("gzip;q=0", nil), ("*;q=0", nil), ("", nil), (" ,, ", nil), (",gzip,", .gzip),
        ] as [(String, ContentCoding?)])
    func choosesBest(_ value: String, _ expected: ContentCoding?) {
        #expect(parse([value]).best(of: [.brotli, .zstd, .gzip, .deflate]) == expected)
    }

    @Test(
        "A malformed field asks for the content as it is",
        arguments: [
            "gzip deflate", "gzip;q", "gzip;q=", "gzip;q=2", "gzip;q=1.001", "gzip;q=0.1234", "gzip;q=.5",
            "gzip;q=-1", "gzip;level=1", "gzip;q=1;q=1", "gz/ip", ";q=1", "gzip;q =1", "\"gzip\"",
        ])
    func distrustsMalformed(_ value: String) {
        #expect(parse([value]).best(of: [.gzip, .deflate]) == nil)
        #expect(parse(["gzip", value, "gzip"]).best(of: [.gzip, .deflate]) == nil)
    }

    @Test("Several lines are one list")
    func joinsLines() {
        #expect(parse(["gzip;q=0.5", "deflate"]).best(of: [.gzip, .deflate]) == .deflate)
    }

    @Test("Among equals the server chooses")
    func prefersFirstOffer() {
        #expect(parse(["gzip, deflate"]).best(of: [.deflate, .gzip]) == .deflate)
        #expect(parse(["gzip, deflate"]).best(of: [.gzip, .deflate]) == .gzip)
        #expect(parse(["gzip, deflate"]).best(of: []) == nil)
    }

    private func parse(_ values: [String]) -> AcceptEncoding {
        var accepted = AcceptEncoding()
        for value in values { Array(value.utf8).withBytes { accepted.add($0.bytes) } }
        return accepted
    }
}
