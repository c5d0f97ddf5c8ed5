import CISAPI
import Glibc
import Memory

/// One call of ServerSupportFunction: the session and the three arguments whose meaning depends on the request.
struct SupportCall {
    /// Not counted: sessions are never deallocated.
    private let reference: Unretained<ExtensionSession>
    let caller: ControlBlockIdentity
    let buffer: ExtensionMemory
    let size: ExtensionMemory
    let type: ExtensionMemory

    @inline(__always)
    init(
        session: ExtensionSession, caller: ControlBlockIdentity, buffer: UnsafeMutableRawPointer?,
        size: UnsafeMutablePointer<DWORD>?, type: UnsafeMutablePointer<DWORD>?
    ) {
        unsafe reference = Unretained(unchecked: session)
        self.caller = caller
        unsafe (self.buffer, self.size, self.type) = (
            ExtensionMemory(buffer), ExtensionMemory(size), ExtensionMemory(type)
        )
    }

    var session: ExtensionSession {
        @inline(__always) get { reference.value }
    }

    /// lpvBuffer as a text with the length *lpdwSize, where that is given.
    var textOfSize: ByteView { buffer.text(size.load(DWORD.self) ?? 0) }

    /// Every request of ISAPI 6.0; any other number is refused.
    func perform(_ request: DWORD) -> CallFailure? {
        switch Int32(bitPattern: request) {
        // The response.
        case HSE_REQ_SEND_RESPONSE_HEADER: sendResponseHeader()
        case HSE_REQ_SEND_RESPONSE_HEADER_EX: sendResponseHeaderEx()
        case HSE_REQ_SEND_URL_REDIRECT_RESP: redirect()
        case HSE_REQ_SEND_URL: sendURL()
        case HSE_REQ_SEND_CUSTOM_ERROR: sendCustomError()
        case HSE_REQ_VECTOR_SEND: vectorSend()
        case HSE_REQ_TRANSMIT_FILE: transmitFile()
        case HSE_REQ_SET_FLUSH_FLAG: setFlushFlag()

        // The end, and asynchronous operations.
        case HSE_REQ_DONE_WITH_SESSION: doneWithSession()
        case HSE_REQ_IO_COMPLETION: setCompletion()
        case HSE_REQ_ASYNC_READ_CLIENT: asyncReadClient()
        case HSE_REQ_CANCEL_IO: session.cancelOperation(by: caller)

        // The connection.
        case HSE_REQ_IS_KEEP_CONN:
            answer { state in state.request.keepAlive && !state.response.head.closesConnection }
        case HSE_REQ_IS_CONNECTED: answer { state in state.isClientConnected }
        case HSE_REQ_ABORTIVE_CLOSE: abortiveClose()
        case HSE_REQ_CLOSE_CONNECTION: session.closeConnection(by: caller)
        case HSE_REQ_GET_CERT_INFO_EX: getCertificate()
        case HSE_REQ_GET_CHANNEL_BINDING_TOKEN: getChannelBinding()

        // URLs and child requests.
        case HSE_REQ_MAP_URL_TO_PATH: mapURLToPath()
        case HSE_REQ_MAP_URL_TO_PATH_EX: mapURLToPathEx()
        case HSE_REQ_MAP_UNICODE_URL_TO_PATH: mapUnicodeURLToPath()
        case HSE_REQ_MAP_UNICODE_URL_TO_PATH_EX: mapUnicodeURLToPathEx()
        case HSE_REQ_NORMALIZE_URL: normalizeURL()
        case HSE_REQ_EXEC_URL: executeURL()
        case HSE_REQ_EXEC_UNICODE_URL: executeUnicodeURL()
        case HSE_REQ_GET_EXEC_URL_STATUS: getChildStatus()

        // The server.
        case HSE_APPEND_LOG_PARAMETER: appendLogParameter()
        case HSE_REQ_IS_IN_PROCESS: give(DWORD(HSE_APP_FLAG_IN_PROCESS))
        case HSE_REQ_REPORT_UNHEALTHY: reportUnhealthy()
        // Access to a library is checked by the system when it is loaded.
        case HSE_REQ_REFRESH_ISAPI_ACL: buffer.isNull ? .invalidParameter : inquire()
        // There is no kernel cache that could be notified, and no event tracing.
        case HSE_REQ_GET_CACHE_INVALIDATION_CALLBACK: unsafe give(cacheInvalidation)
        case HSE_REQ_GET_TRACE_INFO, HSE_REQ_GET_TRACE_INFO_EX: give(HSE_TRACE_INFO())
        case HSE_REQ_RAISE_TRACE_EVENT: inquire()

        // Windows accounts, and objects of its configuration system.
        case HSE_REQ_GET_SSPI_INFO, HSE_REQ_GET_IMPERSONATION_TOKEN, HSE_REQ_GET_ANONYMOUS_TOKEN,
            HSE_REQ_GET_UNICODE_ANONYMOUS_TOKEN, HSE_REQ_GET_CONFIG_OBJECT, HSE_REQ_GET_WORKER_PROCESS_SETTINGS,
            HSE_REQ_GET_PROTOCOL_MANAGER_CUSTOM_INTERFACE_CALLBACK:
            inquire() ?? .notSupported
        default: .invalidParameter
        }
    }

