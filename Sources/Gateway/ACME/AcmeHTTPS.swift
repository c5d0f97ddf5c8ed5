import ACME
import HTTP
import Memory
import TLS
import Transport

/// Carries the requests to one authority: a connection for each, with a time for all of it.
final class AcmeHTTPS: AcmeTransport {
    private let context: TLSClientContext

    /// Connection, handshake, request and response together. Authorities answer within some seconds.
    private static let time = Delay.seconds(30)
    private static let limits = HeadLimits(maximumHead: 32 << 10, maximumFields: 100)
    private static let interimLimit = 5

    /// - Parameter authorities: the file of authorities that are trusted; nil for the system's.
    init(authorities: String?, readFile: @escaping FileReader) throws(AcmeError) {
        var settings = TLSClientContext.Settings()
        settings.authorities = authorities
        do throws(CertificateProblem) {
            context = try TLSClientContext(settings, readFile: readFile)
        } catch {
            throw .local(error.description)
        }
    }

    func exchange(_ request: AcmeRequest, limit: Int) throws(AcmeError) -> AcmeResponse {
        guard let url = RequestURL(request.url), url.isSecure else { throw .nonsense("a URL that is none of https") }
        let deadline = Deadline.current().advanced(by: Self.time)
        do throws(ConnectionFailure) {
            let name = url.host.hasPrefix("[") ? String(url.host.dropFirst().dropLast()) : url.host
            let connection = try BlockingConnection(to: url, name: name, context, until: deadline)
            try connection.send(Self.bytes(of: request, url))
            return try Self.read(from: connection, limit: limit, isHead: request.method == .head)
        } catch {
            if deadline <= .current() { throw .late }
            switch error {
            case .unreachable(let reason), .broken(let reason): throw .unreachable("\(url.authority): \(reason)")
            case .unsuitable(let reason): throw .nonsense(reason)
            }
        }
    }

    private static func bytes(of request: AcmeRequest, _ url: RequestURL) -> [UInt8] {
        var lines = [
            "\(request.method.rawValue) \(url.target) HTTP/1.1", "Host: \(url.authority)",
            "User-Agent: isagate/\(BuildVersion.text)", "Connection: close",
        ]
        if request.method == .post {
            lines += ["Content-Type: application/jose+json", "Content-Length: \(request.body.count)"]
        }
        return Array((lines + ["", ""]).joined(separator: "\r\n").utf8) + request.body
    }

    private static func read(
        from connection: BlockingConnection, limit: Int, isHead: Bool
    ) throws(ConnectionFailure) -> AcmeResponse {
        var parser = ResponseParser(limits: limits)
        var received: [UInt8] = []
        var interims = 0
        while true {
            while try !parse(&parser, received, isHead: isHead) {
                let bytes = try connection.receive()
                guard !bytes.isEmpty else { throw .broken("the connection ended before the response") }
                received += bytes
            }
            guard parser.head.isInterim else { break }
            interims += 1
            guard interims <= interimLimit else { throw .unsuitable("too many interim responses") }
            received.removeFirst(parser.head.length)
            parser.reset()
        }
        var response = AcmeResponse(status: parser.head.status, body: [])
        for index in 0..<parser.head.fieldCount {
            let field = parser.fields[index]
            let (name, value) = received.withBytes { bytes in
                (
                    String(decoding: bytes[field.name.range], as: UTF8.self).lowercased(),
                    String(decoding: bytes[field.value.range], as: UTF8.self)
                )
            }
            if name == "link" { response.links.append(value) } else { response.fields[name] = value }
        }
        received.removeFirst(parser.head.length)
        response.body = try readBody(parser.head.framing, received, connection, limit: limit)
        return response
    }

    private static func parse(
        _ parser: inout ResponseParser, _ received: [UInt8], isHead: Bool
    ) throws(ConnectionFailure) -> Bool {
        do throws(ResponseRejection) {
            return try parser.parse(received.span.rawBytes, toHEAD: isHead)
        } catch {
            throw .unsuitable("a response that is none of HTTP/1.1: \(error.reason)")
        }
    }

    private static func readBody(
        _ framing: ResponseFraming, _ beginning: [UInt8], _ connection: BlockingConnection, limit: Int
    ) throws(ConnectionFailure) -> [UInt8] {
        let tooLong = ConnectionFailure.unsuitable("a document of more than \(limit) bytes")
        var received = beginning
        switch framing {
        case .none: return []
        case .length(let length):
            guard length <= UInt64(limit) else { throw tooLong }
            while received.count < Int(length) {
                let bytes = try connection.receive()
                guard !bytes.isEmpty else { throw .broken("the response is cut") }
                received += bytes
            }
            return Array(received.prefix(Int(length)))
        case .untilClose:
            while true {
                guard received.count <= limit else { throw tooLong }
                let bytes = try connection.receive()
                if bytes.isEmpty { return received }
                received += bytes
            }
        case .chunked:
            return try readChunks(received, connection, limit: limit, tooLong)
        }
    }

    private static func readChunks(
        _ beginning: [UInt8], _ connection: BlockingConnection, limit: Int, _ tooLong: ConnectionFailure
    ) throws(ConnectionFailure) -> [UInt8] {
        var decoder = ChunkedDecoder()
        var received = beginning
        var body: [UInt8] = []
        while true {
            let step: ChunkedDecoder.Step
            do throws(RequestRejection) {
                step = try decoder.decode(received.span.rawBytes)
            } catch {
                throw .unsuitable("a response in chunks that are none")
            }
            switch step {
            case .data(let range):
                body += received[range]
                received.removeFirst(range.upperBound)
                guard body.count <= limit else { throw tooLong }
            case .trailer(let range): received.removeFirst(range.upperBound + 2)
            case .end: return body
            case .needsMore(let consumed):
                received.removeFirst(consumed)
                let bytes = try connection.receive()
                guard !bytes.isEmpty else { throw .broken("the response is cut") }
                received += bytes
            }
        }
    }
}
