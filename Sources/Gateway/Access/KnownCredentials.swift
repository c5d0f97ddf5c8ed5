import TLS
import Transport

/// Credentials that were verified recently, so that not every request costs a hash; of one route on one worker.
///
/// Only their digests are kept.
struct KnownCredentials {
    private var entries: [ContentDigest: Entry] = [:]

    private struct Entry {
        let user: String
        let until: Deadline
    }

    /// Users at the same time; beyond it, expired entries are removed, or else all entries.
    static let maximumCount = 1024
    /// After this time the password is hashed again.
    static let lifetime = Delay.seconds(600)

    /// The user of these credentials; nil if they are not known.
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
