import Memory

/// A set of media types, by patterns such as `text/html`, `text/*` and `application/*+json`; case does not matter.
package struct MediaTypePatterns: Sendable, Equatable {
    private struct Pattern: Sendable, Equatable {
        /// In lower case.
        var prefix: [UInt8]
        /// The text after the star; nil without one.
        var suffix: [UInt8]?
    }

    private let patterns: [Pattern]

    /// - Parameter patterns: a type, a slash and a subtype, with a star for any text in the subtype.
    package init(_ patterns: [String]) {
        self.patterns = patterns.map { text in
            let bytes = text.utf8.map(Self.lowercased)
            guard let star = bytes.firstIndex(of: UInt8(ascii: "*")) else { return Pattern(prefix: bytes, suffix: nil) }
            return Pattern(prefix: Array(bytes[..<star]), suffix: Array(bytes[(star + 1)...]))
        }
    }

    /// Types that are text, or as compressible.
    package static var compressible: MediaTypePatterns {
        MediaTypePatterns([
            "text/*", "application/json", "application/*+json", "application/xml", "application/*+xml",
            "application/javascript", "application/wasm", "image/svg+xml", "image/x-icon", "image/bmp", "font/ttf",
            "font/otf",
        ])
    }

    /// Whether a Content-Type, parameters included, is in the set.
    package func contains(_ contentType: ByteView) -> Bool {
        var end = 0
        while end < contentType.count, contentType[end] != UInt8(ascii: ";") { end += 1 }
        while end > 0, contentType[end - 1] == UInt8(ascii: " ") || contentType[end - 1] == UInt8(ascii: "\t") {
            end -= 1
        }
        let type = contentType[..<end]
        for index in patterns.indices where Self.matches(type, patterns[index]) { return true }
        return false
    }

    private static func matches(_ type: ByteView, _ pattern: Pattern) -> Bool {
        let suffixCount = pattern.suffix?.count ?? 0
        guard type.count >= pattern.prefix.count + suffixCount,
            pattern.suffix != nil || type.count == pattern.prefix.count,
            equal(type, from: 0, pattern.prefix)
        else { return false }
        guard let suffix = pattern.suffix else { return true }
        return equal(type, from: type.count - suffixCount, suffix)
    }

    private static func equal(_ type: ByteView, from start: Int, _ text: [UInt8]) -> Bool {
        for index in text.indices where lowercased(type[start + index]) != text[index] { return false }
        return true
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
    }
}
