import ACME
import Logging
import Redis
import TLS
import Transport

/// A storage of several gateways: a Redis has everything, and each gateway a copy in its folder, from which it serves.
///
/// One of them holds the lock, and orders. It writes to Redis first, where the write is refused when another gateway has
/// the lock now, and to its folder then. The others copy what has changed (`SharedStorageWatcher`). Without Redis nobody
/// orders, and all go on with their copies, also through a restart. A Redis that has lost its last writes, or everything,
/// gets them again from the next holder of the lock: each write has a number, and the folder knows that of its last one.
///
///     {PREFIX:acme}:lock            the number of the lock and the instance that holds it, with a lifetime
///     {PREFIX:acme}:fence           the last number of a lock
///     {PREFIX:acme}:accounts, :certificates, :budgets     hashes with the entries that `FolderStorage` has as files
///     {PREFIX:acme}:top             the same, of entries that are in no folder
///     {PREFIX:acme}:revision        the number of the last write
///     {PREFIX:acme}:changes         a stream of the names of what was written
///     {PREFIX:acme}:challenges      what answers the challenges of orders in progress
///     {PREFIX:acme}:instances       who is there, with the time until which it is believed
///     {PREFIX:acme}:acknowledged:…  who answers a challenge
final class SharedStorage: AcmeStorage {
    let place: String
    private let copy: SharedStorageCopy
    private let watcher: SharedStorageWatcher
    private var connection: BlockingRedis?
    private var isWatched = false

    /// How long others may take until they answer a challenge; one that is cut off is believed to be there for as long.
    private static let acknowledgementTime = Delay.seconds(5)
    private static let acknowledgementPause = Delay.milliseconds(50)
    /// An order that takes longer has failed.
    private static let challengeTime = Delay.seconds(3600)

    /// - Parameters:
    ///   - folder: the absolute path of the folder with the copy.
    ///   - changed: called on another thread when the copy has changed.
    init(
        _ configuration: SharedStorageConfiguration, folder: String, files: [String: [UInt8]],
        _ responder: AcmeResponder, _ logger: Logger, changed: @escaping @Sendable () -> Void
    ) {
        place = folder
        copy = SharedStorageCopy(configuration, FolderStorage(folder), files: files)
        watcher = SharedStorageWatcher(copy, responder, logger, changed: changed)
    }

    private var keys: SharedStorageKeys { copy.keys }

    /// The text by which the server knows a lock.
    private final class LockText: Sendable {
        let text: String
        init(_ text: String) { self.text = text }
    }

    var isShared: Bool { true }
    var problem: String? { copy.problem }
    var isHeld: Bool { copy.held != nil }
    var holder: String? { copy.holder }

    func prepare() throws(AcmeError) {
        try copy.open()
        if !isWatched {
            isWatched = true
            watcher.start()
        }
    }

    // MARK: The lock

    func lock() throws(AcmeError) -> StorageLock? {
        let reply = try run(
            SharedStorageScripts.lock, [keys.lock, keys.fence], [copy.instance, String(copy.lockTime.milliseconds)])
        guard let parts = reply.elements, parts.count == 2, let number = parts[0].number, let holder = parts[1].text
        else { throw strange(reply) }
        guard number > 0 else {
            copy.note(holder: holder)
            return nil
        }
        let text = "\(number) \(copy.instance)"
        let lock = StorageLock(number: UInt64(number), holder: LockText(text))
        do throws(AcmeError) {
            try synchronize(lock)
        } catch {
            release(lock)
            throw error
        }
        copy.hold(text)
        return lock
    }

    func prolong(_ lock: StorageLock) throws(AcmeError) {
        let arguments = [try text(of: lock), String(copy.lockTime.milliseconds)]
        guard try run(SharedStorageScripts.prolong, [keys.lock], arguments).number == 1 else { throw lost() }
    }

    func release(_ lock: StorageLock) {
        copy.hold(nil)
        guard let text = try? text(of: lock) else { return }
        _ = try? run(SharedStorageScripts.unlock, [keys.lock], [text])
    }

    func close() {
        watcher.stop()
        connection = nil
        copy.close()
    }

    private func text(of lock: StorageLock) throws(AcmeError) -> String {
        guard let text = lock.holder as? LockText else { throw lost() }
        return text.text
    }

    private func lost() -> AcmeError { .storage("\(copy.server): another gateway has the lock now") }

    // MARK: Entries

    /// After the lock was taken: the copy and the server have the same then, and whichever has the later write prevails.
    private func synchronize(_ lock: StorageLock) throws(AcmeError) {
        let theirs = try run(["GET", keys.revision]).number ?? 0
        let ours = copy.revision
        for folder in SharedStorageCopy.folders {
            let names = try names(of: folder)
            if theirs >= ours { try copyAll(names, of: folder) }
            let known = Set(names)
            for key in try copy.keys(of: folder) where ours > theirs || !known.contains(name(of: key)) {
                guard let content = try copy.folder.read(key) else { continue }
                _ = try store(content, key, lock)
            }
        }
        let revision = max(ours, try run(["GET", keys.revision]).number ?? 0)
        let arguments = [try text(of: lock), String(revision)]
        guard try run(SharedStorageScripts.advance, [keys.lock, keys.revision], arguments).number == 1 else {
            throw lost()
        }
        try copy.note(revision: revision)
    }

    private func names(of folder: String) throws(AcmeError) -> [String] {
        let connection = try connected()
        do throws(BlockingRedisFailure) {
            return try copy.names(of: folder, from: connection)
        } catch {
            throw failure(error)
        }
    }

