import Glibc

/// What a process uses, as the system tells everybody (proc(5)).
struct ProcessUsage: Equatable {
    /// Bytes in memory or in swap that belong to no file and to nobody else.
    var privateMemory = 0
    /// Of all its threads.
    var processorTime = Duration.zero

    /// Zero for a process that has ended.
    init(pid: pid_t) {
        let status = readText("/proc/\(pid)/status")
        for line in status.split(separator: "\n") where line.hasPrefix("RssAnon:") || line.hasPrefix("VmSwap:") {
            let kibibytes = line.split(separator: ":")[1].split { $0 == " " || $0 == "\t" }.first.flatMap { Int($0) }
            privateMemory += (kibibytes ?? 0) << 10
        }
        // The name of the program, in parentheses, may contain anything.
        let facts = readText("/proc/\(pid)/stat")
        guard let nameEnd = facts.lastIndex(of: ")") else { return }
        let fields = facts[nameEnd...].split(separator: " ")
        // utime and stime are the fields 14 and 15, `)` ends the second.
        guard fields.count > 13, let user = Int(fields[12]), let system = Int(fields[13]) else { return }
        let ticks = max(1, sysconf(Int32(_SC_CLK_TCK)))
        processorTime = .milliseconds((user + system) * 1000 / ticks)
    }
}

/// A file of proc(5); empty when it cannot be read.
private func readText(_ path: String) -> String {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 8192)
    let count = unsafe read(file, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
}
