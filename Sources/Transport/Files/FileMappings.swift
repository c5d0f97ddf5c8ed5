import CLinux
import Synchronization

/// The files that all workers of a process send from memory: those that are requested repeatedly.
///
/// Mapping a file and reading it for the first time costs more than copying it. A file is therefore mapped when it is
/// requested for the second time, and evicted only for a file that has been requested twice since.
package final class FileMappings: Sendable {
    private let state = Mutex(State())
    /// The maximum number of mapped bytes; 0 disables mapping.
    private let limit = Atomic(0)
    private let total = MappedBytes()
    private let hasReported = Atomic(false)
    private let lostSignal: @Sendable () -> Void

    private struct State {
        var places: [Place] = []
        /// Files that were requested and are not mapped; the next one to be forgotten is at `oldest`.
        var asked: [Asked] = []
        var oldest = 0
        /// A counter of requests, used as a clock.
        var now: UInt64 = 0
    }

    private struct Place {
        var mapping: FileMapping
        var lastUse: UInt64
    }

    private struct Asked {
        let version: MappedVersion
        /// The time of the last request.
        var time: UInt64
        /// The end of the range requested last; a request that continues there does not count as another one.
        var end: Int
    }

    /// The number of files remembered that were requested once.
    private static let memory = 128
    /// One less than can be watched: a mapping is added before the one that it replaces is removed.
    private static let mostFiles = Int(CLinux_MAPPING_LIMIT) - 1

    /// - Parameters:
    ///   - limit: the maximum number of mapped bytes of files.
    ///   - lostSignal: called once when other code has replaced the handler of the signal that protects reads.
    package init(limit: Int = 0, lostSignal: @escaping @Sendable () -> Void = {}) {
        self.lostSignal = lostSignal
        setLimit(limit)
    }

    /// Changes the limit of mapped bytes; 0 disables mapping. Mappings from which bodies are being sent remain until
    /// those end.
    package func setLimit(_ limit: Int) {
        let canMap = limit > 0 && CLinux_catch_bus_errors() == 0
        self.limit.store(canMap ? limit : 0, ordering: .relaxed)
        _ = state.withLock { state in makeRoom(for: 0, untouchedSince: .max, in: &state) }
    }

    /// The mapping of a file for which mapping pays off; nil if its bytes have to be read.
    package func mapping(of file: OpenFile, for range: Range<UInt64>) -> FileMapping? {
        let limit = limit.load(ordering: .relaxed)
        guard limit > 0, let version = MappedVersion(of: file), version.size <= limit,
            range.upperBound <= UInt64(version.size)
        else { return nil }
        guard CLinux_catches_bus_errors() != 0 else {
            if !hasReported.exchange(true, ordering: .relaxed) { lostSignal() }
            return nil
        }
        let (mapping, dropped) = state.withLock { state in
            find(version, file, Int(range.lowerBound)..<Int(range.upperBound), in: &state)
        }
        // Unmapping takes time, so it is done without the lock.
        _ = dropped
        return mapping
    }

    /// Removes a mapping that is no longer of use.
    package func drop(_ mapping: FileMapping) {
        state.withLock { state in state.places.removeAll { $0.mapping === mapping } }
    }

    /// The number of files and bytes that are mapped.
    package var inUse: (files: Int, bytes: Int) {
        (state.withLock { $0.places.count }, total.count.load(ordering: .relaxed))
    }

    private func find(
        _ version: MappedVersion, _ file: OpenFile, _ range: Range<Int>, in state: inout State
    ) -> (FileMapping?, [FileMapping]) {
        state.now += 1
        if let index = state.places.firstIndex(where: { $0.mapping.version.isOfSameFile(as: version) }) {
            let mapping = state.places[index].mapping
            if mapping.version == version, !mapping.isBroken {
                state.places[index].lastUse = state.now
                return (mapping, [])
            }
            // The mapping of an earlier version of the file is never used again.
            state.places.remove(at: index)
            _ = isAskedAgain(version, range, in: &state)
            return (nil, [mapping])
        }
        guard let before = isAskedAgain(version, range, in: &state) else { return (nil, []) }
        let dropped = makeRoom(for: version.size, untouchedSince: before, in: &state)
        guard hasRoom(for: version.size, besides: dropped, in: state),
            let mapping = FileMapping(file, version, counting: total)
        else { return (nil, dropped) }
        state.places.append(Place(mapping: mapping, lastUse: state.now))
        return (mapping, dropped)
    }

    /// When bytes of `range` were last requested; records the present request.
    private func isAskedAgain(_ version: MappedVersion, _ range: Range<Int>, in state: inout State) -> UInt64? {
        if let index = state.asked.firstIndex(where: { $0.version == version }) {
            let before = state.asked[index]
            state.asked[index].time = state.now
            state.asked[index].end = range.upperBound
            return range.lowerBound < before.end ? before.time : nil
        }
        let asked = Asked(version: version, time: state.now, end: range.upperBound)
        if state.asked.count < Self.memory {
            state.asked.append(asked)
        } else {
            state.asked[state.oldest] = asked
            state.oldest = (state.oldest + 1) % Self.memory
        }
        return nil
    }

    /// Removes mappings from which nothing is being sent, the least recently used first, as far as that makes room.
    private func makeRoom(for size: Int, untouchedSince time: UInt64, in state: inout State) -> [FileMapping] {
        var dropped: [FileMapping] = []
        while !hasRoom(for: size, besides: dropped, in: state) {
            let idle = state.places.indices.filter { index in
                state.places[index].lastUse < time && isKnownUniquelyReferenced(&state.places[index].mapping)
            }
            guard let index = idle.min(by: { state.places[$0].lastUse < state.places[$1].lastUse }) else { break }
            dropped.append(state.places.remove(at: index).mapping)
        }
        return dropped
    }

    private func hasRoom(for size: Int, besides dropped: [FileMapping], in state: State) -> Bool {
        let bytes = dropped.reduce(total.count.load(ordering: .relaxed)) { $0 - $1.version.size }
        let files = state.places.count + (size > 0 ? 1 : 0)
        return bytes + size <= limit.load(ordering: .relaxed) && files <= Self.mostFiles
    }
}
