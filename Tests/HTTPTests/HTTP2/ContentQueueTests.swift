import Testing

@testable import HTTP

@Suite("Content of a request that waits to be read")
struct ContentQueueTests {
    @Test("Bytes come out as they went in, whatever the pieces", arguments: [1, 7, 1000, 1024, 1025, 16_384, 40_000])
    func order(piece: Int) {
        let content = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var queue = ContentQueue()
        var taken: [UInt8] = []
        var start = 0
        while taken.count < content.count {
            let end = min(start + piece, content.count)
            unsafe content[start..<end].withUnsafeBytes { unsafe queue.append($0) }
            start = end
            // A part of what lies together.
            let first = unsafe queue.first
            let count = min(first.count, max(1, piece / 2))
            unsafe taken += first[..<count]
            queue.drop(count)
        }
        #expect(taken == content)
        #expect(queue.isEmpty && queue.count == 0)
    }

    @Test("Bytes that were shown stay where they are while others come")
    func showing() {
        var queue = ContentQueue()
        let small: [UInt8] = [1, 2, 3]
        unsafe small.withUnsafeBytes { unsafe queue.append($0) }
        let shown = unsafe queue.first
        let large = [UInt8](repeating: 9, count: 100_000)
        unsafe large.withUnsafeBytes { unsafe queue.append($0) }
        #expect(unsafe Array(shown) == small)
        #expect(queue.count == 100_003)
        queue.removeAll()
        #expect(unsafe queue.isEmpty && queue.first.isEmpty)
    }
}
