import Memory
import Transport

/// The received and unused bytes of one connection: opened content first, then records.
///
/// During a read call, the bytes are in a block of the worker; between calls, in memory of exactly their size, because
/// more connections may wait for the rest of a record than there should be blocks.
@safe
struct ReceivedBytes: ~Copyable {
    private var storage: MutableByteView?
    private var isRented = false
    private var start = 0
    private var end = 0
    /// Content at the beginning that did not fit the reader's buffer.
    private(set) var content = 0
    /// The bytes between that content and the next record.
    private var gap = 0

    var isEmpty: Bool { start == end }

    /// The bytes after the content.
    var records: MutableByteView {
        guard let storage = storage else { return MutableByteView() }
        return storage[start + content + gap..<end]
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
    mutating func takeContent(into buffer: MutableByteView) -> Int {
        guard let storage = storage else { return 0 }
        let count = min(content, buffer.count)
        buffer.copy(storage.view[start..<start + count])
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
        guard let block = storage else { return .wouldBlock(.readable) }
        let longest = RecordHeader.size + RecordHeader.mostProtected
        if start > 0 && block.count - end < longest {
            block.move(start..<end, to: 0)
            (start, end) = (0, end - start)
        }
        let limit = min(block.count - end, max(wish, longest))
        let result = endpoint.receive(into: block[end..<end + limit])
        if case .bytes(let count) = result { end += count }
        return result
    }

    private mutating func rentBlock(_ worker: Worker) {
        guard !isRented else { return }
        let block = worker.rentBlock()
        move(to: block)
        isRented = true
    }

    private mutating func move(to destination: MutableByteView) {
        if let storage = storage {
            destination.copy(storage.view[start..<end])
            unsafe storage.uncheckedDeallocate()
        }
        (start, end) = (0, end - start)
        storage = destination
    }

    /// Returns the block; remaining bytes are moved to memory of their size.
    @inline(__always)
    mutating func shrink(_ worker: Worker) {
        guard isRented || isEmpty else { return }
        shrinkBlock(worker)
    }

    private mutating func shrinkBlock(_ worker: Worker) {
        guard let storage = storage else { return }
        let count = end - start
        let kept =
            count > 0 ? MutableByteView.allocate(count: count) : nil
        kept?.copy(storage.view[start..<end])
        if isRented { worker.returnBlock(storage) } else { unsafe storage.uncheckedDeallocate() }
        isRented = false
        self.storage = kept
        (start, end) = (0, count)
    }

    /// Frees everything.
    mutating func discard(_ worker: Worker) {
        (start, end, content, gap) = (0, 0, 0, 0)
        shrinkBlock(worker)
    }
}
