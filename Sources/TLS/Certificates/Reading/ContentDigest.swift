import Memory

/// SHA-256 of some bytes, to recognize the same content.
package struct ContentDigest: Hashable, Sendable {
    /// 32 of them.
    let bytes: [UInt8]

    /// The digest of all parts, each preceded by its length, so that different lists of parts have different digests.
    package init(_ parts: [UInt8]...) {
        var input: [UInt8] = []
        for part in parts {
            BytesOfValues.with(UInt64(part.count)) { input.append(contentsOf: $0) }
            input.append(contentsOf: part)
        }
        bytes = input.withBytes { $0.digest }
        input.wipe()
    }
}
