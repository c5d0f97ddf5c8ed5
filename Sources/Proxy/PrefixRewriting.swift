import HTTP

/// Puts the prefix that a route took from requests back into what responses say about paths: Location, Refresh, and the
/// Path of cookies.
struct PrefixRewriting {
    let prefix: [UInt8]

    /// Appends the field's line as the client should see it; false when the field says nothing about paths.
    func append(_ field: FieldSlice, of message: UnsafeRawBufferPointer, to output: inout OutputBuffer) -> Bool {
        let span = unsafe message.bytes
        let name = field.name.range
        let value = unsafe UnsafeRawBufferPointer(rebasing: message[field.value.range])
        func isNamed(_ text: StaticString) -> Bool {
            span.equals(text, from: name.lowerBound, to: name.upperBound)
        }
        let insertion: Int?
        switch name.count {
        case 8 where isNamed("location"), 16 where isNamed("content-location"):
            insertion = unsafe path(in: value, from: 0)
        case 7 where isNamed("refresh"): insertion = unsafe refreshPath(in: value)
        case 10 where isNamed("set-cookie"): insertion = unsafe cookiePath(in: value)
        default: return false
        }
        guard let insertion else { return false }
        unsafe output.append(UnsafeRawBufferPointer(rebasing: message[name]))
        output.append(": ")
        unsafe output.append(UnsafeRawBufferPointer(rebasing: value[..<insertion]))
        unsafe prefix.withUnsafeBytes { unsafe output.append($0) }
        unsafe output.append(UnsafeRawBufferPointer(rebasing: value[insertion...]))
        output.append("\r\n")
        return true
    }

    /// Where the prefix goes into a reference that names a path from the root and no host (RFC 3986 §4.2).
    private func path(in value: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard start < value.count, unsafe value[start] == UInt8(ascii: "/") else { return nil }
        let isNetworkPath = unsafe start + 1 < value.count && value[start + 1] == UInt8(ascii: "/")
        return isNetworkPath ? nil : start
    }

    /// `5; url=/path`, as browsers read it.
    private func refreshPath(in value: UnsafeRawBufferPointer) -> Int? {
        let span = unsafe value.bytes
        for index in 0..<value.count where span.hasPrefix("url=", from: index, to: value.count) {
            return unsafe path(in: value, from: index + 4)
        }
        return nil
    }

    /// The Path attribute of a cookie (RFC 6265 §5.2.4); the last one counts, and so does only that.
    private func cookiePath(in value: UnsafeRawBufferPointer) -> Int? {
        let span = unsafe value.bytes
        var found: Int?
        var index = 0
        while index < value.count {
            guard unsafe value[index] == UInt8(ascii: ";") else {
                index += 1
                continue
            }
            index += 1
            while index < value.count, unsafe value[index] == UInt8(ascii: " ") { index += 1 }
            if span.hasPrefix("path=", from: index, to: value.count) { found = index + 5 }
        }
        return found.flatMap { unsafe path(in: value, from: $0) }
    }
}
