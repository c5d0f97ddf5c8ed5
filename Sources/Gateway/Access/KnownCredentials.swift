import TLS
import Transport

/// Credentials that were right a while ago, so that not every request costs a hash; of one route on one worker.
///
/// Only digests of them are kept.
struct KnownCredentials {
    private var entries: [ContentDigest: Entry] = [:]

    private struct Entry {
        let user: String
        let until: Deadline
    }

    /// Users at the same time; beyond it, those that are over make room, or else all do.
    static let maximumCount = 1024
    /// After that the hash is asked again.
    static let lifetime = Delay.seconds(600)

    /// Whose credentials they are; nil for those that are not known.
    func user(of digest: ContentDigest, at now: Deadline) -> String? {
        guard let entry = entries[digest], entry.until > now else { return nil }
        return entry.user
    }

    mutating func add(_ digest: ContentDigest, of user: String, at now: Deadline) {
        if entries.count >= Self.maximumCount { entries = entries.filter { $0.value.until > now } }
        if entries.count >= Self.maximumCount { entries = [:] }
        entries[digest] = Entry(user: user, until: now.advanced(by: Self.lifetime))
    }
}
