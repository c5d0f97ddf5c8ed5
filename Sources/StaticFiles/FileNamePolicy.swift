/// Which paths may name a file, before the file system is accessed.
package struct FileNamePolicy: Sendable {
    /// Whether names that begin with a dot, and files left over by editors, are served.
    package var servesHidden: Bool

    package init(servesHidden: Bool) {
        self.servesHidden = servesHidden
    }

    /// Suffixes of backup copies of editors or administrators.
    private static let backupEndings: [StaticString] = ["~", ".bak", ".old", ".orig", ".save", ".swp", ".swo", ".tmp"]

    /// Whether a normalized path relative to the root, without its leading slash, may be looked up.
    ///
    /// An empty segment, which no normalized path has, is refused: the file system ignores it, and one file would have
    /// many names. The top-level folder `.well-known` is intended to be served (RFC 8615).
    func admits(_ path: RawSpan) -> Bool {
        var start = 0
        while start < path.byteCount {
            var end = start
            while end < path.byteCount, path.byte(at: end) != UInt8(ascii: "/") { end += 1 }
            guard end > start else { return false }
            if !servesHidden, isHidden(path.extracting(start..<end), isFirst: start == 0) { return false }
            start = end + 1
        }
        return true
    }

    private func isHidden(_ name: RawSpan, isFirst: Bool) -> Bool {
        if name.byte(at: 0) == UInt8(ascii: ".") { return !(isFirst && name.isName(".well-known")) }
        let last = name.byte(at: name.byteCount - 1)
        if name.byteCount > 1, name.byte(at: 0) == UInt8(ascii: "#"), last == UInt8(ascii: "#") { return true }
        return Self.backupEndings.contains { ending in
            let count = ending.utf8CodeUnitCount
            return name.byteCount >= count && name.extracting((name.byteCount - count)..<name.byteCount).isName(ending)
        }
    }
}
