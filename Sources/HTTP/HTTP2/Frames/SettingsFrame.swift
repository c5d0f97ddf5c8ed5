/// SETTINGS (RFC 9113 §6.5): the parameters of one endpoint, or the acknowledgement of the peer's parameters.
package enum SettingsFrame {
    /// The supported settings (RFC 9113 §6.5.2, RFC 8441 §3, RFC 9218 §2.1); others are ignored.
    package enum Setting: UInt16, CaseIterable, Sendable {
        case headerTableSize = 0x1
        case enablePush = 0x2
        case maximumConcurrentStreams = 0x3
        case initialWindowSize = 0x4
        case maximumFrameSize = 0x5
        case maximumHeaderListSize = 0x6
        case enableConnectProtocol = 0x8
        case noRFC7540Priorities = 0x9
    }

    /// The length of one setting in bytes.
    static var settingCount: Int { 6 }

    /// Whether the frame acknowledges the gateway's SETTINGS; throws if its format is invalid.
    package static func isAcknowledgement(_ header: FrameHeader) throws(HTTP2Fault) -> Bool {
        guard header.stream == 0 else { throw .frameOnWrongStream }
        guard header.length % settingCount == 0 else { throw .invalidFrameSize }
        guard header.has(FrameFlag.acknowledgement) else { return false }
        guard header.length == 0 else { throw .settingsAckWithPayload }
        return true
    }

    /// Passes each setting to `take`, in order; throws if a value is invalid.
    package static func parse(
        _ payload: RawSpan, _ take: (Setting, UInt32) throws(HTTP2Fault) -> Void
    ) throws(HTTP2Fault) {
        for offset in stride(from: 0, to: payload.byteCount, by: settingCount) {
            guard let setting = Setting(rawValue: payload.pair(at: offset).byteSwapped) else { continue }
            let value = payload.number(at: offset + 2)
            try check(setting, value)
            try take(setting, value)
        }
    }

    private static func check(_ setting: Setting, _ value: UInt32) throws(HTTP2Fault) {
        switch setting {
        case .enablePush: if value > 1 { throw .invalidEnablePush }
        case .initialWindowSize: if value > 1 << 31 - 1 { throw .invalidInitialWindow }
        case .maximumFrameSize: if value < 1 << 14 || value > 1 << 24 - 1 { throw .invalidMaximumFrameSize }
        case .enableConnectProtocol, .noRFC7540Priorities: if value > 1 { throw .invalidSetting }
        case .headerTableSize, .maximumConcurrentStreams, .maximumHeaderListSize: break
        }
    }

    package static func encode(_ settings: [(Setting, UInt32)], to output: inout OutputBuffer) {
        FrameHeader(.settings, stream: 0, length: settings.count * settingCount).encode(to: &output)
        for (setting, value) in settings {
            output.append(UInt8(truncatingIfNeeded: setting.rawValue >> 8))
            output.append(UInt8(truncatingIfNeeded: setting.rawValue))
            output.append(number: value)
        }
    }

    package static func encodeAcknowledgement(to output: inout OutputBuffer) {
        FrameHeader(.settings, flags: FrameFlag.acknowledgement, stream: 0, length: 0).encode(to: &output)
    }
}
