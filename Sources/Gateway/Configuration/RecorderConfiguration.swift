/// What the flight recorder keeps of the last requests, in memory.
package struct RecorderConfiguration: Sendable, Equatable, Codable {
    /// The requests that each worker keeps.
    package var requests = 1000
    /// Bytes of each worker: requests with short heads take a few hundred.
    package var memory = 1 << 20
    /// Bytes of each request's target and fields; what is longer is cut.
    package var head = 8 << 10
    package var kept = Kept.all
    /// Names of fields, and of parameters in queries, whose values are left out besides those that always are.
    package var maskedFields: [String] = []
    package var maskedParameters: [String] = []

    package enum Kept: String, Sendable, Codable {
        case all
        /// Requests that were answered with a status from 400 on, and those whose response was cut off.
        case failed
    }
}
