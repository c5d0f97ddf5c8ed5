import Dispatch
import Logging

/// Runs work that takes long, away from the threads that serve: the start of an extension, the end of a pool or a
/// library.
final class Retirement: Sendable {
    private let logger: Logger
    private let group = DispatchGroup()
    private let queue = DispatchQueue(label: "retirement", attributes: .concurrent)

    /// How long an extension may take to finish its requests: IIS's limit for the end of a worker process.
    static let limit = Duration.seconds(90)

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// Runs `action` soon, on another thread; what it captures is released there too.
    func run(_ action: @escaping @Sendable (Logger) -> Void) {
        queue.async(group: group) { [logger] in action(logger) }
    }

    /// Runs `action` after a while; `wait` does not wait for it.
    func run(after pause: Duration, _ action: @escaping @Sendable (Logger) -> Void) {
        queue.asyncAfter(deadline: .now() + pause.dispatchInterval) { [self] in run(action) }
    }

    /// Waits until nothing is in progress; false when that takes longer than `limit`.
    func wait(within limit: Duration) -> Bool {
        group.wait(timeout: .now() + limit.dispatchInterval) == .success
    }
}

extension Duration {
    fileprivate var dispatchInterval: DispatchTimeInterval {
        .milliseconds(Int(components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000))
    }
}
