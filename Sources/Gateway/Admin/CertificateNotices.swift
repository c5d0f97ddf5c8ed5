import Dispatch
import Glibc
import Synchronization
import Logging
import TLS

/// Logs certificates that are served when they come near their end, and when they reach it.
///
/// Metrics and the status page work the time out when they are asked; the log has to say it at the moment. Only the next
/// such moment is waited for, on a queue of its own, by the system's clock, which may be set.
final class CertificateNotices: Sendable {
    /// A reload of thousands of sites logs as many lines at most.
    private static let lineLimit = 20

    private let logger: Logger
    private let queue = DispatchQueue(label: "certificate notices")
    private let state = Mutex(State())

    private struct State {
        var served: [Served] = []
        /// Up to which time the log tells of certificates, in seconds since 1970.
        var toldUntil: Int64 = 0
        /// Told apart from waits for certificates that have been replaced.
        var waits = 0
    }

    struct Served: Equatable {
        let file: String
        let serial: String
        /// Seconds since 1970.
        let notAfter: Int64

        init(file: String, serial: String, notAfter: Int64) {
            self.file = file
            self.serial = serial
            self.notAfter = notAfter
        }

        /// When the log tells of it.
        var moments: [Int64] { [notAfter - Condition.expiryNotice, notAfter] }
    }

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// Takes over what is served from now on, and logs those that are new and near their end already.
    func follow(_ reports: [CertificateReport]) {
        let now = TLS.Timestamp.now.seconds
        let served = reports.map { Served(file: $0.file, serial: $0.serial, notAfter: $0.notAfter.seconds) }
        let known = state.withLock { state in
            defer {
                state.served = served
                state.toldUntil = now
            }
            return Set(state.served.map(\.serial))
        }
        // Those that have expired were refused, or warned of when they were loaded.
        let near = 1...Condition.expiryNotice
        tell(served.filter { !known.contains($0.serial) && near.contains($0.notAfter - now) }, now)
        wait()
    }

    /// Those of which one of their moments is behind `last` and not behind `now`.
    static func due(_ served: [Served], since last: Int64, now: Int64) -> [Served] {
        served.filter { $0.moments.contains { last < $0 && $0 <= now } }
    }

    /// The next moment of any of them; nil for none.
    static func next(_ served: [Served], after last: Int64) -> Int64? {
        served.lazy.flatMap(\.moments).filter { $0 > last }.min()
    }

    private func wait() {
        let (moment, number) = state.withLock { state in
            state.waits += 1
            return (Self.next(state.served, after: state.toldUntil), state.waits)
        }
        guard let moment else { return }
        let time = DispatchWallTime(timespec: timespec(tv_sec: Int(moment), tv_nsec: 0))
        queue.asyncAfter(wallDeadline: time) { [weak self] in self?.wake(number) }
    }

    private func wake(_ number: Int) {
        let now = TLS.Timestamp.now.seconds
        let due: [Served]? = state.withLock { state in
            guard state.waits == number else { return nil }
            defer { state.toldUntil = max(state.toldUntil, now) }
            return Self.due(state.served, since: state.toldUntil, now: now)
        }
        guard let due else { return }
        tell(due, now)
        wait()
    }

    private func tell(_ due: [Served], _ now: Int64) {
        for one in due.prefix(Self.lineLimit) {
            let condition = Condition.ofExpiry(of: one.file, secondsLeft: one.notAfter - now)
            guard let condition else { continue }
            logger.warning("\(condition.text) (\(condition.reason))")
        }
        guard due.count > Self.lineLimit else { return }
        let word = Condition.Word.certificateExpiring.rawValue
        let others = due.count - Self.lineLimit
        logger.warning("so it is with \(others) more certificates, which isagate certs lists (\(word))")
    }
}
