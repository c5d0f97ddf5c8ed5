import Testing

@testable import StaticFiles

@Suite("Coded neighbours")
struct PrecompressedCodingTests {
    @Test(
        "Accept-Encoding says whether gzip may be sent",
        arguments: [
            ("gzip", true), ("GZIP", true), ("br, gzip;q=0.5", true), ("gzip;q=0", false), ("gzip;q=0.000", false),
            ("gzip;q=0.001", true), ("gzip ; q=1.000", true), ("*", true), ("*;q=0", false), ("*;q=0, gzip", true),
            ("*, gzip;q=0", false), ("identity", false), ("", false), ("gzip;q=2", false), ("gzip;q=1.5", false),
            ("gzip;q=", false), ("gzip;q=0.1234", false), ("gzip;level=5", false), (";q=1, gzip", false),
            ("gzipped", false), (",, gzip ,", true),
        ])
    func negotiates(list: String, isAccepted: Bool) {
        #expect(withBytes(list) { PrecompressedCoding.gzip.isAccepted(by: $0) } == isAccepted)
    }
}
