/// Something a worker's epoll instance reports on.
///
/// Handling an event only notes what happened and schedules tasks; descriptors are closed by tasks, which run after
/// all events of the turn. So no event of a turn can meet an object that an earlier event of it freed.
package class EventSource {
    /// - Parameter events: the EPOLL* bits reported.
    func handle(_ events: UInt32) {
        preconditionFailure("an event source handles its own events")
    }
}
