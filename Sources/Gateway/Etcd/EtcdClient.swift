import ACME
import HTTP
import TLS
import Transport

/// The requests to the members of one etcd: a connection for each.
final class EtcdClient {
    private let source: EtcdSource
    private let context: TLSClientContext?
    private let interrupt: WakeUp
    /// Of the user; nil before it is known.
    private var token: String?

    /// Of any message: 1,024 values of 4 KiB in base64, with their keys.
    static let messageLimit = 8 << 20
    private static let refusalLimit = 64 << 10
    private static let limits = HeadLimits(maximumHead: 32 << 10, maximumFields: 100)
    private static let interimLimit = 5

    /// - Parameter interrupt: ends every wait once it is rung.
    init(_ source: EtcdSource, interrupt: WakeUp) throws(EtcdFailure) {
        self.source = source
        self.interrupt = interrupt
        do throws(CertificateProblem) {
            context = try EtcdSource.security(of: source.configuration, files: source.files)
        } catch {
            throw .local(error.description)
        }
    }

    /// Every key below the prefix: what a majority of the members agrees on.
    func range(at member: Int) throws(EtcdFailure) -> EtcdRange {
        let request = EtcdMessages.range(
            prefix: source.configuration.prefix, limit: ServersFile.maximumServers + 1)
        let response = try authorized(at: member, "/v3/kv/range", request)
        return try EtcdMessages.decodeRange(try body(response))
    }

    /// Changes from a revision on.
    func watch(at member: Int, from revision: Int64) throws(EtcdFailure) -> EtcdWatch {
        let request = EtcdMessages.watch(prefix: source.configuration.prefix, from: revision)
        return EtcdWatch(try authorized(at: member, "/v3/watch", request))
    }

    /// With the user's token, which is asked for when there is none, and once more when it is not valid any longer.
    private func authorized(
        at member: Int, _ path: String, _ request: [UInt8]
    ) throws(EtcdFailure) -> BlockingResponse {
        guard let user = source.configuration.user else { return try send(at: member, path, request) }
        if token != nil {
            do throws(EtcdFailure) {
                return try send(at: member, path, request)
            } catch {
                guard case .refused = error else { throw error }
                token = nil
            }
        }
        let password = String(decoding: Passphrase.line(source.files[user.passwordFile] ?? []), as: UTF8.self)
        let answer = try send(
            at: member, "/v3/auth/authenticate", EtcdMessages.authenticate(user: user.name, password: password))
        token = try EtcdMessages.decodeToken(try body(answer))
        return try send(at: member, path, request)
    }

    private func send(at member: Int, _ path: String, _ request: [UInt8]) throws(EtcdFailure) -> BlockingResponse {
        let endpoint = source.configuration.endpoints[member]
        guard case .tcp(let host, _, _) = endpoint, let url = RequestURL(endpoint.description) else {
            throw .local("\(endpoint) is no address of a member")
        }
        let deadline = Deadline.current().advanced(by: Delay(source.configuration.timeout))
        var lines = [
            "POST \(path) HTTP/1.1", "Host: \(url.authority)", "User-Agent: isagate/\(BuildVersion.text)",
            "Connection: close", "Content-Type: application/json", "Content-Length: \(request.count)",
        ]
        if let token { lines.append("Authorization: \(token)") }
        let head = Array((lines + ["", ""]).joined(separator: "\r\n").utf8)
        let response: BlockingResponse
        var refusal: [UInt8]?
        do throws(ConnectionFailure) {
            let connection = try BlockingConnection(
                to: url, name: source.configuration.tls.serverName ?? host, context, until: deadline,
                interrupt: interrupt)
            try connection.send(head + request)
            response = try BlockingResponse(from: connection, limits: Self.limits, interimLimit: Self.interimLimit)
            if response.status != 200 { refusal = try response.readBody(limit: Self.refusalLimit) }
        } catch {
            throw EtcdFailure(error)
        }
        guard let refusal else { return response }
        let reason = EtcdMessages.decodeRefusal(refusal) ?? response.phrase
        throw .refused(status: response.status, visibleText(reason))
    }

    private func body(_ response: BlockingResponse) throws(EtcdFailure) -> [UInt8] {
        do throws(ConnectionFailure) {
            return try response.readBody(limit: Self.messageLimit)
        } catch {
            throw EtcdFailure(error)
        }
    }
}

/// The messages of a watch, as they come.
final class EtcdWatch {
    private let response: BlockingResponse
    private var lines = EtcdLines(limit: EtcdClient.messageLimit)

    fileprivate init(_ response: BlockingResponse) {
        self.response = response
    }

    /// What has come until a time: nothing, if nothing has.
    ///
    /// Errors: also the end of the watch.
    func next(until time: Deadline) throws(EtcdFailure) -> [EtcdNotice] {
        let piece: BlockingResponse.Piece
        do throws(ConnectionFailure) {
            piece = try response.next(until: time)
        } catch {
            throw EtcdFailure(error)
        }
        switch piece {
        case .late: return []
        case .end: throw .ended("the member has ended the watch")
        case .data(let bytes):
            return try lines.take(bytes).map { line throws(EtcdFailure) in try EtcdMessages.decodeNotice(line) }
        }
    }
}

extension EtcdFailure {
    fileprivate init(_ failure: ConnectionFailure) {
        switch failure {
        case .unreachable(let text), .broken(let text): self = .unreachable(text)
        case .unsuitable(let text): self = .nonsense(text)
        }
    }
}
