import Glibc

/// The header lines that state the origin of a connection's requests to upstream servers.
///
/// Apart from the connection they depend on little of a request, and in that the next request rarely differs.
@safe
struct KeptOrigin: ~Copyable {
    /// The authority of the request for which the lines were made, followed by the lines; not allocated before there
    /// are any.
    private var text = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var authorityEnd = 0
    private var version = HTTPVersion.http11

    deinit {
        unsafe text.deallocate()
    }

    var isEmpty: Bool { unsafe text.isEmpty }

    mutating func keep(
        _ lines: UnsafeRawBufferPointer, _ version: HTTPVersion, _ authority: UnsafeRawBufferPointer
    ) {
        unsafe text.deallocate()
        unsafe text = .allocate(byteCount: authority.count + lines.count, alignment: 1)
        unsafe text.copyBytes(from: authority)
        unsafe UnsafeMutableRawBufferPointer(rebasing: text[authority.count...]).copyBytes(from: lines)
        authorityEnd = authority.count
        self.version = version
    }

    /// Appends the lines if they are valid for another request of the connection; returns whether they are.
    func append(
        to output: inout OutputBuffer, _ version: HTTPVersion, _ authority: UnsafeRawBufferPointer
    ) -> Bool {
        guard let start = unsafe text.baseAddress, version == self.version, authority.count == authorityEnd else {
            return false
        }
        if let first = authority.baseAddress, unsafe memcmp(start, first, authorityEnd) != 0 { return false }
        unsafe output.append(UnsafeRawBufferPointer(rebasing: text[authorityEnd...]))
        return true
    }
}

extension Exchange {
    /// Appends the lines passed to `keepOrigin` if they are valid for this request as well; returns whether they are.
    package func appendKeptOrigin(to output: inout OutputBuffer) -> Bool {
        guard trustedField == nil else { return false }
        let head = head
        return withConnection { unsafe $0.keptOrigin.append(to: &output, head.version, bytes(of: head.authority)) }
    }

    /// Stores the first lines of a connection that state the origin of a request, unless a trusted proxy states it.
    ///
    /// - Parameter lines: they must depend only on the connection, the request's version and its authority.
    package func keepOrigin(_ lines: UnsafeRawBufferPointer) {
        guard trustedField == nil else { return }
        let head = head
        withConnection { connection in
            guard connection.keptOrigin.isEmpty else { return }
            unsafe connection.keptOrigin.keep(lines, head.version, bytes(of: head.authority))
        }
    }
}
