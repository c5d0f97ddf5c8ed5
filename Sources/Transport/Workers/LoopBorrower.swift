/// An action that runs once at the end of a turn of the loop, after all its tasks, for work that they have collected.
package protocol TurnEndAction: AnyObject {
    func turnEnded()
}

/// Runs code from outside the gateway on a worker's own thread, between two turns of its loop.
package protocol LoopBorrower: AnyObject {
    /// Calls `worker.lend` once for each piece of work; returns false as soon as one of these calls does.
    func borrowLoop(of worker: Worker) -> Bool

    /// Called on the thread that took the loop over: work that has not run yet must run elsewhere.
    func loopTaken()
}
