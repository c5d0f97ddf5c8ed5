/// A response whose every byte but the date is known beforehand, laid out for copying.
@safe
package final class FixedResponse: @unchecked Sendable {
    package let status: Int
    /// Field lines after Date, Content-Length included, each ended by CRLF.
    let fields: UnsafeRawBufferPointer
    /// The field lines among them that are not about the content.
    let contentFreeFields: UnsafeRawBufferPointer
    let body: UnsafeRawBufferPointer
    let statusLine: UnsafeRawBufferPointer

    /// - Parameters:
    ///   - fields: names and values, already checked to be a token and a field value (RFC 9110 §5).
    ///   - body: left out of the message when `status` or the method allows none.
    package init(status: Int, fields: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        var lines = ""
        var contentFree = ""
        for field in fields {
            let line = "\(field.name): \(field.value)\r\n"
            lines += line
            if !field.name.lowercased().hasPrefix("content-") { contentFree += line }
        }
        if !StatusCode.hasNoContent(status) { lines += "Content-Length: \(body.count)\r\n" }
        unsafe self.fields = Self.immortal(Array(lines.utf8))
        unsafe contentFreeFields = Self.immortal(Array(contentFree.utf8))
        unsafe self.body = Self.immortal(StatusCode.hasNoContent(status) ? [] : body)
        unsafe statusLine = Self.immortal(Array("HTTP/1.1 \(status) \(StatusCode.reason(status))\r\n".utf8))
    }

    deinit {
        unsafe fields.deallocate()
        unsafe contentFreeFields.deallocate()
        unsafe body.deallocate()
        unsafe statusLine.deallocate()
    }

    private static func immortal(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        unsafe copy.copyBytes(from: bytes)
        return UnsafeRawBufferPointer(copy)
    }
}
