import Memory

/// Converts a request path to the normal form that routes, script maps and file mapping use.
///
/// Percent-encodings are decoded once, then dot segments are removed (RFC 3986 §5.2.4). The order matters: "%2e%2e" is
/// a dot segment and "%2F" a separator, because a file system would interpret them so. What decodes to "%41" stays
/// "%41": decoding twice would allow the second result to differ from the one that was authorized. Finally, consecutive
/// slashes are merged, as in file systems and most servers: "/a" and "//a" are equal for all rules.
package enum PathNormalizer {
    /// Whether the path is already in normal form, so that it can be used without a copy.
    ///
    /// A name that begins with a dot is reported as not normal, though it may be, and so is a path with a backslash;
    /// this only costs a copy.
    package static func isNormal(_ path: RawSpan) -> Bool {
        let count = path.byteCount
        guard count > 0, path.byte(at: 0) == ASCII.slash else { return false }
        var offset = 1
        while offset < count {
            offset = path.first(from: offset, to: count) {
                $0.allControls .| $0.equal(to: ASCII.percent) .| $0.equal(to: ASCII.dot)
                    .| $0.equal(to: ASCII.slash) .| $0.equal(to: ASCII.backslash)
            }
            guard offset < count else { break }
            let byte = path.byte(at: offset)
            guard byte == ASCII.dot || byte == ASCII.slash, path.byte(at: offset - 1) != ASCII.slash else {
                return false
            }
            offset += 1
        }
        return true
    }

    /// Writes the normal form to `output` and returns its length, which never exceeds the path's.
    ///
    /// The path begins with "/" and so does the result. Unlike in RFC 3986, a path that leads above the root is
    /// rejected and not truncated there: no legitimate client sends one.
    package static func normalize(
        _ path: RawSpan, into output: MutableByteView
    ) throws(RequestRejection) -> Int {
        precondition(output.count >= path.byteCount, "a normal path is as long as the path at most")
        guard path.byteCount > 0, path.byte(at: 0) == ASCII.slash else { throw .invalidTarget }
        var written = NormalPath(bytes: output)
        var offset = 1
        while offset < path.byteCount {
            var byte = path.byte(at: offset)
            offset += 1
            if byte == ASCII.percent {
                byte = try decoded(path, at: offset)
                offset += 2
            }
            guard byte >= 0x20, byte != 0x7F else { throw .forbiddenPathByte }
            if byte == ASCII.slash {
                try written.endSegment(isLast: false)
            } else {
                written.append(byte)
            }
        }
        try written.endSegment(isLast: true)
        written.mergeSlashes()
        return written.count
    }

    private static func decoded(_ path: RawSpan, at offset: Int) throws(RequestRejection) -> UInt8 {
        guard path.byteCount - offset >= 2, let high = hexValue(path.byte(at: offset)),
            let low = hexValue(path.byte(at: offset + 1))
        else { throw .invalidPercentEncoding }
        return high << 4 | low
    }
}

/// The part of a path written so far: complete segments without dot segments, then the current segment.
@safe
private struct NormalPath: ~Copyable {
    private let bytes: MutableByteView
    private(set) var count = 0
    private var segmentStart = 0

    init(bytes: MutableByteView) {
        self.bytes = bytes
        append(ASCII.slash)
        segmentStart = 1
    }

    mutating func append(_ byte: UInt8) {
        bytes[count] = byte
        count += 1
    }

    mutating func endSegment(isLast: Bool) throws(RequestRejection) {
        if segmentIs(dots: 1) {
            count = segmentStart
        } else if segmentIs(dots: 2) {
            guard segmentStart > 1 else { throw .pathEscapesRoot }
            count = segmentStart - 1
            while bytes[count - 1] != ASCII.slash { count -= 1 }
        } else if !isLast {
            append(ASCII.slash)
        }
        segmentStart = count
    }

    /// Removes empty segments. Dot segments must be removed before, because they count empty segments (RFC 3986
    /// §5.2.4).
    mutating func mergeSlashes() {
        var kept = 1
        for index in 1..<count {
            let byte = bytes[index]
            if byte == ASCII.slash && bytes[kept - 1] == ASCII.slash { continue }
            bytes[kept] = byte
            kept += 1
        }
        count = kept
    }

    private func segmentIs(dots: Int) -> Bool {
        guard count - segmentStart == dots else { return false }
        for index in segmentStart..<count where bytes[index] != ASCII.dot { return false }
        return true
    }
}
