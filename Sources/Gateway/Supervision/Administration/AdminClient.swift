import CLinux
import Glibc
import Transport

/// Sends a request to a running gateway over its control socket.
package enum AdminClient {
    /// Why there is no answer.
    package enum Failure: Error, Equatable {
        /// Nothing listens (exit code 69).
        case notRunning(String)
        /// It listens but does not answer (exit code 1).
        case noAnswer(String)
        /// The configuration does not name the socket (exit code 78).
        case invalid(String)

        package var message: String {
            switch self {
            case .notRunning(let text), .noAnswer(let text), .invalid(let text): text
            }
        }
    }

    /// A list of 100,000 certificates fits.
    private static let answerLimit = 64 << 20

    /// Sends one request and waits for the answer.
    ///
    /// A stop takes as long as connections need; all other requests have two minutes, which is longer than the gateway
    /// itself waits for anything.
    package static func ask(_ request: AdminRequest, socket path: String) throws(Failure) -> AdminResponse {
        guard let address = UnixAddress(path) else { throw .notRunning("\(path) is too long for a socket") }
        let descriptor = OpenFile(adopting: Glibc.socket(AF_UNIX, CLinux_SOCK_BLOCKING_STREAM_FLAGS, 0))
        if request.command != .stop && request.command != .drain { limitWait(descriptor.number, seconds: 120) }
        guard unsafe address.withSocketAddress({ unsafe connect(descriptor.number, $0, $1) }) == 0 else {
            throw .notRunning("no gateway listens on \(path): \(systemMessage(errno))")
        }
        // A gateway that refuses immediately may have closed already; its answer can still be read.
        let line = encodeLine(request)
        _ = line.withBytes { SystemCalls.send(descriptor.number, $0) }
        let answer = readToEnd(descriptor.number)
        guard let response = decodeLine(answer, as: AdminResponse.self) else {
            throw .noAnswer("the gateway on \(path) gave no answer")
        }
        return response
    }

    private static func limitWait(_ descriptor: Int32, seconds: Int) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    private static func readToEnd(_ descriptor: Int32) -> [UInt8] {
        var answer: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 << 10)
        while answer.count < answerLimit {
            let count = SystemCalls.read(descriptor, into: &block)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            answer.append(contentsOf: block.prefix(count))
        }
        return answer
    }
}
