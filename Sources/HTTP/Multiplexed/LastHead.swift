/// The text of a final response head and its encoded field block, if that consists of indices only.
struct LastHead {
    private var text: [UInt8] = []
    private var block: [UInt8] = []
    private var version: UInt64 = 0

    private static var longest: Int { 1 << 10 }

    /// The length of the head at the start of `output`, if it is this head and its block still has the same meaning.
    @inline(__always)
    func length(in output: UnsafeRawBufferPointer, version: UInt64) -> Int? {
        let count = text.count
        guard count > 0, count <= output.count, version == self.version else { return nil }
        return unsafe text.withUnsafeBytes { known in
            unsafe SeenFields.isEqual(known, UnsafeRawBufferPointer(rebasing: output[..<count]))
        } ? count : nil
    }

    func withBlock<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe block.withUnsafeBytes { unsafe body($0) }
    }

    mutating func keep(_ text: UnsafeRawBufferPointer, _ block: UnsafeRawBufferPointer, version: UInt64) {
        guard text.count <= Self.longest else { return }
        unsafe self.text = Array(text)
        unsafe self.block = Array(block)
        self.version = version
    }
}
