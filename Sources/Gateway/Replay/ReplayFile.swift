import Glibc
import Memory
import Transport

/// Files that `isagate replay` reads: records, and bodies.
package enum ReplayFile {
    /// For a file with many records, or a large upload.
    package static let limit = 64 << 20

    /// The content of a file, or why it cannot be read.
    package static func read(_ path: String) throws(ReplayFailure) -> [UInt8] {
        let descriptor = OpenFile(Descriptor(opening: path, O_RDONLY))
        guard descriptor.number >= 0 else { throw .unsuitable("\(path): \(systemMessage(errno))") }
        var content: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = SystemCalls.read(descriptor.number, into: &block)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .unsuitable("\(path): \(systemMessage(errno))") }
            if count == 0 { return content }
            content += block[..<count]
            guard content.count <= limit else { throw .unsuitable("\(path): larger than \(formatSize(limit))") }
        }
    }

    /// A record in the output of `isagate trace --json`: the one with the identifier, or else the only one.
    package static func record(in path: String, requestID: String?) throws(ReplayFailure) -> TraceRecord {
        let lines = try read(path).split(separator: UInt8(ascii: "\n"))
        let records = lines.compactMap { decodeLine($0, as: TraceRecord.self) }
        guard !records.isEmpty else { throw .unsuitable("\(path): no line is a record of isagate trace --json") }
        if let requestID {
            guard let record = records.last(where: { $0.requestID == requestID }) else {
                throw .unsuitable("\(path): no record has the identifier \(requestID)")
            }
            return record
        }
        guard records.count == 1 else {
            throw .unsuitable("\(path): \(records.count) records; name the identifier of one")
        }
        return records[0]
    }
}
