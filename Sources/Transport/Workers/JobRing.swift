/// A FIFO queue of the jobs that are ready to run on one worker; used only on the worker's thread.
@safe
struct JobRing: ~Copyable {
    private var storage: UnsafeMutablePointer<UnownedJob>
    private var capacity = 256
    private var head = 0
    private var tail = 0

    init() {
        unsafe storage = .allocate(capacity: capacity)
    }

    deinit {
        unsafe storage.deallocate()
    }

    var isEmpty: Bool { head == tail }

    @inline(__always)
    mutating func append(_ job: UnownedJob) {
        if tail &- head == capacity { grow() }
        unsafe (storage + (tail & (capacity &- 1))).initialize(to: job)
        tail &+= 1
    }

    @inline(__always)
    mutating func popFirst() -> UnownedJob? {
        guard head != tail else { return nil }
        let job = unsafe (storage + (head & (capacity &- 1))).move()
        head &+= 1
        return job
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<UnownedJob>.allocate(capacity: capacity * 2)
        for offset in 0..<(tail - head) {
            let job = unsafe (storage + ((head + offset) & (capacity - 1))).move()
            unsafe (larger + offset).initialize(to: job)
        }
        unsafe storage.deallocate()
        unsafe storage = larger
        tail -= head
        head = 0
        capacity *= 2
    }
}
