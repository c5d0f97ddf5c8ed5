/// The protected records among the bytes of one direction, whatever pieces they come in: how many, and the last.
@safe
struct ProtectedRecords {
    private(set) var count = 0
    /// How many of them are younger than the last record that came the other way.
    private(set) var countSinceAnswer = 0
    /// The last of them whose beginning has been seen.
    private(set) var last: [UInt8] = []
    private var header = InlineArray<5, UInt8>(repeating: 0)
    private var headerCount = 0
    /// Of the record under way, in bytes.
    private var rest = 0
    /// Whether the record under way is protected.
    private var isProtected = false

    /// Whether the bytes seen end where a record does.
    var isWhole: Bool { rest == 0 && headerCount == 0 }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        var offset = 0
        while offset < bytes.count {
            if rest > 0 {
                let count = min(rest, bytes.count - offset)
                if isProtected { unsafe last.append(contentsOf: bytes[offset..<offset + count]) }
                offset += count
                rest -= count
            } else {
                header[headerCount] = unsafe bytes[offset]
                offset += 1
                headerCount += 1
                if headerCount == RecordHeader.size { begin() }
            }
        }
    }

    /// A record of the other direction has come.
    mutating func noteAnswer() {
        countSinceAnswer = 0
    }

    private mutating func begin() {
        headerCount = 0
        let begun = unsafe withUnsafeBytes(of: header) { unsafe RecordHeader($0) }
        rest = begun.length
        isProtected = begun.type == ContentType.applicationData.rawValue
        guard isProtected else { return }
        count += 1
        countSinceAnswer += 1
        last.removeAll(keepingCapacity: true)
        for index in header.indices { last.append(header[index]) }
    }
}
