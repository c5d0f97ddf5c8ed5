import HTTP

extension HTTP2Fault {
    static var reasons: [Reason] {
        allCases.map { Reason(.http2Ended, "\($0.reason)", $0.explanation) }
    }

    private var explanation: Explanation {
        switch self {
        // The preface and the order of frames
        case .invalidPreface: .faultyFrames("invalid_preface", "The connection does not begin as one of HTTP/2 has to.")
        case .firstFrameNotSettings:
            .faultyFrames("first_frame_not_settings", "The client did not begin with SETTINGS.")
        case .frameTooLarge:
            .faultyFrames("frame_too_large", "A frame is larger than the gateway has announced to take.")
        case .invalidFrameSize: .faultyFrames("invalid_frame_size", "A frame has a size that its type cannot have.")
        case .frameOnWrongStream:
            .faultyFrames("frame_on_wrong_stream", "A frame about the connection names a stream, or the reverse.")
        case .frameOnIdleStream: .faultyFrames("frame_on_idle_stream", "A frame names a stream that has not begun.")
        case .continuationExpected:
            .faultyFrames("continuation_expected", "Another frame came before the end of a field block.")
        case .unexpectedContinuation:
            .faultyFrames("unexpected_continuation", "CONTINUATION came although no field block was open.")
        case .paddingTooLarge: .faultyFrames("padding_too_large", "The padding of a frame is longer than the frame.")
        case .pushFromClient: .faultyFrames("push_from_client", "The client sent PUSH_PROMISE, which only servers may.")
        case .invalidStreamID:
            .faultyFrames("invalid_stream_id", "A stream has an even number, or a lower one than an earlier stream.")
        case .frameOnEndedStream:
            .faultyFrames("frame_on_ended_stream", "A frame names a stream that ended long before.")
        // Settings
        case .settingsAckWithPayload:
            .faultyFrames("settings_ack_with_payload", "An acknowledgement of SETTINGS contains settings.")
        case .invalidEnablePush: .faultyFrames("invalid_enable_push", "SETTINGS_ENABLE_PUSH is neither 0 nor 1.")
        case .invalidInitialWindow:
            .faultyFrames("invalid_initial_window", "SETTINGS_INITIAL_WINDOW_SIZE is larger than windows may be.")
        case .invalidMaximumFrameSize:
            .faultyFrames("invalid_maximum_frame_size", "SETTINGS_MAX_FRAME_SIZE is outside of what HTTP/2 allows.")
        case .invalidSetting: .faultyFrames("invalid_setting", "A setting that is on or off has another value.")
        case .unexpectedSettingsAck:
            .faultyFrames("unexpected_settings_ack", "The client acknowledged settings that the gateway has not sent.")
        case .settingsNotAcknowledged:
            Explanation(
                "http2_settings_not_acknowledged", .client,
                "The client did not acknowledge the gateway's settings in time.",
                "Usually a lost connection; nothing has to be done for a few of them.")
        // Time
        case .prefaceNotSent:
            Explanation(
                "http2_preface_not_sent", .client,
                "A client that chose HTTP/2 sent nothing within limits.header_timeout.",
                "Browsers open connections in reserve and drop them; nothing has to be done for a few of them.")
        case .frameNotFinished:
            Explanation(
                "http2_frame_not_finished", .client, "The rest of a frame did not arrive in time.",
                "Usually a lost connection; nothing has to be done for a few of them.")
        // Windows of the connection
        case .connectionWindowOverflow:
            .faultyFrames("connection_window_overflow", "WINDOW_UPDATE opens the connection's window too far.")
        case .connectionWindowExceeded:
            .faultyFrames(
                "connection_window_exceeded", "The client sent more data than the connection's window allows.")
        case .emptyConnectionWindowUpdate:
            .faultyFrames("empty_connection_window_update", "WINDOW_UPDATE opens the connection's window by nothing.")
        case .settingOverflowsWindow:
            .faultyFrames("setting_overflows_window", "A new SETTINGS_INITIAL_WINDOW_SIZE opens a window too far.")
        // Field compression
        case .truncatedFieldBlock:
            .faultyFrames("truncated_field_block", "A field block ends in the middle of a field.")
        case .integerOverflow:
            .faultyFrames("integer_overflow", "A number in a field block is larger than any valid one.")
        case .invalidIndex:
            .faultyFrames("invalid_index", "A field block refers to a field that its table does not have.")
        case .invalidHuffmanCode:
            .faultyFrames("invalid_huffman_code", "A compressed text in a field block is invalid.")
        case .misplacedSizeUpdate:
            .faultyFrames("misplaced_size_update", "The size of the field table changes behind a field.")
        case .sizeUpdateTooLarge:
            .faultyFrames("size_update_too_large", "The field table gets larger than the gateway has allowed.")
        case .missingSizeUpdate:
            .faultyFrames("missing_size_update", "The client did not make its field table smaller as it had to.")
        // Floods
        case .fieldBlockTooLarge:
            .flood(
                "field_block_too_large", "A field block is much larger than a head may be.",
                limit: "limits.request_head")
        case .tooManyContinuations:
            .flood("too_many_continuations", "A head is spread over too many frames.", limit: "limits.request_head")
        case .floodOfResets:
            .flood(
                "flood_of_resets", "The client begins and cancels requests more often than it may.",
                limit: "limits.http2.resets")
        case .floodOfProvokedResets:
            .flood(
                "flood_of_provoked_resets", "The client provokes resets of its streams more often than it may.",
                limit: "limits.http2.provoked_resets")
        case .floodOfRefusedStreams:
            .flood(
                "flood_of_refused_streams", "The client begins more streams than it may, too often.",
                limit: "limits.http2.refused_streams")
        case .floodOfPings:
            .flood("flood_of_pings", "The client sends PING more often than it may.", limit: "limits.http2.pings")
        case .floodOfSettings:
            .flood(
                "flood_of_settings", "The client sends SETTINGS more often than it may.", limit: "limits.http2.settings"
            )
        case .floodOfPriorities:
            .flood(
                "flood_of_priorities", "The client changes priorities more often than it may.",
                limit: "limits.http2.priorities")
        case .floodOfWindowUpdates:
            .flood(
                "flood_of_window_updates", "The client sends WINDOW_UPDATE more often than it may.",
                limit: "limits.http2.window_updates")
        case .floodOfEmptyFrames:
            .flood(
                "flood_of_empty_frames", "The client sends frames without content more often than it may.",
                limit: "limits.http2.empty_frames")
        case .floodOfPadding:
            .flood(
                "flood_of_padding", "The client sends frames that are only padding more often than it may.",
                limit: "limits.http2.padding")
        case .floodOfUnknownFrames:
            .flood(
                "flood_of_unknown_frames", "The client sends frames of unknown types more often than it may.",
                limit: "limits.http2.unknown_frames")
        // Errors of one stream
        case .streamWindowOverflow:
            .faultyFrames("stream_window_overflow", "WINDOW_UPDATE opens a stream's window too far.")
        case .streamWindowExceeded:
            .faultyFrames("stream_window_exceeded", "The client sent more data than a stream's window allows.")
        case .emptyWindowUpdate:
            .faultyFrames("empty_window_update", "WINDOW_UPDATE opens a stream's window by nothing.")
        case .frameOnClosedStream: .faultyFrames("frame_on_closed_stream", "A frame names a stream that has ended.")
        case .dataAfterEnd: .faultyFrames("data_after_end", "DATA follow the end of a request.")
        case .headersAfterEnd: .faultyFrames("headers_after_end", "HEADERS follow the end of a request.")
        case .trailersWithoutEnd: .faultyFrames("trailers_without_end", "Trailers do not end their request.")
        case .contentTooLong: .faultyFrames("content_too_long", "A request has more content than Content-Length says.")
        case .contentTooShort:
            .faultyFrames("content_too_short", "A request has less content than Content-Length says.")
        case .malformedHead:
            .faultyFrames(
                "malformed_head", "The head of a request is invalid; the log has the reason as a refused request.")
        case .malformedTrailers: .faultyFrames("malformed_trailers", "The trailers of a request have an invalid field.")
        case .streamDependsOnItself: .faultyFrames("stream_depends_on_itself", "The priority of a stream names itself.")
        case .tooManyStreams:
            Explanation(
                "http2_too_many_streams", .client,
                "The client began more requests at a time than limits.http2.streams.",
                "Clients send such a request again. Raise limits.http2.streams if one ignores the limit.")
        case .invalidPriorityFrame: .faultyFrames("invalid_priority_frame", "A PRIORITY frame has a wrong size.")
        }
    }
}
