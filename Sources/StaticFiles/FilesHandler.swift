import HTTP
import Memory
import Transport

/// Answers the requests of one route with the files of a folder; one per worker.
@safe
package final class FilesHandler {
    private let lookup: FileLookup
    private let reporter: any FilesReporter
    private let prefixCount: Int

    private let options = FixedResponse(status: 204, fields: [("Allow", "GET, HEAD, OPTIONS")])
    private let notAllowed = FilesHandler.message(405, "files are read only", [("Allow", "GET, HEAD, OPTIONS")])
    private let absent = FilesHandler.message(404, "no such file")
    private let forbidden = FilesHandler.message(403, "the file may not be read")
    private let exhausted = FilesHandler.message(503, "too many open files", [("Retry-After", "1")])
    private let failed = FilesHandler.message(500, "the file cannot be read")
    private let outdated = FilesHandler.message(412, "the file is another one by now")

    /// Content up to this size is written immediately; a larger one is sent as the client accepts it.
    private static let immediateSize: UInt64 = 64 << 10

    /// - Parameters:
    ///   - number: distinguishes the route from the others that share `cache`.
    ///   - cache: of the worker.
    package init(
        _ options: FilesOptions, number: Int, cache: FileCache, types: MediaTypes, reporter: any FilesReporter
    ) {
        lookup = FileLookup(options, number: number, cache: cache, types: types)
        self.reporter = reporter
        prefixCount = options.strippedPrefix.utf8.count
    }

    package func answer(_ exchange: Exchange) -> Disposition {
        switch exchange.head.method {
        case .get, .head: break
        case .options:
            exchange.respond(options)
            return .answered
        default:
            exchange.fail(notAllowed)
            return .answered
        }
        let found = exchange.withPath { path in
            // Without the leading slash, which the path of a route without "*" may lack after its prefix.
            let start = min(prefixCount + 1, path.count)
            let isFolder = path.count == prefixCount
            return isFolder
                ? FileLookup.Found.folder
                : lookup.find(
                    path[start...], at: .init(exchange.endpoint.worker))
        }
        switch found {
        case .file(let file): return send(file, exchange)
        case .folder: redirectToFolder(exchange)
        case .listing(let name): return .handler(ListingHandler(lookup.reader, name: name, failed: failed))
        case .problem(let problem): fail(problem, exchange)
        }
        return .answered
    }

    // MARK: Files

    @inline(__always)
    private func send(_ file: CachedFile, _ exchange: Exchange) -> Disposition {
        let conditions = Self.conditions(of: exchange)
        let chosen = file.variants.isEmpty ? file : Self.variant(of: file, conditions, exchange)
        var ranges = ByteRanges.whole
        if conditions.isConditional {
            switch Self.evaluate(conditions, chosen, exchange) {
            case .proceed(let honoursRange):
                if honoursRange, exchange.head.method == .get, let value = conditions.range.value {
                    let text = exchange.bytes(of: value)
                    ranges = ByteRanges(text.bytes, size: chosen.size)
                }
            case .notModified:
                sendNotModified(chosen, exchange)
                return .answered
            case .failed:
                exchange.fail(outdated)
                return .answered
            }
        }
        switch ranges {
        case .whole: return sendWhole(chosen, exchange)
        case .parts(let ranges): return .handler(FileTransfer(chosen, ranges, reporter: reporter))
        case .unsatisfiable: refuse(chosen, "no part of the file is in the range", exchange)
        case .excessive: refuse(chosen, "more than 16 ranges", exchange)
        }
        return .answered
    }

    private static func evaluate(
        _ conditions: RequestConditions, _ file: CachedFile, _ exchange: Exchange
    ) -> RequestConditions.Outcome {
        let head = exchange.headBytes
        return file.entityTag.withBytes { tag in
            conditions.evaluate(
                head.bytes, entityTag: tag.bytes, modified: file.modified,
                now: exchange.endpoint.worker.wallSeconds)
        }
    }

    private func sendWhole(_ file: CachedFile, _ exchange: Exchange) -> Disposition {
        let isHead = exchange.head.method == .head
        guard isHead || file.size == 0 || file.content != nil && file.size <= Self.immediateSize else {
            return .handler(FileTransfer(file, [], reporter: reporter))
        }
        begin(exchange, 200, file.fields, file.size)
        if let content = file.content, !isHead { exchange.write(content) }
        exchange.finish()
        return .answered
    }

    private func sendNotModified(_ file: CachedFile, _ exchange: Exchange) {
        file.validators.withBytes { validators in
            file.fields.withBytes { fields in
                exchange.beginResponse(
                    status: 304, fields: validators, length: .known(0),
                    whole: WholeContent(fields: fields, length: file.size))
            }
        }
        exchange.finish()
    }

    private func begin(_ exchange: Exchange, _ status: Int, _ fields: [UInt8], _ length: UInt64) {
        fields.withBytes {
            exchange.beginResponse(status: status, fields: $0, length: .known(length))
        }
    }

    private func refuse(_ file: CachedFile, _ reason: StaticString, _ exchange: Exchange) {
        let field = Array("Content-Range: bytes */\(file.size)\r\n".utf8)
        field.withBytes { exchange.fail(status: 416, fields: $0, reason: reason) }
    }

    @inline(__always)
    private static func conditions(of exchange: Exchange) -> RequestConditions {
        var conditions = RequestConditions()
        let bytes = exchange.headBytes
        let head = bytes.bytes
        let fields = exchange.fields
        for index in 0..<fields.count {
            let field = fields[index]
            if field.known == .other { conditions.take(head.extracting(field.name.range), field.value) }
        }
        return conditions
    }

    /// The smallest variant of the file that the client accepts.
    private static func variant(
        of file: CachedFile, _ conditions: RequestConditions, _ exchange: Exchange
    ) -> CachedFile {
        guard let value = conditions.acceptEncoding.value else { return file }
        let list = exchange.bytes(of: value)
        for variant in file.variants where variant.coding.isAccepted(by: list.bytes) { return variant.file }
        return file
    }

    // MARK: Paths without a file

    private func redirectToFolder(_ exchange: Exchange) {
        var location = "Location: "
        // The path as sent could begin with two slashes, and so name another host.
        exchange.withPath { path in location += URLPath.encoded(path) + "/" }
        if exchange.head.hasQuery { location += "?" + exchange.text(of: exchange.head.query) }
        begin(exchange, 308, Array((location + "\r\n").utf8), 0)
        exchange.finish()
    }

    private func fail(_ problem: FileProblem, _ exchange: Exchange) {
        if let report = problem.report {
            reporter.report(
                "\(lookup.options.root): \(report)", request: exchange.requestID,
                worker: exchange.endpoint.worker.index)
        }
        switch problem.status {
        case 403: exchange.fail(forbidden)
        case 404: exchange.fail(absent)
        case 503: exchange.fail(exhausted)
        default: exchange.fail(failed)
        }
    }

    static func message(_ status: Int, _ text: String, _ fields: [(String, String)] = []) -> FixedResponse {
        FixedResponse(
            status: status,
            fields: [(name: "Content-Type", value: "text/plain; charset=utf-8")]
                + fields.map { (name: $0.0, value: $0.1) },
            body: Array("\(status) \(StatusCode.reason(status)): \(text)\n".utf8))
    }
}

/// Receives reports about problems with files, on the worker that noticed.
package protocol FilesReporter: AnyObject, Sendable {
    func report(_ problem: String, request: RequestID, worker: Int)
}

/// Encodes paths for URLs.
enum URLPath {
    /// Percent-encodes characters that are not allowed in a path (RFC 3986 §3.3).
    static func encoded(_ path: ByteView) -> String {
        var text = ""
        for index in 0..<path.count {
            let byte = path[index]
            if isPathByte(byte) {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
        return text
    }

    private static func isPathByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "/-._~!$&'()*+,;=:@".utf8.contains(byte)
        }
    }
}
