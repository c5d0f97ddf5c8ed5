import HTTP

/// A request as an example of those in a bucket of a histogram (OpenMetrics §4.6.1).
struct Exemplar: Equatable {
    let request: RequestID
    /// Its trace, if that is sampled.
    let trace: TraceContext?
    let milliseconds: UInt64
    let unixSeconds: Int64

    /// The labels, which have at most 128 characters together; a long id of a client is left out.
    var labels: [(name: String, value: String)] {
        let candidates = [
            trace.map { (name: "trace_id", value: $0.traceText) }, (name: "request_id", value: request.text),
        ]
        var room = 128
        return candidates.compactMap(\.self).filter { name, value in
            let count = name.utf8.count + value.utf8.count
            guard count <= room else { return false }
            room -= count
            return true
        }
    }
}
