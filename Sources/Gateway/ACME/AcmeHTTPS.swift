import ACME
import HTTP
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
        let received = try BlockingResponse(
            from: connection, limits: limits, interimLimit: interimLimit, isHead: isHead)
        var response = AcmeResponse(status: received.status, body: [])
        for (name, value) in received.fields {
            if name == "link" { response.links.append(value) } else { response.fields[name] = value }
        }
        response.body = try received.readBody(limit: limit)
        return response
    }
}
