import Memory

/// Which process of a pool gets a request, where its client has to meet the same one again.
enum PoolAffinity {
    /// A number that is the same for the same bytes (FNV-1a, 64 bits).
    static func key(of bytes: ByteView) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in 0..<bytes.count { hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01B3 }
        // The low bits of the product depend on the low bits of the bytes only.
        return hash ^ hash >> 32
    }

    /// The value of a cookie in a Cookie field (RFC 6265 §4.2.1); nil if the field does not have it.
    static func cookie(_ name: [UInt8], in field: ByteView) -> ByteView? {
        var start = 0
        while start < field.count {
            var end = start
            while end < field.count, field[end] != UInt8(ascii: ";") { end += 1 }
            let pair = field[start..<end].trimmed
            let isNamed =
                pair.count > name.count && pair[name.count] == UInt8(ascii: "=")
                && name.indices.allSatisfy { pair[$0] == name[$0] }
            if isNamed { return pair[(name.count + 1)...] }
            start = end + 1
        }
        return nil
    }
}

extension ByteView {
    /// Without spaces at both ends.
    fileprivate var trimmed: ByteView {
        var (first, last) = (0, count)
        while first < last, self[first] == UInt8(ascii: " ") { first += 1 }
        while last > first, self[last - 1] == UInt8(ascii: " ") { last -= 1 }
        return self[first..<last]
    }
}

extension ProcessPool {
    /// What decides which process gets the session's request; nil where any may.
    func affinityKey(of session: ExtensionSession) -> UInt64? {
        switch launch.settings.affinity {
        case .none: nil
        case .address: affinityKey(of: session, "REMOTE_ADDR") { $0 }
        case .cookie(let name):
            affinityKey(of: session, "HTTP_COOKIE") { field in PoolAffinity.cookie(Array(name.utf8), in: field) }
        }
    }

    /// - Parameter part: the part of the variable's value that decides.
    private func affinityKey(
        of session: ExtensionSession, _ variable: String, _ part: (ByteView) -> ByteView?
    ) -> UInt64? {
        session.state.withLock { state in
            let failure = variable.withBytes { name in
                unsafe withTerminated(name) { unsafe ServerVariables.render($0, state.request, into: &state.scratch) }
            }
            // The value has a NUL behind it.
            guard failure == nil else { return nil }
            return part(state.scratch.bytes.prefix(state.scratch.count - 1)).map { PoolAffinity.key(of: $0) }
        }
    }
}