    /// lpvBuffer: the status, NULL for 200; lpdwDataType: the field lines as text, NULL for none.
    private func sendResponseHeader() -> CallFailure? {
        session.sendHead(status: buffer.text, block: type.text, closesConnection: false, by: caller)
    }

    /// lpvBuffer: an HSE_SEND_HEADER_EX_INFO, whose lengths may count trailing NULs or be 0 for "as long as the text".
    private func sendResponseHeaderEx() -> CallFailure? {
        guard let information = unsafe buffer.load(HSE_SEND_HEADER_EX_INFO.self) else { return .invalidParameter }
        let status = unsafe ExtensionMemory(information.pszStatus)
        let block = unsafe ExtensionMemory(information.pszHeader)
        let (statusCount, blockCount, keeps) = unsafe (
            information.cchStatus, information.cchHeader, information.fKeepConn
        )
        // A length without a text is a mistake; without both, the default is used.
        guard !status.isNull || statusCount == 0, !block.isNull || blockCount == 0 else { return .invalidParameter }
        return session.sendHead(
            status: status.text(statusCount), block: block.text(blockCount), closesConnection: keeps == 0, by: caller)
    }

    /// lpvBuffer: the URL; *lpdwSize: its length, where given. Answers 302 with that Location.
    func redirect() -> CallFailure? {
        let url = textOfSize
        guard !url.isEmpty, url.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return .invalidParameter }
        var block = ByteBuffer()
        block.append("Location: ")
        block.append(url)
        block.append("\r\nContent-Length: 0\r\n\r\n")
        let status: StaticString = "302 Found"
        return session.sendHead(
            status: ByteView(status),
            block: block.bytes, closesConnection: false, by: caller)
    }

    /// lpvBuffer: not an address but a BOOL; whether each write is sent immediately.
    private func setFlushFlag() -> CallFailure? {
        session.setPrompt(!buffer.isNull, by: caller)
    }

    /// lpvBuffer: an HSE_STATUS_ number, NULL for success.
    private func doneWithSession() -> CallFailure? {
        session.done(buffer.load(DWORD.self) ?? DWORD(HSE_STATUS_SUCCESS), by: caller)
    }

    /// The connection is reset instead of closed once the response is sent.
    private func abortiveClose() -> CallFailure? {
        session.inquire(by: caller) { state in
            state.resetsConnection = true
            state.response.closeConnection()
            return nil
        }
    }

    /// lpvBuffer: text for the log.
    private func appendLogParameter() -> CallFailure? {
        guard !buffer.isNull else { return .invalidParameter }
        return session.inquire(by: caller) { state in
            state.appendLog(buffer.text)
            return nil
        }
    }

    /// lpvBuffer: the reason as text, or NULL.
    private func reportUnhealthy() -> CallFailure? {
        var handle: ExtensionHandle?
        let failure = session.inquire(by: caller) { state in
            handle = state.handle
            return nil
        }
        guard failure == nil else { return failure }
        let reason = String(decoding: buffer.text.prefix(Self.reasonLimit), as: UTF8.self)
        handle?.health?.reportedUnhealthy(reason)
        return nil
    }

    private static let reasonLimit = 200

    /// lpvBuffer: receives a BOOL.
    private func answer(_ question: (inout SessionState) -> Bool) -> CallFailure? {
        if buffer.isNull { return .invalidParameter }
        return session.inquire(by: caller) { state in
            buffer.store(question(&state) ? 1 : 0 as BOOL)
            return nil
        }
    }

    /// lpvBuffer: receives `value`.
    private func give<Value: BitwiseCopyable>(_ value: Value) -> CallFailure? {
        if buffer.isNull { return .invalidParameter }
        return session.inquire(by: caller) { _ in
            buffer.store(value)
            return nil
        }
    }

    /// Only checks the ConnID.
    private func inquire() -> CallFailure? {
        session.inquire(by: caller) { _ in nil }
    }
}

/// The function that HSE_REQ_GET_CACHE_INVALIDATION_CALLBACK returns: nothing is cached, so there is nothing to drop.
private let cacheInvalidation: @convention(c) (UnsafeMutablePointer<WCHAR>?) -> HRESULT = { _ in 0 }
