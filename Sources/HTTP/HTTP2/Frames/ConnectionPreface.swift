import Memory

/// The client's connection preface (RFC 9113 §3.4).
package enum ConnectionPreface {
    static var text: StaticString { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" }
    package static var count: Int { 24 }

    /// Whether `input` begins with the preface; nil while this cannot be determined.
    package static func begins(_ input: RawSpan) -> Bool? {
        let received = min(input.byteCount, count)
        for offset in 0..<received {
            guard input.byte(at: offset) == ByteView(text)[offset] else { return false }
        }
        return received == count ? true : nil
    }
}
