import HTTP
import Transport

/// How one route changes what it passes on; immutable.
package final class ProxyRoute {
    /// Taken from the front of the path, and put in front of paths that the server names. No slash at its end.
    let prefix: [UInt8]
    let host: Host
    /// Fields of the client that are not passed on, in lower case.
    let removed: [[UInt8]]
    /// Field lines added to every request, each ended by CRLF.
    let added: [UInt8]

    /// What the server sees in `Host`.
    package enum Host: Equatable, Sendable {
        case fromClient, fromServer
        case fixed(String)
    }

    /// - Parameters:
    ///   - removed: names, in lower case.
    ///   - set: names and values, already checked; they replace what the client sent.
    package init(
        prefix: String? = nil, host: Host = .fromClient, removed: [String] = [],
        set: [(name: String, value: String)] = []
    ) {
        self.prefix = Array((prefix ?? "").utf8)
        self.host = host
        self.removed = (removed + set.map { $0.name.lowercased() }).map { Array($0.utf8) }
        added = set.flatMap { Array("\($0.name): \($0.value)\r\n".utf8) }
    }

    func removes(_ name: UnsafeRawBufferPointer) -> Bool {
        for candidate in removed where candidate.count == name.count {
            var isEqual = true
            for index in candidate.indices where lowercase(unsafe name[index]) != candidate[index] {
                isEqual = false
                break
            }
            if isEqual { return true }
        }
        return false
    }
}
