/// Where accounts, certificates and orders in progress are kept.
///
/// Keys are names of entries in folders, such as `certificates/example.org.ecdsa-p256.pem`. Who writes holds the lock;
/// its number grows with every holder, so that a storage of many machines can refuse one that lost the lock without
/// noticing (a fencing token).
package protocol AcmeStorage: AnyObject {
    /// Where it is, for people.
    var place: String { get }

    /// Nil while another one holds the lock.
    func lock() throws(AcmeError) -> StorageLock?

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
}

/// The right to write, which ends with this object.
package final class StorageLock: Sendable {
    package let number: UInt64
    /// What holds it.
    let holder: any Sendable & AnyObject

    init(number: UInt64, holder: any Sendable & AnyObject) {
        self.number = number
        self.holder = holder
    }
}
