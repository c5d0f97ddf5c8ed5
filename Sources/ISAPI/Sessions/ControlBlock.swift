import CISAPI
import HTTP
import Memory

/// The control block of a request, in its slot of the table: the request as the extension sees it.
///
/// The extension reads and writes it at any time, so every access is one of a single member.
@safe
struct ControlBlock: BitwiseCopyable {
    let pointer: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>

    /// The value of dwHttpStatusCode before the extension has set it.
    static let initialStatus: DWORD = 200

    /// A block for `session`, without a request yet; nil when there is none left.
    init?(for session: ExtensionSession, _ request: RequestID?) {
        guard let pointer = unsafe ControlBlockTable.shared.take(for: session, request) else { return nil }
        unsafe self.pointer = pointer
    }

    var identity: ControlBlockIdentity { unsafe ControlBlockIdentity(pointer) }

    /// Sets every member.
    @inline(__always)
    func open(for request: borrowing RequestRecord, readAhead: ExtensionMemory, readAheadCount: Int, total: DWORD) {
        unsafe pointer.pointee = EXTENSION_CONTROL_BLOCK(
            cbSize: DWORD(MemoryLayout<EXTENSION_CONTROL_BLOCK>.size), dwVersion: DWORD(HSE_VERSION),
            // Some extensions pass the block itself in place of ConnID; this way both work.
            ConnID: UnsafeMutableRawPointer(pointer), dwHttpStatusCode: Self.initialStatus, lpszLogData: emptyLogData,
            lpszMethod: request.text(request.methodText), lpszQueryString: request.text(request.queryText),
            lpszPathInfo: request.text(request.pathInfoText),
            lpszPathTranslated: request.text(request.translatedPathText), cbTotalBytes: total,
            cbAvailable: DWORD(readAheadCount), lpbData: readAhead.address?.assumingMemoryBound(to: BYTE.self),
            lpszContentType: request.text(request.contentTypeText), GetServerVariable: getServerVariable,
            WriteClient: writeClient, ReadClient: readClient, ServerSupportFunction: serverSupportFunction)
    }

    /// The status for the log, as the extension has set it.
    var status: DWORD { unsafe pointer.pointee.dwHttpStatusCode }

    /// The text for the log, as the extension has set it.
    var logText: ByteView { unsafe ExtensionMemory(CISAPI_log_data(pointer)).text(within: Int(HSE_LOG_BUFFER_LEN)) }

    /// Gives the block back to the table. An extension that still reads a finished request finds an empty one.
    func close() {
        unsafe pointer.pointee.lpszMethod = emptyText
        unsafe pointer.pointee.lpszQueryString = emptyText
        unsafe pointer.pointee.lpszPathInfo = emptyText
        unsafe pointer.pointee.lpszPathTranslated = emptyText
        unsafe pointer.pointee.lpszContentType = emptyText
        unsafe pointer.pointee.cbAvailable = 0
        unsafe pointer.pointee.lpbData = UnsafeMutableRawPointer(emptyText).assumingMemoryBound(to: BYTE.self)
        unsafe ControlBlockTable.shared.giveBack(pointer)
    }
}

private let emptyLogData = unsafe EXTENSION_CONTROL_BLOCK().lpszLogData
nonisolated(unsafe) private let emptyText = {
    let text = UnsafeMutablePointer<CChar>.allocate(capacity: 8)
    unsafe text.initialize(repeating: 0, count: 8)
    return unsafe text
}()
