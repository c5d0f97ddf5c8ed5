import Transport

/// A connection's endpoint wakes the task that waits for its session.
extension WaitingEndpoint: SessionNotifier {
    package func notify() { signal() }
    package func notifyAtOnce() { worker.isCurrent ? signalAtOnce() : signal() }
    package func expectDelay() { shortenWait(to: ExtensionDispatcher.flushDelay) }
}
