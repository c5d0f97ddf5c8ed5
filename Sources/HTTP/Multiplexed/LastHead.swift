/// The text of a final head of a response and the field block it became, where that was nothing but indices.
struct LastHead {
    private var text: [UInt8] = []
    private var block: [UInt8] = []
    private var version: UInt64 = 0

    private static var longest: Int { 1 << 10 }

    /// Bytes of the head that `output` begins with, if it is this one, and its block means the same as then.
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
