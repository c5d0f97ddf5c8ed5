import Memory

/// Memory for bytes to be written to sockets, lent to one connection after the other; most turns reuse the same block,
/// which is still in the cache.
@safe
struct BlockPool: ~Copyable {
    private var spare: [MutableByteView] = []

    private static let spareLimit = 16

    deinit {
        for block in spare { unsafe block.uncheckedDeallocate() }
    }

    mutating func rent() -> MutableByteView {
        if let block = spare.popLast() { return block }
        return .allocate(count: Worker.blockSize, alignment: 64)
    }

    mutating func giveBack(_ block: MutableByteView) {
        if spare.count < Self.spareLimit {
            spare.append(block)
        } else {
            unsafe block.uncheckedDeallocate()
        }
    }
}
