/// A fault of a peer on an HTTP/2 connection.
///
/// Each case is one kind of fault; its `reason` appears in the log. The case also determines whether the fault ends the
/// stream or the connection (RFC 9113 §5.4).
package enum HTTP2Fault: UInt8, Error, CaseIterable, Sendable {
    // Errors of the connection: the preface and the order of frames (RFC 9113 §3.4, §4.3, §6)
    case invalidPreface, firstFrameNotSettings, frameTooLarge, invalidFrameSize, frameOnWrongStream, frameOnIdleStream
    case continuationExpected, unexpectedContinuation, paddingTooLarge, pushFromClient, invalidStreamID
    case frameOnEndedStream
    // Settings (§6.5)
    case settingsAckWithPayload, invalidEnablePush, invalidInitialWindow, invalidMaximumFrameSize, invalidSetting
    case unexpectedSettingsAck, settingsNotAcknowledged
    // Time
    case prefaceNotSent, frameNotFinished
    // Windows of the connection (§6.9)
    case connectionWindowOverflow, connectionWindowExceeded, emptyConnectionWindowUpdate, settingOverflowsWindow
    // Field compression (RFC 7541)
    case truncatedFieldBlock, integerOverflow, invalidIndex, invalidHuffmanCode, misplacedSizeUpdate
    case sizeUpdateTooLarge, missingSizeUpdate
    // Floods
    case fieldBlockTooLarge, tooManyContinuations, floodOfResets, floodOfProvokedResets, floodOfRefusedStreams
    case floodOfPings, floodOfSettings, floodOfPriorities, floodOfWindowUpdates, floodOfEmptyFrames, floodOfPadding
    case floodOfUnknownFrames
    // Errors of one stream
    case streamWindowOverflow, streamWindowExceeded, emptyWindowUpdate, frameOnClosedStream, dataAfterEnd
    case headersAfterEnd, trailersWithoutEnd, contentTooLong, contentTooShort, malformedHead, malformedTrailers
    case streamDependsOnItself, tooManyStreams, invalidPriorityFrame

    /// Whether only the stream ends and the connection continues.
    package var isStreamError: Bool { rawValue >= Self.streamWindowOverflow.rawValue }

    /// Whether the peer's frames were valid and only too many.
    package var isFlood: Bool {
        rawValue >= Self.fieldBlockTooLarge.rawValue && rawValue <= Self.floodOfUnknownFrames.rawValue
    }

    /// The error code sent to the peer (RFC 9113 §7).
    package var code: ErrorCode {
        if isFlood { return .enhanceYourCalm }
        return switch self {
        case .frameTooLarge, .invalidFrameSize, .settingsAckWithPayload, .invalidPriorityFrame: .frameSizeError
        case .frameOnEndedStream, .frameOnClosedStream, .dataAfterEnd, .headersAfterEnd: .streamClosed
        case .invalidInitialWindow, .connectionWindowOverflow, .connectionWindowExceeded, .settingOverflowsWindow,
            .streamWindowOverflow, .streamWindowExceeded:
            .flowControlError
        case .truncatedFieldBlock, .integerOverflow, .invalidIndex, .invalidHuffmanCode, .misplacedSizeUpdate,
            .sizeUpdateTooLarge, .missingSizeUpdate:
            .compressionError
        case .tooManyStreams: .refusedStream
        case .settingsNotAcknowledged: .settingsTimeout
        default: .protocolError
        }
    }

    /// A description of the fault for logs.
    package var reason: StaticString {
        switch self {
        case .invalidPreface: "invalid connection preface"
        case .firstFrameNotSettings: "first frame is not SETTINGS"
        case .frameTooLarge: "frame larger than SETTINGS_MAX_FRAME_SIZE"
        case .invalidFrameSize: "frame of a size its type does not have"
        case .frameOnWrongStream: "frame on a stream its type does not belong to"
        case .frameOnIdleStream: "frame on an idle stream"
        case .continuationExpected: "frame between HEADERS and CONTINUATION"
        case .unexpectedContinuation: "CONTINUATION without HEADERS"
        case .paddingTooLarge: "padding longer than the frame"
        case .pushFromClient: "PUSH_PROMISE from a client"
        case .invalidStreamID: "stream identifier that no client may use"
        case .frameOnEndedStream: "frame on a stream that has ended"
        case .settingsAckWithPayload: "SETTINGS acknowledgement with a payload"
        case .invalidEnablePush: "invalid SETTINGS_ENABLE_PUSH"
        case .invalidInitialWindow: "invalid SETTINGS_INITIAL_WINDOW_SIZE"
        case .invalidMaximumFrameSize: "invalid SETTINGS_MAX_FRAME_SIZE"
        case .invalidSetting: "setting that is neither 0 nor 1"
        case .unexpectedSettingsAck: "SETTINGS acknowledgement that nothing asked for"
        case .settingsNotAcknowledged: "SETTINGS not acknowledged in time"
        case .prefaceNotSent: "no connection preface in time"
        case .frameNotFinished: "frame not finished in time"
        case .connectionWindowOverflow: "window of the connection beyond 2^31-1"
        case .connectionWindowExceeded: "more DATA than the connection's window allows"
        case .emptyConnectionWindowUpdate: "WINDOW_UPDATE of 0 for the connection"
        case .settingOverflowsWindow: "SETTINGS_INITIAL_WINDOW_SIZE that takes a window beyond 2^31-1"
        case .truncatedFieldBlock: "field block that ends within a field"
        case .integerOverflow: "integer too large in a field block"
        case .invalidIndex: "index of no field in a field block"
        case .invalidHuffmanCode: "invalid Huffman code"
        case .misplacedSizeUpdate: "table size update behind a field"
        case .sizeUpdateTooLarge: "table size update beyond SETTINGS_HEADER_TABLE_SIZE"
        case .missingSizeUpdate: "field block without the table size update it owes"
        case .fieldBlockTooLarge: "field block too large"
        case .tooManyContinuations: "too many CONTINUATION frames"
        case .floodOfResets: "too many streams reset"
        case .floodOfProvokedResets: "too many resets provoked"
        case .floodOfRefusedStreams: "too many streams refused"
        case .floodOfPings: "too many PING frames"
        case .floodOfSettings: "too many SETTINGS frames"
        case .floodOfPriorities: "too many frames about priorities"
        case .floodOfWindowUpdates: "too many WINDOW_UPDATE frames"
        case .floodOfEmptyFrames: "too many empty frames"
        case .floodOfPadding: "too many frames of padding"
        case .floodOfUnknownFrames: "too many frames of unknown types"
        case .streamWindowOverflow: "window of a stream beyond 2^31-1"
        case .streamWindowExceeded: "more DATA than the stream's window allows"
        case .emptyWindowUpdate: "WINDOW_UPDATE of 0"
        case .frameOnClosedStream: "frame on a closed stream"
        case .dataAfterEnd: "DATA behind the end of the request"
        case .headersAfterEnd: "HEADERS behind the end of the request"
        case .trailersWithoutEnd: "trailers that do not end the stream"
        case .contentTooLong: "more DATA than Content-Length says"
        case .contentTooShort: "less DATA than Content-Length says"
        case .malformedHead: "malformed request"
        case .malformedTrailers: "malformed trailers"
        case .streamDependsOnItself: "stream that depends on itself"
        case .tooManyStreams: "too many concurrent streams"
        case .invalidPriorityFrame: "PRIORITY frame of a wrong size"
        }
    }
}
