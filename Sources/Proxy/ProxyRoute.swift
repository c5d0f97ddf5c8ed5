import HTTP
import Memory
import Transport

/// How one route changes the requests that it forwards; immutable.
package final class ProxyRoute {
    /// Removed from the beginning of the path, and added to the server's paths in responses. No slash at its end.
    let prefix: [UInt8]
    /// Added to the beginning of the path, and removed from the server's paths in responses. No slash at its end.
    let innerPrefix: [UInt8]
    /// Builds the path that is requested from the server; nil if only the prefixes are replaced.
    let rewriting: (any PathRewriting)?
    let host: Host
    /// Fields of the client that are not forwarded, in lower case.
    let removed: [[UInt8]]
    /// The same in the form of `VariableName`.
    private let removedVariables: [[UInt8]]
    /// Field lines added to every request, each ended by CRLF.
    let added: [UInt8]

    /// The `Host` that the server receives.
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

    /// As `removes`, with CGI's rules for names.
    func removesVariable(_ name: ByteView) -> Bool {
        removedVariables.contains { VariableName.isSame(name.bytes, as: $0) }
    }

    /// The trailer fields of a request that are forwarded.
    func passedTrailers(of exchange: Exchange) -> [UInt8] {
        let trailers = exchange.trailers
        guard !trailers.isEmpty, !removedVariables.isEmpty else { return trailers }
        return trailers.withBytes { text in
            var lines = FieldLines(text)
            var passed: [UInt8] = []
            while let field = lines.next() {
                if !removesVariable(field.name) { passed.append(contentsOf: field.line) }
            }
            return passed
        }
    }

    func removes(_ name: ByteView) -> Bool {
        for candidate in removed where candidate.count == name.count {
            var isEqual = true
            for index in candidate.indices where lowercase(name[index]) != candidate[index] {
                isEqual = false
                break
            }
            if isEqual { return true }
        }
        return false
    }
}

/// Builds another path from the routed one, according to a route's template; used by one worker.
package protocol PathRewriting: AnyObject {
    /// Appends the path, percent-encoded; false when there is none.
    ///
    /// - Parameter path: the normalized path of the request.
    func append(_ path: ByteView, to output: inout OutputBuffer) -> Bool
}
