import Dispatch
import Glibc
import Synchronization
import Transport

/// The processor time of each worker's threads, from the system's account of them.
enum WorkerUsage {
    /// Seconds by the number of the worker.
    static func processorTimes(workers: Int) -> [Double] {
        var times = [Double](repeating: 0, count: workers)
        let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
        for thread in threads() {
            guard let bytes = try? readFile("/proc/self/task/\(thread)/stat", atMost: 4096),
                let (name, ticks) = parse(String(decoding: bytes, as: UTF8.self)),
                name.hasPrefix("worker-"), let worker = Int(name.dropFirst(7)), worker < workers
            else { continue }
            times[worker] += Double(ticks) / ticksPerSecond
        }
        return times
    }

    private static func threads() -> [String] {
        guard let folder = unsafe opendir("/proc/self/task") else { return [] }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name.first != "." { names.append(name) }
        }
        return names
    }

    /// The name of a thread and its user and system time in clock ticks (proc(5)); the name is in parentheses and may
    /// contain anything.
    static func parse(_ stat: String) -> (name: Substring, ticks: UInt64)? {
        guard let open = stat.firstIndex(of: "("), let close = stat.lastIndex(of: ")"), open < close else { return nil }
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        guard fields.count > 12, let user = UInt64(fields[11]), let system = UInt64(fields[12]) else { return nil }
        return (stat[stat.index(after: open)..<close], user + system)
    }

    /// How long a message takes to each worker and through a turn of its loop, in seconds; measured for at most
    /// `limit`, which is the result where it takes longer.
    static func loopLags(of workers: [Worker], limit: Double) -> [Double] {
        let lags = Lags(count: workers.count)
        let began = DispatchTime.now()
        // A worker that has ended never answers: unlike a group, a semaphore may be given up.
        let turned = DispatchSemaphore(value: 0)
        for worker in workers {
            worker.perform { worker in
                let time = DispatchTime.now().uptimeNanoseconds - began.uptimeNanoseconds
                lags.seconds.withLock { $0[worker.index] = Double(time) / 1e9 }
                turned.signal()
            }
        }
        for _ in workers where turned.wait(timeout: began + limit) == .timedOut { break }
        return lags.seconds.withLock { $0.map { $0 ?? limit } }
    }

    private final class Lags: Sendable {
        let seconds: Mutex<[Double?]>

        init(count: Int) {
            seconds = Mutex(Array(repeating: nil, count: count))
        }
    }
}
