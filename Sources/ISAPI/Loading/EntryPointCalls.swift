import CCompat
import CLinux

/// The calls of entry points that have not returned: of DllMain by any caller, of GetExtensionVersion and
/// TerminateExtension.
package enum EntryPointCalls {
    package struct Call: Hashable, Sendable {
        /// The function, with its reason.
        package let function: String
        /// The library's file.
        package let path: String
        /// Start, by the monotonic clock in nanoseconds: no two calls of a thread have the same.
        package let began: UInt64
        package let elapsed: Duration

        package static func == (left: Call, right: Call) -> Bool {
            left.began == right.began && left.function == right.function && left.path == right.path
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(began)
        }
    }

    private static let limit = 64

    /// The calls in progress; if there are very many, some of them.
    package static var underWay: [Call] {
        unsafe withUnsafeTemporaryAllocation(of: isagate_entry_call.self, capacity: limit) { list in
            let count = unsafe isagate_entry_calls(list.baseAddress, Int32(limit))
            return (0..<Int(count)).map { index in
                let call = unsafe list[index]
                let path = unsafe withUnsafeBytes(of: call.path) {
                    unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                return unsafe Call(
                    function: String(cString: call.function), path: path, began: call.began_ns,
                    elapsed: .milliseconds(Int64(call.milliseconds)))
            }
        }
    }

    /// Sets `begun` to be called when a call begins, on its thread.
    package static func observe(_ begun: @convention(c) () -> Void) {
        isagate_observe_entry_calls(begun)
    }

    /// Runs `call`, which is listed as a call of `function` meanwhile.
    static func noting<Result>(_ function: StaticString, of path: String, _ call: () -> Result) -> Result {
        CLinux_guard_stack()
        return unsafe withUnsafeTemporaryAllocation(of: isagate_call_record.self, capacity: 1) { record in
            let name = unsafe UnsafeRawPointer(function.utf8Start).assumingMemoryBound(to: CChar.self)
            unsafe isagate_call_begins(record.baseAddress, name, path)
            defer { unsafe isagate_call_ends(record.baseAddress) }
            return call()
        }
    }

    /// Ends the idle threads of QueueUserWorkItem, which notify libraries (DLL_THREAD_DETACH).
    package static func endIdleWorkThreads() {
        isagate_work_threads_end()
    }

    /// Gives the threads that extensions create alternate signal stacks, as the threads of pools have.
    package static func guardThreads() {
        isagate_observe_threads { CLinux_guard_stack() }
    }

    /// The calling thread ends, and notifies the libraries whose code it ran (DLL_THREAD_DETACH).
    package static func threadEnds() {
        isagate_thread_ends()
    }
}
