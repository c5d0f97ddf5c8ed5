import ACME
import Glibc
import Redis
import Synchronization
import TLS
import Transport

/// The copy of a shared storage in a folder of this machine, and what both threads know of it: the one that orders, and
/// the one that follows what others order.
final class SharedStorageCopy: Sendable {
    let folder: FolderStorage
    let keys: SharedStorageKeys
    /// For people too: the name of the machine, the process, and a random number.
    let instance: String
    private let configuration: SharedStorageConfiguration
    private let files: [String: [UInt8]]
    private let state = Mutex(State())

    private struct State {
        /// Of the folder; no other process of this machine uses it.
        var folderLock: StorageLock?
        /// The lock of the server, while this instance has it.
        var held: String?
        var holder: String?
        var problem: String?
        var revision: Int64 = 0
        var changes = StorageChanges()
    }

    /// What is copied; entries that were set aside stay where they were found.
    static let folders = ["accounts", "certificates", "budgets", top]
    /// Stands for no folder.
    static let top = "top"
    private static let revisionKey = "revision"
    private static let batch = 50

    init(_ configuration: SharedStorageConfiguration, _ folder: FolderStorage, files: [String: [UInt8]]) {
        self.configuration = configuration
        self.folder = folder
        self.files = files
        keys = SharedStorageKeys(prefix: configuration.prefix)
        instance = "\(HostName.current):\(getpid()):\(UInt32.random(in: 0 ... .max))"
    }

    /// For people, without a password.
    var server: String { configuration.redis.url.description }
    var lockTime: Delay { Delay(configuration.lockTimeout) }

    func connect() throws(BlockingRedisFailure) -> BlockingRedis {
        try BlockingRedis(configuration.redis, files: files)
    }

    // MARK: The folder

    /// Makes the folder, and keeps other processes out of it.
    func open() throws(AcmeError) {
        if state.withLock({ $0.folderLock != nil }) { return }
        try folder.prepare()
        guard let lock = try folder.lock() else {
            throw .local("\(folder.place) is in use by another gateway of this machine")
        }
        let text = try folder.read(Self.revisionKey) ?? []
        let revision = Int64(String(decoding: text.prefix { $0 != 0x0A }, as: UTF8.self)) ?? 0
        state.withLock { state in
            state.folderLock = lock
            state.revision = revision
        }
    }

    func close() { state.withLock { $0.folderLock = nil } }

    /// The number of the last write that the copy has.
    var revision: Int64 { state.withLock { $0.revision } }

    func note(revision: Int64) throws(AcmeError) {
        let isNew = state.withLock { state in
            guard revision > state.revision else { return false }
            state.revision = revision
            return true
        }
        if isNew { try put(Array("\(revision)\n".utf8), Self.revisionKey) }
    }

    func write(_ content: [UInt8], to key: String) throws(AcmeError) { try put(content, key) }

    /// One writer at a time: a file is written under another name first.
    private func put(_ content: [UInt8], _ key: String) throws(AcmeError) {
        try locked { lock throws(AcmeError) in try folder.write(content, to: key, lock) }
    }

    func remove(_ key: String) throws(AcmeError) {
        try locked { lock throws(AcmeError) in
            if try folder.read(key) != nil { try folder.remove(key, lock) }
        }
    }

    func setAside(_ key: String) throws(AcmeError) -> String {
        try locked { lock throws(AcmeError) in try folder.setAside(key, lock) }
    }

    private func locked<Value: Sendable>(
        _ body: (StorageLock) throws(AcmeError) -> Value
    ) throws(AcmeError) -> Value {
        let outcome = state.withLock { state -> Result<Value, AcmeError> in
            guard let lock = state.folderLock else { return .failure(.local("\(folder.place) is not open")) }
            do throws(AcmeError) { return .success(try body(lock)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    // MARK: The lock of the server

    func hold(_ text: String?) { state.withLock { $0.held = text } }
    /// Unless another one was taken meanwhile.
    func lose(_ text: String) { state.withLock { if $0.held == text { $0.held = nil } } }
    var held: String? { state.withLock { $0.held } }
    func note(holder: String) { state.withLock { $0.holder = holder } }
    /// Who had the lock when this instance asked for it last.
    var holder: String? { state.withLock { $0.holder } }

    /// Why the server cannot be used; nil while it can.
    ///
    /// - Returns: whether that is news.
    func note(problem: String?) -> Bool {
        state.withLock { state in
            let isNews = (state.problem == nil) != (problem == nil)
            state.problem = problem
            return isNews
        }
    }

    var problem: String? { state.withLock { $0.problem } }

    // MARK: From the server

    func names(of folder: String, from redis: BlockingRedis) throws(BlockingRedisFailure) -> [String] {
        let reply = try redis.run(["HKEYS", keys.folder(folder)])
        guard let elements = reply.elements else { throw .unexpected }
        return elements.compactMap(\.text).filter(Self.isName)
    }

    /// What comes from the server names a file here.
    private static func isName(_ name: String) -> Bool {
        (1...300).contains(name.utf8.count) && name != "." && name != ".."
            && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }
            && !name.hasSuffix(StoredFile.temporarySuffix)
    }

    /// Copies entries of one folder; those that are the same already stay as they are.
    func take(_ names: [String], of folder: String, from redis: BlockingRedis) throws(BlockingRedisFailure) {
        guard Self.folders.contains(folder) else { return }
        var rest = names.filter { Self.isName($0) && (folder != Self.top || $0 == AcmeStore.recordsKey) }[...]
        while !rest.isEmpty {
            let some = Array(rest.prefix(Self.batch))
            rest = rest.dropFirst(some.count)
            let reply = try redis.run(["HMGET", keys.folder(folder)] + some)
            guard let contents = reply.elements, contents.count == some.count else { throw .unexpected }
            for (name, content) in zip(some, contents) {
                let key = folder == Self.top ? name : "\(folder)/\(name)"
                do throws(AcmeError) {
                    if let bytes = content.bytes {
                        if try self.folder.read(key) != bytes { try put(bytes, key) }
                    } else {
                        try remove(key)
                    }
                } catch {
                    throw BlockingRedisFailure(error.message)
                }
                state.withLock { $0.changes.note(key) }
            }
        }
    }

    /// The keys of a folder.
    func keys(of name: String) throws(AcmeError) -> [String] {
        guard name == Self.top else { return try folder.keys(in: name) }
        return try folder.read(AcmeStore.recordsKey) == nil ? [] : [AcmeStore.recordsKey]
    }

    func takeChanges() -> StorageChanges {
        state.withLock { state in
            defer { state.changes = StorageChanges() }
            return state.changes
        }
    }
}
