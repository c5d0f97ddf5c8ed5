import Glibc
import HTTP
import Memory
import Transport

/// Finds the file for a path in the folder of one route; on one worker.
@safe
final class FileLookup {
    /// The result for a path.
    enum Found {
        case file(CachedFile)
        /// A folder whose path lacks its slash.
        case folder
        /// A folder to be listed, by its name relative to the root, ended by NUL.
        case listing([UInt8])
        case problem(FileProblem)
    }

    /// The time of a request.
    struct Moment {
        let deadline: Deadline
        /// Since 1970.
        let wallSeconds: Int64

        init(_ worker: Worker) {
            deadline = worker.now
            wallSeconds = worker.wallSeconds
        }
    }

    let options: FilesOptions
    let root: FileRoot
    private let number: Int
    private let policy: FileNamePolicy
    private let cache: FileCache
    private let types: MediaTypes
    private let fresh: Delay
    private var rootFreshUntil = Deadline(milliseconds: 0)
    private let fallback: [UInt8]?

    /// - Parameter number: distinguishes the route from others that share the cache.
    init(_ options: FilesOptions, number: Int, cache: FileCache, types: MediaTypes) {
        self.options = options
        self.number = number
        self.cache = cache
        self.types = types
        fresh = cache.limits.fresh
        root = FileRoot(options.root, followsLinks: options.followsLinks)
        policy = FileNamePolicy(servesHidden: options.servesHidden)
        fallback = options.fallback.map { Array($0.utf8) }
    }

    /// Reads folders of the root for their listings.
    var reader: FolderReader {
        FolderReader(
            root: options.root, followsLinks: options.followsLinks, policy: policy,
            forbiddenBytes: options.forbiddenBytes)
    }

    /// - Parameter path: normalized, relative to the root, without its leading slash.
    @inline(__always)
    func find(_ path: ByteView, at now: Moment) -> Found {
        let key = FileKey(route: number, path: path)
        if let file = cache.find(key), file.freshUntil > now.deadline {
            cache.counters.hits.add()
            return .file(file)
        }
        cache.counters.misses.add()
        return findAnew(key, at: now)
    }

    @inline(never)
    private func findAnew(_ key: FileKey, at now: Moment) -> Found {
        if rootFreshUntil <= now.deadline {
            root.refresh()
            rootFreshUntil = now.deadline.advanced(by: fresh)
        }
        let found = look(key, at: now)
        guard case .problem(.absent) = found, let fallback else { return found }
        return fallback.withBytes { path in
            let key = FileKey(route: number, path: path)
            if let file = cache.find(key), file.freshUntil > now.deadline { return .file(file) }
            return look(key, at: now)
        }
    }

    private func look(_ key: FileKey, at now: Moment) -> Found {
        var name = Array(key.path)
        let namesFolder = name.isEmpty || name.last == UInt8(ascii: "/")
        if namesFolder, !name.isEmpty { name.removeLast() }
        guard name.withBytes({ policy.admits($0.bytes) }) else { return .problem(.absent) }
        do throws(FileProblem) {
            let opened = try open(name.isEmpty ? [UInt8(ascii: ".")] : name)
            if opened.isFolder {
                return namesFolder ? index(of: name, key, at: now) : .folder
            }
            guard opened.isRegular, !namesFolder else {
                throw opened.isRegular ? .absent : .notAFile
            }
            return .file(take(opened, name, key, at: now))
        } catch {
            if let stale = cache.find(key) { cache.remove(stale) }
            return .problem(error)
        }
    }

    private func index(of folder: [UInt8], _ key: FileKey, at now: Moment) -> Found {
        let prefix = folder.isEmpty ? [] : folder + [UInt8(ascii: "/")]
        for index in options.index {
            let name = prefix + Array(index.utf8)
            do throws(FileProblem) {
                let opened = try open(name)
                if opened.isRegular { return .file(take(opened, name, key, at: now)) }
            } catch {
                guard error != .absent else { continue }
                if let stale = cache.find(key) { cache.remove(stale) }
                return .problem(error)
            }
        }
        if let stale = cache.find(key) { cache.remove(stale) }
        return options.listsFolders ? .listing(folder) : .problem(.absent)
    }

    /// The file to serve for an opened one: the cached one if nothing has changed.
    private func take(_ opened: OpenedFile, _ name: [UInt8], _ key: FileKey, at now: Moment) -> CachedFile {
        let variants = openVariants(of: name, opened.version)
        let file: CachedFile
        if let known = cache.find(key), known.name == name, known.isSame(opened, variants) {
            file = known
            cache.keepContent(of: known)
        } else {
            file = describe(opened, name, key, variants, now)
            cache.insert(file)
        }
        file.freshUntil = now.deadline.advanced(by: fresh)
        return file
    }

    private func describe(
        _ opened: OpenedFile, _ name: [UInt8], _ key: FileKey,
        _ variants: [(coding: PrecompressedCoding, opened: OpenedFile)], _ now: Moment
    ) -> CachedFile {
        var description = FileDescription(
            type: types.type(ofFileNamed: String(decoding: name, as: UTF8.self)), isVaried: !variants.isEmpty,
            cacheControl: options.cacheControl, now: now.wallSeconds)
        let neighbours = variants.map { variant in
            description.coding = variant.coding
            let file = CachedFile(key: key, name: name, opened: variant.opened, description: description, variants: [])
            return CachedFile.Variant(coding: variant.coding, file: file)
        }
        description.coding = nil
        return CachedFile(
            key: key, name: name, opened: opened, description: description,
            variants: neighbours.sorted { $0.file.size < $1.file.size })
    }

    /// The precompressed variants of a file; one that is older than the file belongs to another version of it.
    private func openVariants(
        of name: [UInt8], _ version: FileVersion
    ) -> [(coding: PrecompressedCoding, opened: OpenedFile)] {
        options.precompressed.compactMap { coding in
            guard let opened = try? open(name + Array(coding.ending.utf8)) else { return nil }
            guard opened.isRegular, opened.version.modifiedSeconds >= version.modifiedSeconds else {
                return nil
            }
            return (coding, opened)
        }
    }

    private func open(_ name: [UInt8]) throws(FileProblem) -> OpenedFile {
        let path = name + [0]
        return try unsafe path.withUnsafeBufferPointer { (bytes) throws(FileProblem) in
            try unsafe bytes.withMemoryRebound(to: CChar.self) { (path) throws(FileProblem) in
                try unsafe root.open(path.baseAddress!)
            }
        }
    }
}
