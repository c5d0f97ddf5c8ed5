import ACME
import FoundationEssentials
import Logging
import TLS
import Transport

/// A storage, its lock, and the records of domains that were published for orders in it.
final class AcmeStore {
    let storage: any AcmeStorage
    /// Nil while another process has it.
    private(set) var lock: StorageLock?
    private(set) var problem: String?
    private(set) var retryAt = Deadline(milliseconds: 0)
    private(set) var records = PublishedRecords()
    private let logger: Logger

    static let recordsKey = "records.json"
    private static let lockPause = Delay.seconds(1)
    static let longestWait = Delay.seconds(60)

    init(_ storage: any AcmeStorage, _ logger: Logger) {
        self.storage = storage
        self.logger = logger
    }

    /// Takes the lock, if it is free.
    ///
    /// - Returns: whether it is held.
    func open() -> Bool {
        defer { retryAt = Deadline.current().advanced(by: Self.lockPause) }
        do throws(AcmeError) {
            try storage.prepare()
            guard let lock = try storage.lock() else {
                // That one of several gateways orders is as it should be.
                if storage.isShared { return false }
                note("\(storage.place) is in use by another gateway, which orders its certificates")
                return false
            }
            self.lock = lock
            try readRecords(lock)
            problem = nil
            if storage.isShared { logger.info("acme: this gateway orders the certificates of \(storage.place)") }
            return true
        } catch {
            release(error)
            return false
        }
    }

    /// Whether records are to be removed, now or when their orders are over.
    var hasRecords: Bool { lock != nil && !records.records.isEmpty }

    func note(_ problem: String) {
        // A shared storage tells itself of its server.
        if self.problem != problem, storage.problem == nil { logger.warning("acme: \(problem)") }
        self.problem = problem
    }

    /// What was written shows that there is no problem any more.
    func noteWritten() { problem = nil }

    /// Leaves a storage that cannot be read or written alone for a while, and begins anew then: another process may hold it
    /// now, or the disk is full.
    func release(_ error: AcmeError) {
        note(error.message)
        if let lock { storage.release(lock) }
        lock = nil
        retryAt = Deadline.current().advanced(by: storage.isShared ? Self.lockPause : Self.longestWait)
    }

    /// Gives up what it holds; it is not used again.
    func close() {
        if let lock { storage.release(lock) }
        lock = nil
        storage.close()
    }

    /// What another gateway has written, while that one orders; nil without news.
    func takeChanges() -> StorageChanges? {
        guard storage.isShared, lock == nil else { return nil }
        problem = storage.problem
        let changes = storage.takeChanges()
        return changes.isEmpty ? nil : changes
    }

    private func readRecords(_ lock: StorageLock) throws(AcmeError) {
        records = PublishedRecords()
        guard let text = try storage.read(Self.recordsKey) else { return }
        if let stored = try? JSONDecoder().decode(PublishedRecords.self, from: Data(text)) {
            records = stored
            return
        }
        let place = try storage.setAside(Self.recordsKey, lock)
        logger.warning(
            "acme: \(storage.place)/\(Self.recordsKey) cannot be used and is now \(place): it is no list of records")
    }

    /// Changes the records, and writes them down; if that fails they are as they were.
    func changeRecords<Value>(
        _ lock: StorageLock, _ change: (inout PublishedRecords) throws(AcmeError) -> Value
    ) throws(AcmeError) -> Value {
        var changed = records
        let value = try change(&changed)
        guard changed != records else { return value }
        try storage.write((try? JSONEncoder().encode(changed)).map { Array($0) } ?? [], to: Self.recordsKey, lock)
        records = changed
        return value
    }
}
