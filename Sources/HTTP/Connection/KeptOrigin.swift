import Glibc
import Memory

/// The header lines that state the origin of a connection's requests to upstream servers.
///
/// Apart from the connection they depend on little of a request, and in that the next request rarely differs.
@safe
struct KeptOrigin: ~Copyable {
    /// The authority of the request for which the lines were made, followed by the lines; not allocated before there
    /// are any.
    private var text = OwnedBytes()
    private var authorityEnd = 0
    private var version = HTTPVersion.http11

    var isEmpty: Bool { text.isEmpty }

    mutating func keep(
        _ lines: ByteView, _ version: HTTPVersion, _ authority: ByteView
    ) {
        text = OwnedBytes(count: authority.count + lines.count)
        text.room.copy(authority)
        text.room.copy(lines, to: authority.count)
        authorityEnd = authority.count
        self.version = version
    }

    /// Appends the lines if they are valid for another request of the connection; returns whether they are.
    func append(
        to output: inout OutputBuffer, _ version: HTTPVersion, _ authority: ByteView
    ) -> Bool {
        guard !text.isEmpty, version == self.version, text.view[..<authorityEnd] == authority else { return false }
        output.append(text.view[authorityEnd...])
        return true
    }
}

extension Exchange {
    /// Appends the lines passed to `keepOrigin` if they are valid for this request as well; returns whether they are.
    package func appendKeptOrigin(to output: inout OutputBuffer) -> Bool {
        guard trustedField == nil else { return false }
        let head = head
        return withConnection { $0.keptOrigin.append(to: &output, head.version, bytes(of: head.authority)) }
    }

    /// Stores the first lines of a connection that state the origin of a request, unless a trusted proxy states it.
    ///
    /// - Parameter lines: they must depend only on the connection, the request's version and its authority.
    package func keepOrigin(_ lines: ByteView) {
        guard trustedField == nil else { return }
        let head = head
        withConnection { connection in
            guard connection.keptOrigin.isEmpty else { return }
            connection.keptOrigin.keep(lines, head.version, bytes(of: head.authority))
        }
    }
}
