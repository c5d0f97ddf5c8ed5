import Memory

/// Passes received bytes to OpenSSL during a handshake, one record at a time, so that OpenSSL has read no byte of what
/// follows when the handshake is complete.
struct RecordFeed {
    /// Remaining bytes of the current record.
    private var rest = 0

    /// Whether the last record was passed completely.
    var isAtBoundary: Bool { rest == 0 }

    /// How many of the available bytes OpenSSL may have now; 0 when it has to wait for more.
    ///
    /// - Parameters:
    ///   - room: how many it requests.
    ///   - isEnd: whether no more will come.
    mutating func portion(of available: ByteView, room: Int, isEnd: Bool) -> Int {
        if rest == 0 {
            if available.count < RecordHeader.size {
                guard isEnd else { return 0 }
                rest = available.count
            } else {
                // OpenSSL checks bytes that are not a TLS record, such as SSL 2 hellos, which lead to TLS 1.2.
                let isRecord = available[1] == 3 && (20...23).contains(available[0])
                rest = isRecord ? RecordHeader.size + RecordHeader(available).length : available.count
            }
        }
        let count = min(rest, available.count, room)
        rest -= count
        return count
    }
}
