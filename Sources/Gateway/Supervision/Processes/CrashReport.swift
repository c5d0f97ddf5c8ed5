import CLinux
import FoundationEssentials
import Glibc

/// What a process that serves does when it crashes: its supervisor is told first, so that another one is being started
/// while this one says which extension and which request it was at, and ends.
enum CrashReport {
    /// - Parameter channel: the one to the supervisor; nil without one.
    static func begin(telling channel: ControlChannel?) {
        let notice = channel == nil ? [] : ControlChannel.packet(ControlReply.crashing) ?? []
        _ = unsafe CLinux_catch_crashes(
            channel?.descriptor ?? -1, notice, UInt(notice.count), wantsRuntimesReport ? 1 : 0)
    }

    /// Swift's runtime writes a report of its own when the environment asks for it, which takes seconds.
    private static var wantsRuntimesReport: Bool {
        let value = ProcessInfo.processInfo.environment[variable]
        return value != nil && value != disabled
    }

    private static let variable = "SWIFT_BACKTRACE"
    private static let disabled = "enable=no"

    /// Our environment for a gateway process, without the runtime's report unless somebody has asked for it.
    static var environment: [String] {
        var values = ProcessInfo.processInfo.environment
        if !wantsRuntimesReport { values[variable] = disabled }
        return values.map { "\($0.key)=\($0.value)" }
    }
}