    private func copyAll(_ names: [String], of folder: String) throws(AcmeError) {
        let connection = try connected()
        do throws(BlockingRedisFailure) {
            try copy.take(names, of: folder, from: connection)
        } catch {
            throw failure(error)
        }
    }

    private func store(_ content: [UInt8], _ key: String, _ lock: StorageLock) throws(AcmeError) -> Int64 {
        let (folder, name) = parts(of: key)
        let reply = try run(
            SharedStorageScripts.write, [keys.lock, keys.folder(folder), keys.changes, keys.revision],
            [Array(try text(of: lock).utf8), Array(folder.utf8), Array(name.utf8), content])
        guard let revision = reply.number else { throw strange(reply) }
        guard revision > 0 else { throw lost() }
        return revision
    }

    private func parts(of key: String) -> (folder: String, name: String) {
        let parts = key.split(separator: "/", maxSplits: 1)
        guard parts.count == 2 else { return (SharedStorageCopy.top, key) }
        return (String(parts[0]), String(parts[1]))
    }

    private func name(of key: String) -> String { parts(of: key).name }

    /// What the holder of the lock reads is what it has written, or copied when it got the lock.
    func read(_ key: String) throws(AcmeError) -> [UInt8]? { try copy.folder.read(key) }

    func write(_ content: [UInt8], to key: String, _ lock: StorageLock) throws(AcmeError) {
        let revision = try store(content, key, lock)
        try copy.write(content, to: key)
        try copy.note(revision: revision)
    }

    func remove(_ key: String, _ lock: StorageLock) throws(AcmeError) {
        let (folder, name) = parts(of: key)
        let reply = try run(
            SharedStorageScripts.remove, [keys.lock, keys.folder(folder), keys.changes, keys.revision],
            [try text(of: lock), folder, name])
        guard let revision = reply.number else { throw strange(reply) }
        guard revision > 0 else { throw lost() }
        try copy.remove(key)
        try copy.note(revision: revision)
    }

    func keys(in folder: String) throws(AcmeError) -> [String] { try copy.folder.keys(in: folder) }

    func setAside(_ key: String, _ lock: StorageLock) throws(AcmeError) -> String {
        let place = try copy.setAside(key)
        let (folder, name) = parts(of: key)
        let reply = try run(
            SharedStorageScripts.remove, [keys.lock, keys.folder(folder), keys.changes, keys.revision],
            [try text(of: lock), folder, name])
        guard let revision = reply.number, revision > 0 else { throw lost() }
        try copy.note(revision: revision)
        return place
    }

    func lockPrograms() throws(AcmeError) -> OpenFile? { try copy.folder.lockPrograms() }

    func takeChanges() -> StorageChanges { copy.takeChanges() }

    // MARK: Challenges

    func share(_ use: ChallengeUse, keyAuthorization: String, _ lock: StorageLock) throws(AcmeError) {
        guard use.type.isAnsweredByListeners else { return }
        let challenge = SharedChallenge(use, keyAuthorization: keyAuthorization)
        let acknowledgements = keys.acknowledgements(of: challenge.key)
        let reply = try run(
            SharedStorageScripts.present, [keys.lock, keys.challenges, keys.changes, acknowledgements],
            [
                Array(try text(of: lock).utf8), Array(challenge.key.utf8), challenge.encoded,
                Array(String(Self.challengeTime.milliseconds).utf8),
            ])
        guard reply.number == 1 else { throw lost() }
        let end = Deadline.current().advanced(by: Self.acknowledgementTime)
        while Deadline.current() < end {
            let missing = try run(SharedStorageScripts.missing, [keys.instances, acknowledgements], [String]())
            if missing.number == 0 { return }
            watcher.pause(Self.acknowledgementPause)
        }
    }

    func unshare(_ use: ChallengeUse) {
        // What others show of an order is not theirs to end.
        guard isHeld, use.type.isAnsweredByListeners else { return }
        let challenge = SharedChallenge(use, keyAuthorization: "")
        _ = try? run(
            SharedStorageScripts.withdraw,
            [keys.challenges, keys.changes, keys.acknowledgements(of: challenge.key)], [challenge.key])
    }

    // MARK: The server

    private func connected() throws(AcmeError) -> BlockingRedis {
        if let connection { return connection }
        do throws(BlockingRedisFailure) {
            let made = try copy.connect()
            connection = made
            return made
        } catch {
            throw failure(error)
        }
    }

    private func run(_ arguments: [String]) throws(AcmeError) -> RESPValue {
        let connection = try connected()
        do throws(BlockingRedisFailure) {
            return try connection.run(arguments.map { Array($0.utf8) })
        } catch {
            throw failure(error)
        }
    }

    private func run(_ script: StaticString, _ keys: [String], _ arguments: [String]) throws(AcmeError) -> RESPValue {
        try run(script, keys, arguments.map { Array($0.utf8) })
    }

    private func run(_ script: StaticString, _ keys: [String], _ arguments: [[UInt8]]) throws(AcmeError) -> RESPValue {
        let connection = try connected()
        do throws(BlockingRedisFailure) {
            return try connection.run(script, keys: keys, arguments)
        } catch {
            throw failure(error)
        }
    }

    /// The connection is not used again: what comes on it next may be the answer to what has failed.
    private func failure(_ failure: BlockingRedisFailure) -> AcmeError {
        connection = nil
        return .storage("\(copy.server): \(failure.message)")
    }

    private func strange(_ reply: RESPValue) -> AcmeError {
        connection = nil
        return .storage("\(copy.server): an answer that was not expected")
    }
}
