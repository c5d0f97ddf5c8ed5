import Transport

/// The output buffers of a worker's connections of HTTP/2, which have memory only while something is on its way out.
@safe
final class OutputPool {
    private let buffers: UnsafeMutablePointer<OutputBuffer>
    private var count = 0

    private static let limit = 32
    /// One that grew beyond this is not kept.
    private static let largestKept = 256 << 10

    init() {
        unsafe buffers = .allocate(capacity: Self.limit)
    }

    deinit {
        unsafe buffers.deinitialize(count: count)
        unsafe buffers.deallocate()
    }

    /// Puts a buffer with memory in place of one without.
    @inline(__always)
    func lend(_ output: inout OutputBuffer) {
        guard output.capacity == 0, count > 0 else { return }
        count -= 1
        unsafe swap(&output, &buffers[count])
        unsafe (buffers + count).deinitialize(count: 1)
    }

    /// Takes the memory of a buffer that is empty.
    func takeBack(_ output: inout OutputBuffer) {
        guard output.isEmpty, output.capacity > 0 else { return }
        var taken = OutputBuffer()
        swap(&taken, &output)
        guard count < Self.limit, taken.capacity <= Self.largestKept else { return }
        unsafe (buffers + count).initialize(to: taken)
        count += 1
    }
}
