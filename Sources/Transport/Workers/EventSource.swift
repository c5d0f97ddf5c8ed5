/// An object whose events a worker's epoll instance reports.
///
/// Handling an event only records it and schedules tasks. Descriptors are closed by tasks, which run after all events
/// of the turn, so no event of a turn can refer to an object that an earlier event of it freed.
package class EventSource {
    /// - Parameter events: the EPOLL* bits reported.
    func handle(_ events: UInt32) {
        preconditionFailure("an event source handles its own events")
    }
}
