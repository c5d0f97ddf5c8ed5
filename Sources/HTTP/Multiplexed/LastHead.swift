import Memory

/// The text of a final response head and its encoded field block, if that consists of indices only.
struct LastHead {
    private var text: [UInt8] = []
    private var block: [UInt8] = []
    private var version: UInt64 = 0

    private static var longest: Int { 1 << 10 }

    /// The length of the head at the start of `output`, if it is this head and its block still has the same meaning.
    @inline(__always)
    func length(in output: ByteView, version: UInt64) -> Int? {
        let count = text.count
        guard count > 0, count <= output.count, version == self.version else { return nil }
        return text.withBytes { known in
            SeenFields.isEqual(known, output[..<count])
        } ? count : nil
    }

    func withBlock<Result>(_ body: (ByteView) -> Result) -> Result {
        block.withBytes { body($0) }
    }

    mutating func keep(_ text: ByteView, _ block: ByteView, version: UInt64) {
        guard text.count <= Self.longest else { return }
        self.text = Array(text)
        self.block = Array(block)
        self.version = version
    }
}
