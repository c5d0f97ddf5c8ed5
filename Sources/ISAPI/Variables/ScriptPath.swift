import Memory

/// Finds the script in paths such as `/scripts/a.dll/more`: the first segment that has the suffix of a script.
package enum ScriptPath {
    /// Where the script's segment ends.
    ///
    /// - Parameters:
    ///   - start: where the first segment that counts begins.
    ///   - suffix: the end of the segment; at least one byte has to precede it.
    /// - Returns: nil when no segment is a script.
    package static func end(in path: Span<UInt8>, from start: Int, suffix: Span<UInt8>) -> Int? {
        var segmentStart = start
        while segmentStart < path.count {
            var end = segmentStart
            while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
            if end - segmentStart > suffix.count, matches(path, at: end - suffix.count, suffix) { return end }
            segmentStart = end + 1
        }
        return nil
    }

    private static func matches(_ path: Span<UInt8>, at start: Int, _ suffix: Span<UInt8>) -> Bool {
        for index in 0..<suffix.count where path[start + index] != suffix[index] { return false }
        return true
    }
}

/// Which part of a path names the extension; the rest is PATH_INFO.
package enum ScriptNaming: Sendable {
    case wholePath
    /// The first bytes.
    case prefix(Int)
    /// Up to the script that `ScriptPath` finds; PATH_INFO is then the whole path, as is the default of IIS for script
    /// maps, or the part after the script.
    case script(start: Int, suffix: [UInt8], wholePathInfo: Bool)

    /// Where SCRIPT_NAME ends and where PATH_INFO begins.
    func split(_ path: ByteView) -> (nameEnd: Int, infoStart: Int) {
        switch self {
        case .wholePath: return (path.count, path.count)
        case .prefix(let count):
            let count = min(count, path.count)
            return (count, count)
        case .script(let start, let suffix, let wholePathInfo):
            let end = path.withSpan { ScriptPath.end(in: $0, from: start, suffix: suffix.span) } ?? path.count
            return (end, wholePathInfo ? 0 : end)
        }
    }
}
