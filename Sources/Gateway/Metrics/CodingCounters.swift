import Transport

/// The responses that one worker has compressed, by coding; any thread may read the counts.
final class CodingCounters: Sendable {
    /// The names of the codings, as `Content-Encoding` has them.
    static let names = ["gzip", "deflate", "br", "zstd"]

    struct Counts: Equatable {
        var responses: UInt64 = 0
        var uncodedBytes: UInt64 = 0
        var codedBytes: UInt64 = 0

        static func + (one: Counts, other: Counts) -> Counts {
            Counts(
                responses: one.responses + other.responses, uncodedBytes: one.uncodedBytes + other.uncodedBytes,
                codedBytes: one.codedBytes + other.codedBytes)
        }
    }

    /// Three for each coding.
    private let cells = InlineArray<12, WorkerCounter> { _ in WorkerCounter() }

    /// On the worker's thread.
    func note(_ coding: StaticString, uncoded: UInt64, coded: UInt64) {
        guard let index = Self.names.firstIndex(of: coding.description) else { return }
        cells[index * 3].add()
        cells[index * 3 + 1].add(uncoded)
        cells[index * 3 + 2].add(coded)
    }

    /// In the order of the names.
    var counts: [Counts] {
        Self.names.indices.map { index in
            Counts(
                responses: cells[index * 3].count, uncodedBytes: cells[index * 3 + 1].count,
                codedBytes: cells[index * 3 + 2].count)
        }
    }
}
