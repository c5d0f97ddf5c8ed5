/// The received part of a field block that spans several frames (RFC 9113 §4.3).
@safe
struct FieldBlock: ~Copyable {
    /// The stream of the block; 0 while there is none.
    private(set) var stream: UInt32 = 0
    private(set) var endsStream = false
    private(set) var dependsOnItself = false
    private var continuations = 0
    private var memory: UnsafeMutableRawPointer?
    private var capacity = 0
    private var count = 0

    init() { unsafe memory = nil }

    deinit { unsafe memory?.deallocate() }

    /// Starts a block with the fragment of a HEADERS frame.
    mutating func begin(
        _ header: FrameHeader, endsStream: Bool, dependsOnItself: Bool, _ fragment: RawSpan, limit: Int
    ) throws(HTTP2Fault) {
        stream = header.stream
        self.endsStream = endsStream
        self.dependsOnItself = dependsOnItself
        continuations = 0
        count = 0
        try append(fragment, limit: limit)
    }

    /// Appends the fragment of a CONTINUATION frame; too many of them, or too many bytes, are an error of the
    /// connection.
    mutating func take(_ fragment: RawSpan, limit: Int, maximumContinuations: Int) throws(HTTP2Fault) {
        continuations += 1
        guard continuations <= maximumContinuations else { throw .tooManyContinuations }
        try append(fragment, limit: limit)
    }

    private mutating func append(_ fragment: RawSpan, limit: Int) throws(HTTP2Fault) {
        let total = count + fragment.byteCount
        guard total <= limit else { throw .fieldBlockTooLarge }
        if total > capacity {
            let larger = max(2 * capacity, total)
            let made = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 1)
            if let memory = unsafe memory {
                unsafe made.copyMemory(from: memory, byteCount: count)
                unsafe memory.deallocate()
            }
            unsafe memory = made
            capacity = larger
        }
        if fragment.byteCount > 0 {
            unsafe fragment.withUnsafeBytes { source in
                unsafe (memory.unsafelyUnwrapped + count).copyMemory(
                    from: source.baseAddress.unsafelyUnwrapped, byteCount: source.count)
            }
        }
        count = total
    }

    /// The received part of the block.
    var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: memory, count: count) }

    /// Discards the block and releases its memory.
    mutating func removeAll() {
        stream = 0
        count = 0
        capacity = 0
        unsafe memory?.deallocate()
        unsafe memory = nil
    }
}
