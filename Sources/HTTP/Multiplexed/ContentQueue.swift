import Memory

/// Received content of one request that has not been read, in order of arrival.
///
/// Its size is limited by the flow-control window of the client; its memory is at most twice its content.
@safe
struct ContentQueue: ~Copyable {
    @safe
    private struct Block {
        let memory: MutableByteView
        var start = 0
        var end = 0
    }

    private var blocks: [Block] = []
    private(set) var count = 0

    private static var smallestBlock: Int { 1 << 10 }
    private static var largestBlock: Int { 16 << 10 }

    init() {}

    deinit {
        for block in blocks { unsafe block.memory.uncheckedDeallocate() }
    }

    var isEmpty: Bool { count == 0 }

    /// The oldest bytes, as far as they are contiguous; they are not moved until they are dropped.
    var first: ByteView {
        guard let block = blocks.first else { return ByteView() }
        return block.memory.view[block.start..<block.end]
    }

    mutating func append(_ bytes: ByteView) {
        var rest = bytes
        count += bytes.count
        if let last = blocks.indices.last {
            let room = blocks[last].memory.count - blocks[last].end
            copy(&rest, room, to: last)
        }
        while !rest.isEmpty {
            let size = blocks.isEmpty ? max(rest.count, Self.smallestBlock) : Self.largestBlock
            let memory = MutableByteView.allocate(count: min(size, Self.largestBlock))
            blocks.append(Block(memory: memory))
            copy(&rest, memory.count, to: blocks.count - 1)
        }
    }

    private mutating func copy(_ rest: inout ByteView, _ room: Int, to index: Int) {
        let count = min(room, rest.count)
        guard count > 0 else { return }
        let end = blocks[index].end
        blocks[index].memory.copy(rest[..<count], to: end)
        blocks[index].end = end + count
        rest = rest[count...]
    }

    /// Removes the first `count` bytes, which must be contiguous.
    mutating func drop(_ count: Int) {
        guard count > 0 else { return }
        self.count -= count
        blocks[0].start += count
        guard blocks[0].start == blocks[0].end else { return }
        unsafe blocks.removeFirst().memory.uncheckedDeallocate()
    }

    mutating func removeAll() {
        for block in blocks { unsafe block.memory.uncheckedDeallocate() }
        blocks.removeAll()
        count = 0
    }
}
