import HTTP
import Transport

/// Answers with the listing of a folder: a page, or data if the client prefers JSON.
@safe
final class ListingHandler: RequestHandler {
    private let reader: FolderReader
    private let name: [UInt8]
    private let failed: FixedResponse

    /// Listings are requested by people; limiting them to a few at a time prevents a slow disk from filling the memory.
    private static let threads = SideThreads("folders", width: 2, limit: 64)
    /// A disk that takes longer is assumed to have failed.
    private static let limit = Delay.seconds(30)

    /// - Parameters:
    ///   - name: the folder's, relative to the root.
    ///   - failed: the response when the folder cannot be read.
    init(_ reader: FolderReader, name: [UInt8], failed: FixedResponse) {
        self.reader = reader
        self.name = name
        self.failed = failed
    }

    func handle(_ exchange: Exchange) async throws(ExchangeFailure) {
        let accept = exchange.value(named: "accept").map { exchange.text(of: $0) } ?? ""
        let wantsData = AcceptedTypes(accept).prefers("application/json", over: "text/html")
        let path = exchange.withPath { String(decoding: $0, as: UTF8.self) }
        let order = ListingOrder(query: exchange.head.hasQuery ? exchange.text(of: exchange.head.query) : "")
        let (reader, name) = (reader, name)
        let depth = name.isEmpty ? 0 : name.count { $0 == UInt8(ascii: "/") } + 1
        let body = try await exchange.run(on: Self.threads, within: Self.limit) { () -> [UInt8]? in
            guard let content = reader.read(name) else { return nil }
            let listing = FolderListing(path: path, content: content, order: order, depth: depth)
            return wantsData ? listing.json : listing.html
        }
        guard let body, let body else { return exchange.fail(failed) }
        let fields = Array((wantsData ? Self.dataFields : Self.pageFields).utf8)
        fields.withBytes {
            exchange.beginResponse(status: 200, fields: $0, length: .known(UInt64(body.count)))
        }
        body.withBytes { _ = exchange.write($0) }
        exchange.finish()
    }

    private static let commonFields = "Cache-Control: no-cache\r\nVary: Accept\r\nX-Content-Type-Options: nosniff\r\n"
    private static let dataFields = "Content-Type: application/json\r\n" + commonFields
    private static let pageFields =
        "Content-Type: text/html; charset=utf-8\r\n"
        + "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n"
        + commonFields
}

/// The value of an Accept field (RFC 9110 §12.5.1).
struct AcceptedTypes {
    private let weights: [String: Double]

    init(_ value: String) {
        var weights: [String: Double] = [:]
        for element in value.split(separator: ",") {
            let parts = element.split(separator: ";").map { $0.drop { $0 == " " }.lowercased() }
            guard let type = parts.first?.split(separator: " ").first else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            weights[String(type)] = weight
        }
        self.weights = weights
    }

    /// Whether one type is named and has a higher weight than the other one; `*/*` expresses no preference.
    func prefers(_ type: String, over other: String) -> Bool {
        (weights[type] ?? 0) > (weights[other] ?? 0)
    }
}
