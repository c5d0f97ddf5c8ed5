import CLinux
import FoundationEssentials
import Glibc

/// What a serving process does when it crashes: it notifies its supervisor first, so that another process is started
/// while this one reports which extension and which request it was processing, and ends.
enum CrashReport {
    /// - Parameter channel: the channel to the supervisor; nil without one.
    static func begin(notifying channel: ControlChannel?) {
        let notice = channel == nil ? [] : ControlChannel.packet(ControlReply.crashing) ?? []
        _ = unsafe CLinux_catch_crashes(
            channel?.descriptor ?? -1, notice, UInt(notice.count), wantsRuntimesReport ? 1 : 0)
    }

    /// Whether the environment requests the report of Swift's runtime, which takes seconds.
    private static var wantsRuntimesReport: Bool {
        let value = ProcessInfo.processInfo.environment[variable]
        return value != nil && value != disabled
    }

    private static let variable = "SWIFT_BACKTRACE"
    private static let disabled = "enable=no"

    /// The environment for a gateway process, without the runtime's report unless it was requested.
    static var environment: [String] {
        var values = ProcessInfo.processInfo.environment
        if !wantsRuntimesReport { values[variable] = disabled }
        return values.map { "\($0.key)=\($0.value)" }
    }
}
