/// What a site says, in place of the gateway's own words, when the gateway answers with an error; by status.
@safe
package final class ErrorPages: Sendable {
    /// The content of an answer with a certain status.
    package struct Page: Sendable {
        /// Content-Type, as a field line ended by CRLF.
        package let typeField: [UInt8]
        package let body: [UInt8]

        package init(type: String, body: [UInt8]) {
            typeField = Array("Content-Type: \(type)\r\n".utf8)
            self.body = body
        }
    }

    /// At most one for each status and sub-status, so a search from the front is short.
    private let pages: [(status: Int, substatus: Int?, page: Page)]

    /// - Parameter pages: those without a sub-status stand for all of them that have no page of their own.
    package init(_ pages: [(status: Int, substatus: Int?, page: Page)]) {
        self.pages = pages
    }

    package func page(for status: Int, substatus: Int = 0) -> Page? {
        let exact = substatus == 0 ? nil : pages.first { $0.status == status && $0.substatus == substatus }
        return (exact ?? pages.first { $0.status == status && $0.substatus == nil })?.page
    }
}

extension Exchange {
    /// What answers errors of this request from now on.
    @inline(__always)
    package func setErrorPages(_ pages: ErrorPages) {
        unsafe storage.pointee.errorPages = pages
    }

    /// The page of the request's site for a status, if it has one.
    package func errorPage(for status: Int) -> ErrorPages.Page? {
        unsafe storage.pointee.errorPages?.page(for: status)
    }

    /// Gives the gateway's own response to an error; the site's page for the status replaces its content.
    package func fail(_ response: FixedResponse, keepAlive: Bool = true) {
        guard let page = errorPage(for: response.status) else { return respond(response, keepAlive: keepAlive) }
        unsafe respond(page, status: response.status, fields: response.contentFreeFields, keepAlive: keepAlive)
    }

    /// As `fail(_:keepAlive:)` for what is not known beforehand.
    ///
    /// - Parameters:
    ///   - fields: validated field lines, each ended by CRLF, about anything but the content.
    ///   - reason: what went wrong, for whoever reads the response.
    package func fail(
        status: Int, fields: UnsafeRawBufferPointer? = nil, reason: StaticString, keepAlive: Bool = true
    ) {
        let page =
            errorPage(for: status)
            ?? ErrorPages.Page(
                type: "text/plain; charset=utf-8",
                body: Array("\(status) \(StatusCode.reason(status)): \(reason)\n".utf8))
        let fields = unsafe fields ?? UnsafeRawBufferPointer(start: nil, count: 0)
        unsafe respond(page, status: status, fields: fields, keepAlive: keepAlive)
    }

    private func respond(_ page: ErrorPages.Page, status: Int, fields: UnsafeRawBufferPointer, keepAlive: Bool) {
        let lines = unsafe page.typeField + fields
        unsafe lines.withUnsafeBytes {
            unsafe beginResponse(
                status: status, fields: $0, length: .known(UInt64(page.body.count)), keepAlive: keepAlive)
        }
        unsafe page.body.withUnsafeBytes { _ = unsafe write($0) }
        finish()
    }
}
