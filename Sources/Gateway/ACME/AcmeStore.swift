import ACME
import FoundationEssentials
import Logging
import TLS
import Transport

/// A storage, its lock, and the records of domains that were published for orders in it.
final class AcmeStore {
    let storage: FolderStorage
    /// Nil while another process has it.
    private(set) var lock: StorageLock?
    private(set) var problem: String?
    private(set) var retryAt = Deadline(milliseconds: 0)
    private(set) var records = PublishedRecords()
    private let logger: Logger

    private static let recordsKey = "records.json"
    private static let lockPause = Delay.seconds(1)
    static let longestWait = Delay.seconds(60)

    init(_ storage: FolderStorage, _ logger: Logger) {
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
                note("\(storage.place) is in use by another gateway, which orders its certificates")
                return false
            }
            try readRecords(lock)
            self.lock = lock
            problem = nil
            return true
        } catch {
            note(error.message)
            return false
        }
    }

    /// Whether records are to be removed, now or when their orders are over.
    var hasRecords: Bool { lock != nil && !records.records.isEmpty }

    func note(_ problem: String) {
        if self.problem != problem { logger.warning("acme: \(problem)") }
        self.problem = problem
    }

    /// What was written shows that there is no problem any more.
    func noteWritten() { problem = nil }

    /// Leaves a storage that cannot be read or written alone for a while, and begins anew then: another process may hold it
    /// now, or the disk is full.
    func release(_ error: AcmeError) {
        note(error.message)
        lock = nil
        retryAt = Deadline.current().advanced(by: Self.longestWait)
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
