import HTTP
import Transport

/// How one route changes what it passes on; immutable.
package final class ProxyRoute {
    /// Taken from the front of the path, and put in front of paths that the server names. No slash at its end.
    let prefix: [UInt8]
    /// Put in front of the path, and taken from paths that the server names. No slash at its end.
    let innerPrefix: [UInt8]
    /// Makes the path that the server is asked for; nil where only the prefixes are exchanged.
    let rewriting: (any PathRewriting)?
    let host: Host
    /// Fields of the client that are not passed on, in lower case.
    let removed: [[UInt8]]
    /// The same as `VariableName` folds them.
    private let removedVariables: [[UInt8]]
    /// Field lines added to every request, each ended by CRLF.
    let added: [UInt8]

    /// What the server sees in `Host`.
    package enum Host: Equatable, Sendable {
        case fromClient, fromServer
        case fixed([UInt8])
    }

    /// - Parameters:
    ///   - removed: names, in lower case.
    ///   - set: names and values, already checked; they replace what the client sent.
    package init(
        prefix: String? = nil, innerPrefix: String? = nil, rewriting: (any PathRewriting)? = nil,
        host: Host = .fromClient, removed: [String] = [], set: [(name: String, value: String)] = []
    ) {
        self.prefix = Array((prefix ?? "").utf8)
        self.innerPrefix = Array((innerPrefix ?? "").utf8)
        self.rewriting = rewriting
        self.host = host
        self.removed = (removed + set.map { $0.name.lowercased() }).map { Array($0.utf8) }
        removedVariables = self.removed.map(VariableName.folded)
        added = set.flatMap { Array("\($0.name): \($0.value)\r\n".utf8) }
    }

    /// As `removes`, by CGI's rules for names.
    func removesVariable(_ name: UnsafeRawBufferPointer) -> Bool {
        removedVariables.contains { unsafe VariableName.isSame(name.bytes, as: $0) }
    }

    /// The trailer fields of a request that its server gets.
    func passedTrailers(of exchange: Exchange) -> [UInt8] {
        let trailers = exchange.trailers
        guard !trailers.isEmpty, !removedVariables.isEmpty else { return trailers }
        return unsafe trailers.withUnsafeBytes { text in
            var lines = unsafe FieldLines(text)
            var passed: [UInt8] = []
            while let field = lines.next() {
                if unsafe !removesVariable(field.name) { unsafe passed.append(contentsOf: field.line) }
            }
            return passed
        }
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

/// Makes another path of the one that was routed, as a route's template says; used by one worker.
package protocol PathRewriting: AnyObject {
    /// Appends the path, percent-encoded; false when there is none.
    ///
    /// - Parameter path: the normalized path of the request.
    func append(_ path: UnsafeRawBufferPointer, to output: inout OutputBuffer) -> Bool
}
