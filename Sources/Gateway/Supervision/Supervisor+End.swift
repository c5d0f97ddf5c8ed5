import Transport

extension Supervisor {
    /// The time between the request to end and the drain, in which the gateway serves on but is not ready.
    struct Leaving {
        let cause: String
        /// For the drain that follows; without limit when nil.
        let grace: Duration?
        let until: Deadline
    }

    /// After a second signal.
    private static let pressedLimit = Delay.seconds(5)

    /// Ends the gateway: it is not ready from now on, and drains after `drain.delay`; a second call ends it immediately.
    ///
    /// What is about to replace the gateway process cannot be told of the delay: there is none then.
    func end(_ cause: String, within grace: Duration?) {
        guard !isEnding && leaving == nil else { return endAtOnce(cause) }
        let delay = served.configuration.drain.delay
        guard delay > .zero && isSteady else { return drain(cause, within: grace) }
        logger.notice("ending in \(formatTime(delay)): \(cause)")
        serviceManager.notify(.stopping)
        leaving = Leaving(cause: cause, grace: grace, until: .current().advanced(by: Delay(delay)))
        informGateway()
    }

    /// Lets a gateway's connections finish.
    ///
    /// - Parameter isReplaced: whether another process serves instead.
    func retire(_ child: Child, after grace: Delay?, isReplaced: Bool) {
        child.limit = grace.map { Deadline.current().advanced(by: $0).advanced(by: Self.endLimit) } ?? .never
        let milliseconds = grace.map { Int(clamping: $0.milliseconds) }
        send(to: child, .drain(graceMilliseconds: milliseconds, isReplaced: isReplaced))
    }

    private func endAtOnce(_ cause: String) {
        logger.notice("second signal: stopping at once")
        if !isEnding { drain(cause, within: .zero) }
        for child in children {
            child.limit = Deadline.current().advanced(by: Self.pressedLimit)
            if child.role != .crashed { send(to: child, .abort) }
        }
    }
}
