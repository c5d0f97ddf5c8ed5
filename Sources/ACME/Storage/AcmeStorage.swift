import Transport

/// Where accounts, certificates and orders in progress are kept.
///
/// Keys are names of entries in folders, such as `certificates/example.org.ecdsa-p256.pem`. Who writes holds the lock;
/// its number grows with every holder, so that a storage of many machines can refuse one that lost the lock without
/// noticing (a fencing token).
package protocol AcmeStorage: AnyObject {
    /// Where it is, for people.
    var place: String { get }

    /// Whether several gateways use it, of which one orders.
    var isShared: Bool { get }

    /// Why it cannot be used at present; nil while it can, as far as is known.
    var problem: String? { get }

    /// False when the lock was lost without a release: to another gateway, or with the server's memory.
    var isHeld: Bool { get }

    /// Which other gateway had the lock when it was asked for last, for people; nil where that is not known.
    var holder: String? { get }

    /// Makes what has to be there before anything is read or written.
    func prepare() throws(AcmeError)

    /// Gives up what it holds; it is not used again.
    func close()

    /// Nil while another one holds the lock.
    func lock() throws(AcmeError) -> StorageLock?

    /// Makes sure that the lock is held for the time of a step of an order.
    func prolong(_ lock: StorageLock) throws(AcmeError)

    func release(_ lock: StorageLock)

    /// Nil when there is no such entry.
    func read(_ key: String) throws(AcmeError) -> [UInt8]?

    /// Replaces an entry as a whole.
    func write(_ content: [UInt8], to key: String, _ lock: StorageLock) throws(AcmeError)

    func remove(_ key: String, _ lock: StorageLock) throws(AcmeError)

    /// The keys of a folder.
    func keys(in folder: String) throws(AcmeError) -> [String]

    /// Moves an entry that cannot be used out of the way.
    ///
    /// - Returns: where it is now, for people.
    func setAside(_ key: String, _ lock: StorageLock) throws(AcmeError) -> String

    /// The lock of programs of this machine that are run for orders: one that inherits the descriptor holds it until it has
    /// ended, also when this process has ended before. Nil while one does.
    func lockPrograms() throws(AcmeError) -> OpenFile?

    /// Returns when whoever uses the storage answers the challenge, or had its time for it.
    func share(_ use: ChallengeUse, keyAuthorization: String, _ lock: StorageLock) throws(AcmeError)

    func unshare(_ use: ChallengeUse)

    /// What others have written since this was asked last.
    func takeChanges() -> StorageChanges
}

/// What there is to do for a storage of one gateway.
extension AcmeStorage {
    package var isShared: Bool { false }
    package var problem: String? { nil }
    package var isHeld: Bool { true }
    package var holder: String? { nil }
    package func close() {}
    package func prolong(_: StorageLock) {}
    package func release(_: StorageLock) {}
    package func share(_: ChallengeUse, keyAuthorization: String, _: StorageLock) {}
    package func unshare(_: ChallengeUse) {}
    package func takeChanges() -> StorageChanges { StorageChanges() }
}

/// The keys of entries that others have written.
package struct StorageChanges: Sendable {
    private var keys: Set<String> = []
    /// Too many to name each.
    private var areMany = false
    private static let limit = 4096

    package init() {}

    package mutating func note(_ key: String) {
        if keys.count < Self.limit { keys.insert(key) } else { areMany = true }
    }

    package var isEmpty: Bool { keys.isEmpty }
    package func contains(_ key: String) -> Bool { areMany || keys.contains(key) }
}

/// The right to write, which ends with this object.
package final class StorageLock: Sendable {
    package let number: UInt64
    /// What holds it.
    package let holder: any Sendable & AnyObject

    package init(number: UInt64, holder: any Sendable & AnyObject) {
        self.number = number
        self.holder = holder
    }
}
