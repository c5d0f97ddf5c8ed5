import HTTP
import TLS
import Transport

/// Sends a recorded request to another gateway and compares the responses.
package struct Replay: Sendable {
    package let request: ReplayRequest
    package let url: RequestURL
    /// A file of authorities; nil for the system's.
    package var authorities: String?
    package var isVerified = true
    /// For connection, handshake, request and response together.
    package var time = Duration.seconds(30)

    package init(_ request: ReplayRequest, to url: RequestURL) {
        self.request = request
        self.url = url
    }

    /// The most bytes of a response that are waited for; a longer one is cut off.
    private static let responseLimit = 64 << 20
    private static let limits = HeadLimits(maximumHead: 256 << 10, maximumFields: 1000)
    private static let interimLimit = 20

    package func run() throws(ReplayFailure) -> ReplayedResponse {
        let context = try context()
        do throws(ConnectionFailure) {
            return try exchange(context)
        } catch {
            throw ReplayFailure(error)
        }
    }

    private func exchange(_ context: TLSClientContext?) throws(ConnectionFailure) -> ReplayedResponse {
        let name = request.host.isEmpty ? url.host : request.host
        let connection = try BlockingConnection(
            to: url, name: name, context, until: Deadline.current().advanced(by: Delay(time)))
        // A gateway may answer before it has read everything, and close.
        var failure: ConnectionFailure?
        do throws(ConnectionFailure) {
            try connection.send(request.bytes)
        } catch {
            failure = error
        }
        do throws(ConnectionFailure) {
            return try readResponse(connection)
        } catch {
            throw failure ?? error
        }
    }

    private func context() throws(ReplayFailure) -> TLSClientContext? {
        guard url.isSecure else { return nil }
        var settings = TLSClientContext.Settings()
        settings.authorities = authorities
        settings.isVerified = isVerified
        do throws(CertificateProblem) {
            return try TLSClientContext(settings, readFile: CertificateFileSystem.read)
        } catch {
            throw .unsuitable(error.description)
        }
    }

    private func readResponse(_ connection: BlockingConnection) throws(ConnectionFailure) -> ReplayedResponse {
        let response = try BlockingResponse(
            from: connection, limits: Self.limits, interimLimit: Self.interimLimit, isHead: request.isHead)
        // The status is known; how the rest ends is not what is asked.
        var count = 0
        while count < Self.responseLimit, case .data(let bytes)? = try? response.next(until: connection.deadline) {
            count += bytes.count
        }
        return ReplayedResponse(status: response.status, phrase: TraceRecord.visible(response.phrase))
    }
}

/// What another gateway has answered.
package struct ReplayedResponse: Sendable, Equatable {
    package let status: Int
    /// The reason phrase, which may be empty.
    package let phrase: String

    package var text: String { phrase.isEmpty ? String(status) : "\(status) \(phrase)" }
}

extension TraceRecord {
    /// The request and its old response, for the result of a replay.
    package var replayText: String {
        let reason = reason.map { " (\($0))" } ?? ""
        return Self.visible("\(method ?? "-") \(target ?? "-"): \(status)\(reason)")
    }
}
