import Dispatch
import Logging

/// Runs the ends of things that take their time, away from the threads that serve: the end of a pool, of a library.
final class Retirement: Sendable {
    private let logger: Logger
    private let group = DispatchGroup()
    private let queue = DispatchQueue(label: "retirement", attributes: .concurrent)

    /// How long an extension may take to let go of its requests: IIS's limit for the end of a worker process.
    static let limit = Duration.seconds(90)

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// Runs `action` soon, on another thread; what it holds is released there too.
    func retire(_ action: @escaping @Sendable (Logger) -> Void) {
        queue.async(group: group) { [logger] in action(logger) }
    }

    /// Waits until nothing is retiring; false when that takes longer than `limit`.
    func wait(within limit: Duration) -> Bool {
        let milliseconds = limit.components.seconds * 1000 + limit.components.attoseconds / 1_000_000_000_000_000
        return group.wait(timeout: .now() + .milliseconds(Int(milliseconds))) == .success
    }
}
