import Memory

/// A response of which all bytes except the date are known in advance, prepared for copying. Its views are valid as
/// long as it exists.
@safe
package final class FixedResponse: @unchecked Sendable {
    package let status: Int
    /// The coding of the body, if the gateway has applied one.
    package let coding: StaticString?
    /// The field lines after Date, including Content-Length, each terminated by CRLF.
    var fields: ByteView { fieldMemory.view }
    /// Those of the field lines that do not describe the content.
    var contentFreeFields: ByteView { contentFreeMemory.view }
    package var body: ByteView { bodyMemory.view }
    var statusLine: ByteView { statusLineMemory.view }

    private let fieldMemory: OwnedBytes
    private let contentFreeMemory: OwnedBytes
    private let ownFieldsCount: Int
    private let bodyMemory: OwnedBytes
    private let statusLineMemory: OwnedBytes

    /// - Parameters:
    ///   - fields: names and values, already validated as tokens and field values (RFC 9110 §5).
    ///   - body: omitted from the message if `status` or the method allows none.
    package convenience init(status: Int, fields: [(name: String, value: String)] = [], body: [UInt8] = []) {
        var lines = ""
        for field in fields { lines += "\(field.name): \(field.value)\r\n" }
        self.init(status: status, fieldLines: Array(lines.utf8), body: body)
    }

    /// - Parameter fieldLines: validated field lines, each terminated by CRLF, without those for the message framing.
    package init(status: Int, fieldLines: [UInt8], body: [UInt8], coding: StaticString? = nil) {
        self.status = status
        self.coding = coding
        let framing = StatusCode.hasNoContent(status) ? "" : "Content-Length: \(body.count)\r\n"
        fieldMemory = OwnedBytes(fieldLines + Array(framing.utf8))
        ownFieldsCount = fieldLines.count
        contentFreeMemory = OwnedBytes(Self.contentFree(fieldLines))
        bodyMemory = OwnedBytes(StatusCode.hasNoContent(status) ? [] : body)
        statusLineMemory = OwnedBytes(Array("HTTP/1.1 \(status) \(StatusCode.reason(status))\r\n".utf8))
    }

    /// The field lines without Content-Length.
    package var fieldLines: ByteView {
        fields[..<ownFieldsCount]
    }

    private static func contentFree(_ fieldLines: [UInt8]) -> [UInt8] {
        fieldLines.withBytes { text in
            var lines = FieldLines(text)
            var kept: [UInt8] = []
            while let field = lines.next() {
                if !field.hasPrefix("content-") { kept.append(contentsOf: field.line) }
            }
            return kept
        }
    }
}
