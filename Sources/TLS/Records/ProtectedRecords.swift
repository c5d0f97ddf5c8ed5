import Memory

/// The protected records among the bytes of one direction, in pieces of any size: their number, and the last one.
@safe
struct ProtectedRecords {
    private(set) var count = 0
    /// How many of them came after the last record of the other direction.
    private(set) var countSinceAnswer = 0
    /// The last one whose beginning has been received.
    private(set) var last: [UInt8] = []
    private var header = InlineArray<5, UInt8>(repeating: 0)
    private var headerCount = 0
    /// Remaining bytes of the current record.
    private var rest = 0
    /// Whether the current record is protected.
    private var isProtected = false

    /// Whether the bytes received so far end at a record boundary.
    var isWhole: Bool { rest == 0 && headerCount == 0 }

    mutating func append(_ bytes: ByteView) {
        var offset = 0
        while offset < bytes.count {
            if rest > 0 {
                let count = min(rest, bytes.count - offset)
                if isProtected { last.append(contentsOf: bytes[offset..<offset + count]) }
                offset += count
                rest -= count
            } else {
                header[headerCount] = bytes[offset]
                offset += 1
                headerCount += 1
                if headerCount == RecordHeader.size { begin() }
            }
        }
    }

    /// A record of the other direction has been received.
    mutating func noteAnswer() {
        countSinceAnswer = 0
    }

    private mutating func begin() {
        headerCount = 0
        let begun = BytesOfValues.with(header) { RecordHeader($0) }
        rest = begun.length
        isProtected = begun.type == ContentType.applicationData.rawValue
        guard isProtected else { return }
        count += 1
        countSinceAnswer += 1
        last.removeAll(keepingCapacity: true)
        for index in header.indices { last.append(header[index]) }
    }
}
