/// A request to an authority, and what came back.
package struct AcmeRequest: Equatable, Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
    }

    package var method: Method
    /// An `https` URL without other characters than those of URLs.
    package var url: String
    package var body: [UInt8] = []
}

package struct AcmeResponse: Equatable, Sendable {
    package var status: Int
    /// By name in lower case.
    package var fields: [String: String]
    /// `Link` fields, of which there may be several.
    package var links: [String] = []
    package var body: [UInt8]

    package init(status: Int, fields: [String: String] = [:], links: [String] = [], body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.links = links
        self.body = body
    }
}

/// Carries requests to an authority: each within a time, and with a limit on what comes back.
package protocol AcmeTransport: AnyObject {
    /// - Parameter limit: bytes of the response's content.
    func exchange(_ request: AcmeRequest, limit: Int) throws(AcmeError) -> AcmeResponse
}
