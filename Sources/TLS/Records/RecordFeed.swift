/// How received bytes are handed to OpenSSL during a handshake: one record at a time, so that it has read nothing of
/// what follows when it is over.
struct RecordFeed {
    /// Of the record under way, in bytes.
    private var rest = 0

    /// Whether the last record was handed over whole.
    var isAtBoundary: Bool { rest == 0 }

    /// How many of the bytes that are there OpenSSL may have now; 0 when it has to wait for more.
    ///
    /// - Parameters:
    ///   - room: how many it asks for.
    ///   - isEnd: whether no more will come.
    mutating func portion(of available: UnsafeRawBufferPointer, room: Int, isEnd: Bool) -> Int {
        if rest == 0 {
            if available.count < RecordHeader.size {
                guard isEnd else { return 0 }
                rest = available.count
            } else {
                // What is no record of TLS is for OpenSSL to judge, as are the hellos of SSL 2, which lead to TLS 1.2.
                let isRecord = unsafe available[1] == 3 && (20...23).contains(available[0])
                rest = unsafe isRecord ? RecordHeader.size + RecordHeader(available).length : available.count
            }
        }
        let count = min(rest, available.count, room)
        rest -= count
        return count
    }
}
