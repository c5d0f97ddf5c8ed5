import Transport

/// What the file cache of one worker has counted since it was made; any thread may read it.
package final class FileCacheCounters: Sendable {
    /// Look-ups that found a file which counted as unchanged.
    package let hits = WorkerCounter()
    /// Look-ups for which the file system was asked.
    package let misses = WorkerCounter()
    /// Files that were removed for others.
    package let evictions = WorkerCounter()

    package init() {}
}
