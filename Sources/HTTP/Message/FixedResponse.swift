/// A response of which all bytes except the date are known in advance, prepared for copying.
@safe
package final class FixedResponse: @unchecked Sendable {
    package let status: Int
    /// The field lines after Date, including Content-Length, each terminated by CRLF.
    let fields: UnsafeRawBufferPointer
    /// Those of the field lines that do not describe the content.
    let contentFreeFields: UnsafeRawBufferPointer
    private let ownFieldsCount: Int
    package let body: UnsafeRawBufferPointer
    let statusLine: UnsafeRawBufferPointer

    /// - Parameters:
    ///   - fields: names and values, already validated as tokens and field values (RFC 9110 §5).
    ///   - body: omitted from the message if `status` or the method allows none.
    package convenience init(status: Int, fields: [(name: String, value: String)] = [], body: [UInt8] = []) {
        var lines = ""
        for field in fields { lines += "\(field.name): \(field.value)\r\n" }
        self.init(status: status, fieldLines: Array(lines.utf8), body: body)
    }

    /// - Parameter fieldLines: validated field lines, each terminated by CRLF, without those for the message framing.
    package init(status: Int, fieldLines: [UInt8], body: [UInt8]) {
        self.status = status
        let framing = StatusCode.hasNoContent(status) ? "" : "Content-Length: \(body.count)\r\n"
        unsafe fields = Self.immortal(fieldLines + Array(framing.utf8))
        ownFieldsCount = fieldLines.count
        unsafe contentFreeFields = Self.immortal(Self.contentFree(fieldLines))
        unsafe self.body = Self.immortal(StatusCode.hasNoContent(status) ? [] : body)
        unsafe statusLine = Self.immortal(Array("HTTP/1.1 \(status) \(StatusCode.reason(status))\r\n".utf8))
    }

    /// The field lines without Content-Length.
    package var fieldLines: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(rebasing: fields[..<ownFieldsCount])
    }

    deinit {
        unsafe fields.deallocate()
        unsafe contentFreeFields.deallocate()
        unsafe body.deallocate()
        unsafe statusLine.deallocate()
    }

    private static func contentFree(_ fieldLines: [UInt8]) -> [UInt8] {
        unsafe fieldLines.withUnsafeBytes { text in
            var lines = unsafe FieldLines(text)
            var kept: [UInt8] = []
            while let field = lines.next() {
                if !field.hasPrefix("content-") { unsafe kept.append(contentsOf: field.line) }
            }
            return kept
        }
    }

    private static func immortal(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        unsafe copy.copyBytes(from: bytes)
        return UnsafeRawBufferPointer(copy)
    }
}
