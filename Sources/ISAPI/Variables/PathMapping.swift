import Glibc
import Memory

/// Maps URL paths to files below a folder.
enum PathMapping {
    /// Whether a decoded path leads above its root if "\" counts as "/", as in the file functions of windows.h.
    ///
    /// - Parameter path: without dot segments between slashes.
    static func climbs(_ path: ByteView) -> Bool {
        guard let start = unsafe path.baseAddress, unsafe memchr(start, Int32(backslash), path.count) != nil else {
            return false
        }
        return path.split(whereSeparator: { $0 == slash || $0 == backslash })
            .contains { $0.elementsEqual("..".utf8) }
    }

    /// Appends `root` and the decoded path of `url` without dot segments and empty segments; "\" counts as "/".
    ///
    /// A query is not part of the path. A trailing "/" is kept. The path has separators of `style`, as its root has.
    /// - Returns: false when the path leaves the root, contains a NUL, or is not correctly percent-encoded (RFC 3986
    ///   §2.1).
    static func map(
        _ url: ByteView, to root: String, style: PathStyle = .unix, into path: inout ByteBuffer
    ) -> Bool {
        var decoded = ByteBuffer()
        guard url.withSpan({ decode($0, into: &decoded) }) else { return false }
        path.append(text: root)
        return decoded.bytes.withSpan { decoded in
            var segments: [Range<Int>] = []
            var start = 0
            while start < decoded.count {
                var end = start
                while end < decoded.count, decoded[end] != slash { end += 1 }
                let segment = decoded.extracting(start..<end)
                if segment.isSame(as: "..") {
                    guard segments.popLast() != nil else { return false }
                } else if !segment.isEmpty, !segment.isSame(as: ".") {
                    segments.append(start..<end)
                }
                start = end + 1
            }
            for (index, segment) in segments.enumerated() {
                if index > 0 { path.append(style.separator) }
                decoded.extracting(segment).withBytes { bytes in path.append(bytes) }
            }
            if !segments.isEmpty, decoded[decoded.count - 1] == slash { path.append(style.separator) }
            return true
        }
    }

    private static let slash = UInt8(ascii: "/")
    private static let backslash = UInt8(ascii: "\\")

    private static func decode(_ url: Span<UInt8>, into decoded: inout ByteBuffer) -> Bool {
        var index = 0
        while index < url.count, url[index] != UInt8(ascii: "?") {
            var byte = url[index]
            index += 1
            if byte == UInt8(ascii: "%") {
                guard index + 2 <= url.count, let high = hexDigit(url[index]), let low = hexDigit(url[index + 1]) else {
                    return false
                }
                byte = high << 4 | low
                index += 2
            }
            guard byte != 0 else { return false }
            decoded.append(byte == backslash ? slash : byte)
        }
        return true
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch lowercase(byte) {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): lowercase(byte) - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
