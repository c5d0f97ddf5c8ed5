import CISAPI
import CLinux
import Glibc
import HTTP

/// Logs calls that belong to no request in progress, which are refused: with a ConnID that was never valid, or after
/// the end of its request.
///
/// They may come on any thread of an extension, at any rate. The extension is identified by the library that the call
/// came from; the request, after its end, by the control block's slot.
@safe
package final class StrayCalls: @unchecked Sendable {
    package static let shared = StrayCalls()

    private struct State: ~Copyable {
        var images: [(base: UInt, name: String)] = []
        var book = StrayCallBook()
        var log: (@Sendable (String) -> Void)?
    }

    private let state = Guarded(State())

    /// Frames of the stack that are examined; a few of them are the gateway's.
    private static let depth = 24

    /// Sets `log` to be called with lines, on the thread of the call.
    package func setLog(_ log: @escaping @Sendable (String) -> Void) {
        state.withLock { state in state.log = log }
    }

    /// From now on calls from the library that has `address` belong to the extension `name`.
    func loaded(_ name: String, at address: UnsafeMutableRawPointer) {
        let base = unsafe CLinux_image_base(address)
        state.withLock { state in state.images.append((base, name)) }
    }

    func unloaded(at address: UnsafeMutableRawPointer) {
        let base = unsafe CLinux_image_base(address)
        state.withLock { state in state.images.removeAll { $0.base == base } }
    }

    @inline(never)
    func note(
        _ function: ContractFunction, on connection: UnsafeMutableRawPointer?, by extensionName: String? = nil
    ) {
        let second = Self.second
        guard state.withLock({ state in state.log != nil && state.book.admits(at: second) }) else { return }
        let name = (extensionName ?? callingExtension).map { "extension \($0)" } ?? "an extension"
        let request = unsafe ControlBlockTable.shared.lastRequest(of: connection)
        let reason = request == nil ? "with a ConnID that never was one" : "after the end of its request"
        let (line, log) = state.withLock { state in
            let text = "\(name): called \(function.text) \(reason)"
            return (state.book.line(for: text, request: request, at: second), state.log)
        }
        if let line { log?(line) }
    }

    /// The extension whose library is nearest to the top of the stack.
    private var callingExtension: String? {
        var bases: [UInt] = []
        unsafe withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: Self.depth) { frames in
            let count = unsafe CLinux_backtrace(frames.baseAddress, Int32(Self.depth))
            for index in 0..<Int(count) { bases.append(unsafe CLinux_image_base(frames[index])) }
        }
        return state.withLock { state in
            for base in bases {
                if let image = state.images.first(where: { $0.base == base }) { return image.name }
            }
            return nil
        }
    }

    private static var second: Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        return time.tv_sec
    }
}

/// Which stray calls were logged, and which were not, so that they cannot flood the log or take much time.
struct StrayCallBook {
    private struct Entry {
        var unreported = 0
        var reportedSecond = Int.min
    }

    private var entries: [String: Entry] = [:]
    private var second = Int.min
    private var admitted = 0
    /// Calls that were not examined.
    private var overlooked = 0

    /// Calls that are examined in a second: to identify the extension takes some microseconds.
    static let perSecond = 64
    /// There are few different texts; this limits the memory in any case.
    private static let entryLimit = 256

    /// Whether one more call is examined.
    mutating func admits(at second: Int) -> Bool {
        if self.second != second {
            self.second = second
            admitted = 0
        }
        admitted += 1
        if admitted > Self.perSecond { overlooked += 1 }
        return admitted <= Self.perSecond
    }

    /// The line for the log; nil when there was the same line in this second.
    mutating func line(for text: String, request: RequestID?, at second: Int) -> String? {
        let text = entries[text] != nil || entries.count < Self.entryLimit ? text : "other stray calls of extensions"
        var entry = entries[text] ?? Entry()
        defer { entries[text] = entry }
        guard entry.reportedSecond != second else {
            entry.unreported += 1
            return nil
        }
        var line = text
        if let request { line += ", request \(request.text)" }
        if entry.unreported > 0 { line += ", \(entry.unreported) more like it since the last line" }
        if overlooked > 0 { line += ", \(overlooked) calls not looked at" }
        entry.unreported = 0
        entry.reportedSecond = second
        overlooked = 0
        return line
    }
}

/// The four functions of a control block, as the log names them.
enum ContractFunction {
    case getServerVariable, writeClient, readClient
    /// With the number of the request.
    case serverSupportFunction(DWORD)

    var text: String {
        switch self {
        case .getServerVariable: "GetServerVariable"
        case .writeClient: "WriteClient"
        case .readClient: "ReadClient"
        case .serverSupportFunction(DWORD(HSE_REQ_DONE_WITH_SESSION)): "HSE_REQ_DONE_WITH_SESSION"
        case .serverSupportFunction(let request) where request <= DWORD(HSE_REQ_GET_CHANNEL_BINDING_TOKEN):
            "ServerSupportFunction(\(request))"
        case .serverSupportFunction: "ServerSupportFunction"
        }
    }
}
