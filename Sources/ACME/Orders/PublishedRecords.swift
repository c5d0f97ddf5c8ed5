/// The records of domains that were published for dns-01, from before a program is told to publish one until it has
/// removed it; an entry of the storage, so that none is forgotten when the gateway ends in whatever way.
package struct PublishedRecords: Codable, Equatable, Sendable {
    package private(set) var records: [Record] = []

    package struct Record: Codable, Equatable, Sendable {
        /// The entry of the certificate that it is for.
        package let owner: String
        package let issuer: String
        /// The name to be proved, without the `*.` of a wildcard.
        package let domain: String
        package let value: String
        /// When the program that publishes it had ended; nil before.
        fileprivate(set) package var publishedAt: Int64?
        /// Whether nobody looks at it any more.
        fileprivate(set) package var isOver = false
        /// Removals in a row that have failed.
        fileprivate(set) package var failures = 0
        fileprivate(set) package var retryAt: Int64 = 0

        package init(owner: String, issuer: String, domain: String, value: String) {
            self.owner = owner
            self.issuer = issuer
            self.domain = domain
            self.value = value
        }

        /// The name of the record (RFC 8555 §8.4).
        package var name: String { "_acme-challenge.\(domain)" }

        fileprivate func isSame(as other: Record) -> Bool {
            owner == other.owner && domain == other.domain && value == other.value
        }
    }

    /// Records at a time: several orders with all names that one can have.
    package static let limit = 1000
    /// Attempts to remove a record; the pauses between them grow, to about three days in all.
    package static let attempts = 14

    package init() {}

    /// Notes a record that is going to be published.
    ///
    /// - Returns: when it was published, if it still is from an attempt before; nil if it is to be published.
    package mutating func begin(_ record: Record) throws(AcmeError) -> Int64? {
        if let index = records.firstIndex(where: { $0.isSame(as: record) }) {
            records[index].isOver = false
            records[index].failures = 0
            return records[index].publishedAt
        }
        guard records.count < Self.limit else {
            throw .local("\(records.count) records of dns-01 wait for being removed")
        }
        records.append(record)
        return nil
    }

    package mutating func notePublished(_ record: Record, at now: Int64) {
        guard let index = records.firstIndex(where: { $0.isSame(as: record) }) else { return }
        records[index].publishedAt = now
    }

    /// Notes that records are to be removed.
    ///
    /// - Returns: whether that is new.
    @discardableResult
    package mutating func end(where isOver: (Record) -> Bool) -> Bool {
        var isChanged = false
        for index in records.indices where !records[index].isOver && isOver(records[index]) {
            records[index].isOver = true
            records[index].retryAt = 0
            isChanged = true
        }
        return isChanged
    }

    /// The next one to be removed, and whether the program has to be told: not while another order needs the same value.
    package func next(at now: Int64) -> (Record, isShared: Bool)? {
        guard let record = records.first(where: { $0.isOver && $0.retryAt <= now }) else { return nil }
        let isShared = records.contains {
            $0.domain == record.domain && $0.value == record.value && !$0.isSame(as: record)
        }
        return (record, isShared)
    }

    /// When the next one is to be removed; nil when none is.
    package var nextRemoval: Int64? { records.filter(\.isOver).map(\.retryAt).min() }

    package mutating func remove(_ record: Record) { records.removeAll { $0.isSame(as: record) } }

    /// - Returns: whether it is tried again.
    package mutating func noteFailure(_ record: Record, chance: Double, at now: Int64) -> Bool {
        guard let index = records.firstIndex(where: { $0.isSame(as: record) }) else { return false }
        records[index].failures += 1
        guard records[index].failures < Self.attempts else {
            records.remove(at: index)
            return false
        }
        records[index].retryAt =
            now + RenewalSchedule.pause(failures: records[index].failures, requested: nil, chance: chance)
        return true
    }
}
