import Memory

/// The received part of a field block that spans several frames (RFC 9113 §4.3).
@safe
struct FieldBlock: ~Copyable {
    /// The stream of the block; 0 while there is none.
    private(set) var stream: UInt32 = 0
    private(set) var endsStream = false
    private(set) var dependsOnItself = false
    private var continuations = 0
    private var memory = OwnedBytes()
    private var count = 0

    init() {}

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
        if total > memory.count {
            let larger = OwnedBytes(count: max(2 * memory.count, total))
            larger.room.copy(bytes)
            memory = larger
        }
        fragment.withBytes { memory.room.copy($0, to: count) }
        count = total
    }

    /// The received part of the block, valid until the block is changed.
    var bytes: ByteView { memory.view[..<count] }

    /// Discards the block and releases its memory.
    mutating func removeAll() {
        stream = 0
        count = 0
        memory = OwnedBytes()
    }
}
