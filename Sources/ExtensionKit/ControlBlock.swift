import CISAPI
import HTTPTypes

/// The server's control block of one request and the calls through it; from any thread, until the request is finished.
@safe
struct ControlBlock: @unchecked Sendable {
    private let block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>

    init(_ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>) {
        unsafe self.block = block
    }

    // MARK: The request

    var method: String { unsafe String(cString: block.pointee.lpszMethod) }
    var pathInfo: String { unsafe String(cString: block.pointee.lpszPathInfo) }
    var query: String { unsafe String(cString: block.pointee.lpszQueryString) }

    /// The bytes of a server variable; nil when there is none of that name.
    func variable(_ name: String) -> [UInt8]? {
        var name = Array(name.utf8CString)
        var size: DWORD = 1024
        while true {
            var value = [UInt8](repeating: 0, count: Int(size))
            let isGiven = unsafe block.pointee.GetServerVariable(block.pointee.ConnID, &name, &value, &size) != 0
            // The size includes the NUL after the value.
            if isGiven { return Array(value.prefix(Int(max(1, size)) - 1)) }
            guard ServerProcess.lastError == DWORD(ERROR_INSUFFICIENT_BUFFER), size > value.count else { return nil }
        }
    }

    /// Method, target and fields. A field line with a name that HTTPTypes does not accept is left out.
    var head: HTTPRequest {
        var fields = HTTPFields()
        for line in (variable("ALL_RAW") ?? []).split(whereSeparator: { $0 == 0x0D || $0 == 0x0A }) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")),
                let name = HTTPField.Name(String(decoding: line[..<colon], as: UTF8.self))
            else { continue }
            let value = line[(colon + 1)...].drop { $0 == 0x20 || $0 == 0x09 }
            fields.append(HTTPField(name: name, value: value))
        }
        return HTTPRequest(
            method: HTTPRequest.Method(method) ?? .get, scheme: text("HTTPS") == "on" ? "https" : "http",
            authority: text("HTTP_HOST"), path: text("HTTP_URL"), headerFields: fields)
    }

    private func text(_ name: String) -> String? {
        variable(name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The bytes of the body that came with the head.
    var availableBytes: [UInt8] {
        unsafe Array(UnsafeBufferPointer(start: block.pointee.lpbData, count: Int(block.pointee.cbAvailable)))
    }

    /// The body's length; nil when it is not known in advance.
    var bodyLength: Int? {
        let total = unsafe block.pointee.cbTotalBytes
        return total == .max ? nil : Int(total)
    }

    /// Reads more of the body, at most `limit` bytes; none at its end.
    func read(atMost limit: Int) throws(ExtensionError) -> [UInt8] {
        var failure: ExtensionError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            var size = DWORD(limit)
            if unsafe block.pointee.ReadClient(block.pointee.ConnID, buffer.baseAddress, &size) != 0 {
                count = Int(size)
            } else {
                failure = ExtensionError(number: ServerProcess.lastError)
            }
        }
        if let failure { throw failure }
        return bytes
    }

    // MARK: The response

    /// Passes the head of the response to the server; it is sent later.
    func sendHead(_ response: HTTPResponse) throws(ExtensionError) {
        unsafe block.pointee.dwHttpStatusCode = DWORD(response.status.code)
        var status = Array("\(response.status.code) \(response.status.reasonPhrase)".utf8CString)
        let lines = response.headerFields.map { "\($0.name.rawName): \($0.value)\r\n" }
        var fields = Array((lines.joined() + "\r\n").utf8CString)
        let isSent = unsafe status.withUnsafeMutableBufferPointer { status in
            unsafe fields.withUnsafeMutableBufferPointer { fields in
                var head = unsafe HSE_SEND_HEADER_EX_INFO(
                    pszStatus: status.baseAddress, pszHeader: fields.baseAddress, cchStatus: DWORD(status.count - 1),
                    cchHeader: DWORD(fields.count - 1), fKeepConn: 1)
                return unsafe support(HSE_REQ_SEND_RESPONSE_HEADER_EX, &head)
            }
        }
        guard isSent else { throw ExtensionError(number: ServerProcess.lastError) }
    }

    /// Appends to the body of the response; blocks while the client is slow.
    func write(_ bytes: RawSpan) throws(ExtensionError) {
        let isWritten = unsafe bytes.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, bytes.count > 0 else { return true }
            return unsafe write(UnsafeMutableRawPointer(mutating: start), count: bytes.count, HSE_IO_SYNC)
        }
        guard isWritten else { throw ExtensionError(number: ServerProcess.lastError) }
    }

    /// WriteClient; with HSE_IO_ASYNC the server uses the bytes until the completion.
    func write(_ start: UnsafeMutableRawPointer, count: Int, _ mode: Int32) -> Bool {
        var written = DWORD(count)
        return unsafe block.pointee.WriteClient(block.pointee.ConnID, start, &written, DWORD(mode)) != 0
    }

    // MARK: The connection

    /// Whether the client has closed neither direction.
    var isConnected: Bool {
        var isConnected: BOOL = 0
        return unsafe support(HSE_REQ_IS_CONNECTED, &isConnected) && isConnected != 0
    }

    /// Closes the connection, so that a response that has begun does not look complete.
    func closeConnection() {
        _ = unsafe support(HSE_REQ_CLOSE_CONNECTION, nil)
    }

    /// Ends a pending request, with an HSE_STATUS_ number; the block belongs to the server from then on.
    func finish(_ status: DWORD) {
        var status = status
        _ = unsafe support(HSE_REQ_DONE_WITH_SESSION, &status)
    }

    /// ServerSupportFunction.
    func support(
        _ request: Int32, _ buffer: UnsafeMutableRawPointer?, _ size: UnsafeMutablePointer<DWORD>? = nil,
        _ type: UnsafeMutablePointer<DWORD>? = nil
    ) -> Bool {
        unsafe block.pointee.ServerSupportFunction(block.pointee.ConnID, DWORD(request), buffer, size, type) != 0
    }
}
