/// Patterns of file names with `*`, `?` and `[…]`, as glob(7) describes them.
enum FileGlob {
    static func isPattern(_ path: String) -> Bool { path.contains { "*?[".contains($0) } }

    /// The paths that match, sorted; a leading dot has to be written.
    static func paths(_ pattern: String, in files: some SourceFiles) throws(MigrationError) -> [String] {
        var paths = [pattern.hasPrefix("/") ? "/" : ""]
        let segments = pattern.split(separator: "/")
        for (index, segment) in segments.enumerated() {
            let isLast = index == segments.count - 1
            var found: [String] = []
            for path in paths {
                guard isPattern(String(segment)) else {
                    found.append(path + segment + (isLast ? "" : "/"))
                    continue
                }
                let bytes = Array(segment.utf8)
                for name in files.names(in: path.isEmpty ? "." : path) {
                    if name.hasPrefix("."), !segment.hasPrefix(".") { continue }
                    if matches(Array(name.utf8), bytes) { found.append(path + name + (isLast ? "" : "/")) }
                }
                guard found.count <= SourceLimit.files else {
                    throw MigrationError(
                        file: pattern, message: "matches more than \(SourceLimit.files) files")
                }
            }
            paths = found
        }
        return paths
    }

    /// Goes back to the last star only, so that the time is at most the product of both lengths.
    static func matches(_ name: [UInt8], _ pattern: [UInt8]) -> Bool {
        var (n, p) = (0, 0)
        var star: (name: Int, pattern: Int)?
        while n < name.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                star = (n, p + 1)
                p += 1
            } else if p < pattern.count, let end = single(name[n], pattern, p) {
                n += 1
                p = end
            } else if let last = star {
                star = (last.name + 1, last.pattern)
                (n, p) = (last.name + 1, last.pattern)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    /// The index behind the element that matches a byte.
    private static func single(_ byte: UInt8, _ pattern: [UInt8], _ start: Int) -> Int? {
        if pattern[start] == UInt8(ascii: "?") { return start + 1 }
        guard pattern[start] == UInt8(ascii: "["), let end = pattern[(start + 1)...].firstIndex(of: UInt8(ascii: "]"))
        else { return pattern[start] == byte ? start + 1 : nil }
        var set = pattern[(start + 1)..<end]
        let isInverted = set.first.map { "!^".utf8.contains($0) } ?? false
        if isInverted { set = set.dropFirst() }
        var isMember = false
        var index = set.startIndex
        while index < set.endIndex {
            if index + 2 < set.endIndex, set[index + 1] == UInt8(ascii: "-") {
                isMember = isMember || set[index] <= byte && byte <= set[index + 2]
                index += 3
            } else {
                isMember = isMember || set[index] == byte
                index += 1
            }
        }
        return isMember != isInverted ? end + 1 : nil
    }
}
