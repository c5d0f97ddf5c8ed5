import CLinux
import Dispatch

/// Returns to the system what was allocated and freed again: reading, building and reporting take, for thousands of
/// sites, as much memory as what stays.
func giveBackFreeMemory() {
    malloc_trim(0)
}

/// Builds what stays on another thread, while this one waits, so that it lies apart from what goes.
///
/// The allocator keeps memory by thread. To read the configuration of thousands of sites takes as much memory as what is
/// built from it; built on the same thread, a little of it stays in each of these pages, and the next reload begins
/// with more pages that are never empty.
func buildingApart<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
    // Only one of the two threads runs at a time.
    nonisolated(unsafe) var result: Result<Value, Failure>?
    withoutActuallyEscaping(body) { body in
        nonisolated(unsafe) let body = body
        let group = DispatchGroup()
        DispatchQueue.global().async(group: group) {
            do throws(Failure) {
                unsafe result = .success(try body())
            } catch {
                unsafe result = .failure(error)
            }
        }
        group.wait()
    }
    return unsafe try result!.get()
}
