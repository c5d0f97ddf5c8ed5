import HTTP

/// Sends a file, or parts of it, as fast as the client accepts them.
@safe
final class FileTransfer: RequestHandler {
    private let file: CachedFile
    /// Empty means the whole file.
    private let ranges: [Range<UInt64>]
    private let reporter: any FilesReporter

    init(_ file: CachedFile, _ ranges: [Range<UInt64>], reporter: any FilesReporter) {
        self.file = file
        self.ranges = ranges
        self.reporter = reporter
    }

    func handle(_ exchange: Exchange) async throws(ExchangeFailure) {
        let isWhole: Bool
        if ranges.count > 1 {
            isWhole = try await sendParts(exchange)
        } else if let range = ranges.first {
            let field = "Content-Range: bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.size)\r\n"
            begin(exchange, 206, file.fields + Array(field.utf8), UInt64(range.count))
            isWhole = try await send(range, exchange)
        } else {
            begin(exchange, 200, file.fields, file.size)
            isWhole = try await send(0..<file.size, exchange)
        }
        if isWhole {
            exchange.finish()
        } else {
            exchange.abandonResponse()
            reporter.report(
                "a file became shorter while it was sent", request: exchange.requestID,
                worker: exchange.endpoint.worker.index)
        }
    }

    private func send(_ range: Range<UInt64>, _ exchange: Exchange) async throws(ExchangeFailure) -> Bool {
        guard let content = file.content else {
            guard let opened = file.file else { return false }
            return try await exchange.sendFile(
                opened, from: range.lowerBound, count: range.upperBound - range.lowerBound)
        }
        let part = content[Int(range.lowerBound)..<Int(range.upperBound)]
        try await exchange.send(part)
        return true
    }

    /// `multipart/byteranges` (RFC 9110 §14.6).
    private func sendParts(_ exchange: Exchange) async throws(ExchangeFailure) -> Bool {
        let parts = MultipartRanges(ranges, size: file.size, type: file.type, boundary: MultipartRanges.newBoundary())
        begin(exchange, 206, Array(parts.contentType.utf8) + file.partFields, parts.length)
        for (index, range) in ranges.enumerated() {
            write(parts.heads[index], exchange)
            guard try await send(range, exchange) else { return false }
        }
        write(parts.end, exchange)
        return true
    }

    private func begin(_ exchange: Exchange, _ status: Int, _ fields: [UInt8], _ length: UInt64) {
        fields.withBytes {
            exchange.beginResponse(status: status, fields: $0, length: .known(length))
        }
    }

    private func write(_ text: [UInt8], _ exchange: Exchange) {
        text.withBytes { _ = exchange.write($0) }
    }
}

/// The text around the parts of a `multipart/byteranges` content.
struct MultipartRanges {
    /// The field line of the response.
    let contentType: String
    /// The head of each part.
    let heads: [[UInt8]]
    let end: [UInt8]
    /// Bytes of the whole content.
    let length: UInt64

    init(_ ranges: [Range<UInt64>], size: UInt64, type: String, boundary: String) {
        contentType = "Content-Type: multipart/byteranges; boundary=\(boundary)\r\n"
        heads = ranges.map { range in
            let place = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
            return Array("\r\n--\(boundary)\r\nContent-Type: \(type)\r\nContent-Range: \(place)\r\n\r\n".utf8)
        }
        end = Array("\r\n--\(boundary)--\r\n".utf8)
        length =
            ranges.reduce(0) { $0 + UInt64($1.count) } + heads.reduce(0) { $0 + UInt64($1.count) } + UInt64(end.count)
    }

    /// A text that no file contains by chance.
    static func newBoundary() -> String {
        String(UInt64.random(in: .min ... .max), radix: 36) + String(UInt64.random(in: .min ... .max), radix: 36)
    }
}
