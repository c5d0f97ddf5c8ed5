import Transport

/// The file cache of one worker: open files, their metadata, and the content of small ones.
///
/// A fixed number of entries, in sets of four: a file belongs to one set, in which it replaces the least recently used
/// file. The memory of all contents is limited.
@safe
package final class FileCache {
    private static let rowSize = 4

    let limits: FileCacheLimits
    package let counters = FileCacheCounters()
    private var places: [CachedFile?]
    private let rowMask: Int
    private var contentBytes = 0
    private var uses: UInt64 = 0
    /// Where the search for contents to evict continues (the hand of a clock algorithm).
    private var hand = 0

    package init(_ limits: FileCacheLimits) {
        self.limits = limits
        var rows = 1
        while rows * Self.rowSize < limits.files { rows *= 2 }
        rowMask = rows - 1
        places = Array(repeating: nil, count: rows * Self.rowSize)
    }

    /// The file with this key, whether still fresh or not.
    func find(_ key: FileKey) -> CachedFile? {
        let row = rowStart(key.hash)
        for index in row..<row + Self.rowSize {
            guard let file = places[index], file.hash == key.hash, file.route == key.route else { continue }
            guard file.path.count == key.path.count, file.path.elementsEqual(key.path) else { continue }
            uses += 1
            file.lastUse = uses
            return file
        }
        return nil
    }

    /// Adds the file, replacing an older one with its key, and reads its content if it is small enough.
    func insert(_ file: CachedFile) {
        uses += 1
        file.lastUse = uses
        file.keepContent(upTo: largestContent)
        replace(at: place(for: file), with: file)
        contentBytes += file.memory
        keepWithinMemory(file)
    }

    /// Tries again to read the content of a file that is in the cache.
    func keepContent(of file: CachedFile) {
        let before = file.memory
        file.keepContent(upTo: largestContent)
        contentBytes += file.memory - before
        keepWithinMemory(file)
    }

    /// One file with three variants fits in any case.
    private var largestContent: Int { min(limits.smallFile, limits.memory / 4) }

    private func keepWithinMemory(_ file: CachedFile) {
        while contentBytes > limits.memory { dropNext(but: file) }
    }

    func remove(_ file: CachedFile) {
        let row = rowStart(file.hash)
        for index in row..<row + Self.rowSize where places[index] === file { replace(at: index, with: nil) }
    }

    private func rowStart(_ hash: UInt64) -> Int {
        (Int(truncatingIfNeeded: hash) & rowMask) * Self.rowSize
    }

    private func place(for file: CachedFile) -> Int {
        let row = rowStart(file.hash)
        let places = row..<row + Self.rowSize
        let same = places.first { index in
            self.places[index].map { $0.hash == file.hash && $0.route == file.route && $0.path == file.path } ?? false
        }
        return same ?? places.min { use(at: $0) < use(at: $1) } ?? row
    }

    private func use(at index: Int) -> UInt64 { places[index]?.lastUse ?? 0 }

    private func replace(at index: Int, with file: CachedFile?) {
        if let former = places[index] { contentBytes -= former.memory }
        places[index] = file
    }

    private func dropNext(but kept: CachedFile) {
        hand = (hand + 1) % places.count
        if let file = places[hand], file !== kept {
            counters.evictions.add()
            replace(at: hand, with: nil)
        }
    }
}

/// The limits of the cache of each worker.
package struct FileCacheLimits: Sendable, Equatable {
    /// Files, each of which may have an open descriptor.
    package var files = 1024
    /// Bytes of contents.
    package var memory = 32 << 20
    /// The largest content kept, in bytes.
    package var smallFile = 1 << 20
    /// How long a file counts as unchanged.
    package var fresh = Delay.seconds(1)

    package init() {}
}
