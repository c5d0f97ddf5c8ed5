/// Something to do once at the end of a turn of the loop, when all its tasks have run: handing over what they collected.
package protocol TurnEndAction: AnyObject {
    func turnEnded()
}

/// Runs code that is not the gateway's on a worker's own thread, between two turns of its loop.
package protocol LoopBorrower: AnyObject {
    /// Calls `worker.lend` as often as there is something to run; false as soon as one of these calls is.
    func borrowLoop(of worker: Worker) -> Bool

    /// On the thread that took the loop over: what has not been run yet needs another place.
    func loopTaken()
}
