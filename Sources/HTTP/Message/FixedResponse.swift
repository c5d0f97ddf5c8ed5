/// A response whose every byte but the date is known beforehand, laid out for copying.
@safe
package final class FixedResponse: @unchecked Sendable {
    package let status: Int
    /// Field lines after Date, Content-Length included, each ended by CRLF.
    let fields: UnsafeRawBufferPointer
    let body: UnsafeRawBufferPointer
    let statusLine: UnsafeRawBufferPointer

    /// - Parameters:
    ///   - fields: names and values, already checked to be a token and a field value (RFC 9110 §5).
    ///   - body: left out of the message when `status` or the method allows none.
    package init(status: Int, fields: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        var lines = ""
        for field in fields { lines += "\(field.name): \(field.value)\r\n" }
        if !StatusCode.hasNoContent(status) { lines += "Content-Length: \(body.count)\r\n" }
        unsafe self.fields = Self.immortal(Array(lines.utf8))
        unsafe self.body = Self.immortal(StatusCode.hasNoContent(status) ? [] : body)
        unsafe statusLine = Self.immortal(Array("HTTP/1.1 \(status) \(StatusCode.reason(status))\r\n".utf8))
    }

    deinit {
        unsafe fields.deallocate()
        unsafe body.deallocate()
        unsafe statusLine.deallocate()
    }

    private static func immortal(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        unsafe copy.copyBytes(from: bytes)
        return UnsafeRawBufferPointer(copy)
    }
}
