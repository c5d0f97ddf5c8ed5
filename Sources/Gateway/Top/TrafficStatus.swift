/// What the gateway has answered since it counts, of all sites together; what happens in a time is the difference.
package struct TrafficStatus: Codable, Equatable, Sendable {
    /// The upper bounds of the times of requests; one more bucket has all times beyond.
    package var boundsMilliseconds: [UInt64]
    /// Requests by the first bucket that their time fits in.
    package var buckets: [UInt64]
    /// Requests with a status of 100 to 199, and so on to 599.
    package var statusClasses: [UInt64]
    /// Bytes of requests, and of the content of responses.
    package var receivedBytes: UInt64
    package var sentBytes: UInt64

    init(_ workers: [[Int32: RouteCounts]], bounds: [UInt64]) {
        boundsMilliseconds = bounds
        buckets = Array(repeating: 0, count: bounds.count + 1)
        statusClasses = Array(repeating: 0, count: RouteCounters.classes)
        receivedBytes = 0
        sentBytes = 0
        for counts in workers.flatMap(\.values) where counts.buckets.count == buckets.count {
            for index in buckets.indices { buckets[index] += counts.buckets[index] }
            for (index, count) in counts.requests.enumerated() {
                statusClasses[index % RouteCounters.classes] += count
            }
            receivedBytes += counts.received
            sentBytes += counts.sent
        }
    }
}
