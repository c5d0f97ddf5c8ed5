import TLS
import Transport

/// Credentials that were right a while ago, so that not every request costs a hash; of one route on one worker.
///
/// Only digests of them are kept.
struct KnownCredentials {
    private var until: [ContentDigest: Deadline] = [:]

    /// Users at the same time; beyond it, those that are over make room, or else all do.
    static let maximumCount = 1024
    /// After that the hash is asked again.
    static let lifetime = Delay.seconds(600)

    func contains(_ digest: ContentDigest, at now: Deadline) -> Bool {
        until[digest].map { $0 > now } ?? false
    }

    mutating func add(_ digest: ContentDigest, at now: Deadline) {
        if until.count >= Self.maximumCount { until = until.filter { $0.value > now } }
        if until.count >= Self.maximumCount { until = [:] }
        until[digest] = now.advanced(by: Self.lifetime)
    }
}
