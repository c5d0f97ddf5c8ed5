import Testing

@testable import StaticFiles

@Suite("Ranges")
struct ByteRangesTests {
    private func ranges(_ text: String, of size: UInt64 = 1000) -> ByteRanges {
        withBytes(text) { ByteRanges($0, size: size) }
    }

    @Test(
        "A range names bytes of the file",
        arguments: [
            ("bytes=0-0", [0..<1]), ("bytes=0-499", [0..<500]), ("bytes=500-", [500..<1000]),
            ("bytes=-500", [500..<1000]), ("bytes=-5000", [0..<1000]), ("bytes=990-2000", [990..<1000]),
            ("BYTES=1-1", [1..<2]), ("bytes= 1-2 , 4-5", [1..<3, 4..<6]), ("bytes=,1-2,,", [1..<3]),
            ("bytes=0-99999999999999999999999999", [0..<1000]), ("bytes=0-1,2000-3000", [0..<2]),
        ] as [(String, [Range<UInt64>])])
    func names(text: String, expected: [Range<UInt64>]) {
        #expect(ranges(text) == .parts(expected))
    }

    @Test(
        "Ranges that overlap or touch become one, in the place of the first, and the order stays",
        arguments: [
            ("bytes=500-600,0-99", [500..<601, 0..<100]), ("bytes=50-60,0-9,20-30", [50..<61, 0..<10, 20..<31]),
            ("bytes=90-99,0-9,40-49,10-19", [90..<100, 0..<20, 40..<50]), ("bytes=0-9,20-29,10-19", [0..<30]),
            ("bytes=40-49,0-9,20-29,5-25", [40..<50, 0..<30]), ("bytes=0-100,50-150", [0..<151]),
            ("bytes=0-9,10-19", [0..<20]), ("bytes=-1,0-", [0..<1000]),
        ] as [(String, [Range<UInt64>])])
    func merges(text: String, expected: [Range<UInt64>]) {
        #expect(ranges(text) == .parts(expected))
    }

    @Test(
        "What is no range of bytes means the whole file",
        arguments: [
            "", "bytes", "bytes=", "bytes=,", "bytes=a-b", "bytes=5", "bytes=5-4", "bytes=1-2-3", "bytes=--1",
            "bytes=1 -2", "bytes=1-2;3-4", "lines=0-1", "bytes =0-1", "bytes=0x1-2", "bytes=-",
        ])
    func ignores(text: String) {
        #expect(ranges(text) == .whole)
    }

    @Test(
        "A range behind the end of the file cannot be satisfied",
        arguments: [("bytes=1000-", 1000), ("bytes=-0", 1000), ("bytes=5-", 5)] as [(String, UInt64)])
    func findsNothing(text: String, size: UInt64) {
        #expect(ranges(text, of: size) == .unsatisfiable)
    }

    @Test(
        "Any part of an empty file is the whole of it",
        arguments: ["bytes=0-", "bytes=-1", "bytes=0-9,20-", "bytes=-0"])
    func takesNothingAsWhole(text: String) {
        #expect(ranges(text, of: 0) == .whole)
    }

    @Test("More than sixteen ranges are too many, whatever they name")
    func limits() {
        let list = { (count: Int) in "bytes=" + Array(repeating: "0-", count: count).joined(separator: ",") }
        #expect(ranges(list(16)) == .parts([0..<1000]))
        #expect(ranges(list(17)) == .excessive)
        #expect(ranges(list(1000)) == .excessive)
    }
}
