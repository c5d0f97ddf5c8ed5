import Glibc

/// The result of `body` on a separate thread: peers block, which threads of tasks must not do.
package func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { waiting in
        let work = Work { waiting.resume(returning: body()) }
        var thread = pthread_t()
        let status = unsafe pthread_create(&thread, nil, runWork, Unmanaged.passRetained(work).toOpaque())
        precondition(status == 0, "a thread can be created")
        pthread_detach(thread)
    }
}

private final class Work: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}

private let runWork: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { work in
    unsafe Unmanaged<Work>.fromOpaque(work!).takeRetainedValue().run()
    return nil
}
