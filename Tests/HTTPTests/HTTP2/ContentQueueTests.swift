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
            content[start..<end].withBytes { queue.append($0) }
            start = end
            // A part of what lies together.
            let first = queue.first
            let count = min(first.count, max(1, piece / 2))
            taken += first[..<count]
            queue.drop(count)
        }
        #expect(taken == content)
        #expect(queue.isEmpty && queue.count == 0)
    }

    @Test("Bytes that were shown stay where they are while others come")
    func showing() {
        var queue = ContentQueue()
        let small: [UInt8] = [1, 2, 3]
        small.withBytes { queue.append($0) }
        let shown = queue.first
        let large = [UInt8](repeating: 9, count: 100_000)
        large.withBytes { queue.append($0) }
        #expect(Array(shown) == small)
        #expect(queue.count == 100_003)
        queue.removeAll()
        #expect(queue.isEmpty && queue.first.isEmpty)
    }
}
