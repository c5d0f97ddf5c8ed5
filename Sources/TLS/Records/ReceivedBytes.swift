import Transport

/// The received and unused bytes of one connection: opened content first, then records.
///
/// During a read call, the bytes are in a block of the worker; between calls, in memory of exactly their size, because
/// more connections may wait for the rest of a record than there should be blocks.
@safe
struct ReceivedBytes: ~Copyable {
    private var storage: UnsafeMutableRawBufferPointer?
    private var isRented = false
    private var start = 0
    private var end = 0
    /// Content at the beginning that did not fit the reader's buffer.
    private(set) var content = 0
    /// The bytes between that content and the next record.
    private var gap = 0

    var isEmpty: Bool { start == end }

    /// The bytes after the content.
    var records: UnsafeMutableRawBufferPointer {
        guard let storage = unsafe storage else { return unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0) }
        return unsafe UnsafeMutableRawBufferPointer(rebasing: storage[start + content + gap..<end])
    }

    /// The first bytes have been used.
    mutating func drop(_ count: Int) {
        start += count
        if start == end { (start, end) = (0, 0) }
    }

    /// The first record was opened in place: its content is kept for the next reader.
    mutating func keepContent(_ count: Int, ofRecord length: Int) {
        start += RecordHeader.size
        content = count
        gap = length - RecordHeader.size - count
    }

    /// Moves kept content into `buffer`; returns the number of bytes moved.
    mutating func takeContent(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard let storage = unsafe storage else { return 0 }
        let count = min(content, buffer.count)
        unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[start..<start + count]))
        content -= count
        drop(count)
        if content == 0 {
            drop(gap)
            gap = 0
        }
        return count
    }

    /// Receives up to about `wish` bytes more, and at least the rest of a record.
    mutating func receive(from endpoint: Endpoint, wish: Int) -> IOResult {
        // If the socket is known to be empty, nothing is moved for it.
        guard endpoint.mayReceive else { return .wouldBlock(.readable) }
        rentBlock(endpoint.worker)
        guard let block = unsafe storage else { return .wouldBlock(.readable) }
        let longest = RecordHeader.size + RecordHeader.mostProtected
        if start > 0 && block.count - end < longest {
            unsafe block.copyMemory(from: UnsafeRawBufferPointer(rebasing: block[start..<end]))
            (start, end) = (0, end - start)
        }
        let limit = min(block.count - end, max(wish, longest))
        let result = unsafe endpoint.receive(into: UnsafeMutableRawBufferPointer(rebasing: block[end..<end + limit]))
        if case .bytes(let count) = result { end += count }
        return result
    }

    private mutating func rentBlock(_ worker: Worker) {
        guard !isRented else { return }
        let block = unsafe worker.rentBlock()
        unsafe move(to: block)
        isRented = true
    }

    private mutating func move(to destination: UnsafeMutableRawBufferPointer) {
        if let storage = unsafe storage {
            unsafe destination.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[start..<end]))
            unsafe storage.deallocate()
        }
        (start, end) = (0, end - start)
        unsafe storage = destination
    }

    /// Returns the block; remaining bytes are moved to memory of their size.
    @inline(__always)
    mutating func shrink(_ worker: Worker) {
        guard isRented || isEmpty else { return }
        shrinkBlock(worker)
    }

    private mutating func shrinkBlock(_ worker: Worker) {
        guard let storage = unsafe storage else { return }
        let count = end - start
        let kept =
            count > 0 ? UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1) : nil
        unsafe kept?.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[start..<end]))
        if isRented { unsafe worker.returnBlock(storage) } else { unsafe storage.deallocate() }
        isRented = false
        unsafe self.storage = kept
        (start, end) = (0, count)
    }

    /// Frees everything.
    mutating func discard(_ worker: Worker) {
        (start, end, content, gap) = (0, 0, 0, 0)
        shrinkBlock(worker)
    }
}
