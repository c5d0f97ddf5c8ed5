import Glibc

/// The lines by which servers are told where the requests of a connection come from.
///
/// Next to the connection they depend on little of a request, and the next one is hardly ever another in that.
@safe
struct KeptOrigin: ~Copyable {
    /// The authority of the request that the lines were made for, and behind it the lines; no memory before there are any.
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

    /// Appends the lines if they are true of another request of the connection; whether they are.
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
    /// Appends the lines that `keepOrigin` was given, if they are true of this request as well; whether they are.
    package func appendKeptOrigin(to output: inout OutputBuffer) -> Bool {
        guard trustedField == nil else { return false }
        let head = head
        return withConnection { unsafe $0.keptOrigin.append(to: &output, head.version, bytes(of: head.authority)) }
    }

    /// Keeps the first lines of a connection that tell where a request comes from, unless a trusted proxy says it.
    ///
    /// - Parameter lines: made of what the connection is, of the request's version and its authority.
    package func keepOrigin(_ lines: UnsafeRawBufferPointer) {
        guard trustedField == nil else { return }
        let head = head
        withConnection { connection in
            guard connection.keptOrigin.isEmpty else { return }
            unsafe connection.keptOrigin.keep(lines, head.version, bytes(of: head.authority))
        }
    }
}
