import CISAPI
import HTTPTypes

/// One request at the extension: how much of its body was read, and whether its response has begun.
///
/// Used by one thread or task at a time: a handler cannot copy its references, nor keep them in an escaping closure.
final class Session: @unchecked Sendable {
    let block: ControlBlock
    private(set) lazy var head = block.head
    private(set) lazy var operation = AsyncOperation(block)

    private var readCount = 0
    private var hasTakenAvailable = false
    private var hasBodyEnded = false
    private(set) var hasBegun = false

    init(_ block: ControlBlock) { self.block = block }

    // MARK: The body of the request

    /// The bytes that came with the head, once; nil when there were none.
    func takeAvailable() -> [UInt8]? {
        guard !hasTakenAvailable else { return nil }
        hasTakenAvailable = true
        let bytes = block.availableBytes
        readCount = bytes.count
        return bytes.isEmpty ? nil : bytes
    }

    /// Whether the server has to be asked for more.
    var needsMore: Bool {
        guard !hasBodyEnded else { return false }
        guard let length = block.bodyLength else { return true }
        return readCount < length
    }

    /// Counts the bytes read; nil for the end.
    func received(_ bytes: [UInt8]) -> [UInt8]? {
        readCount += bytes.count
        hasBodyEnded = bytes.isEmpty
        return bytes.isEmpty ? nil : bytes
    }

    // MARK: The response

    func begin(_ response: HTTPResponse) throws(ExtensionError) {
        hasBegun = true
        try block.sendHead(response)
    }

    /// Whether the response to this request has no body, whatever its head contains.
    var isHead: Bool { block.method == "HEAD" }

    // MARK: The end

    /// After the handler has returned: the status for the server.
    func finish(naming itsExtension: Extension) -> DWORD {
        guard hasBegun else {
            log("the handler sent no response", itsExtension)
            return answer(.internalServerError)
        }
        return DWORD(HSE_STATUS_SUCCESS_AND_KEEP_CONN)
    }

    /// After the handler has thrown: the status for the server.
    func fail(_ error: any Error, naming itsExtension: Extension) -> DWORD {
        let reason = error as? ExtensionError
        // A cancelled task throws its own error.
        if reason == .clientGone || (Task.isCancelled && !block.isConnected) {
            if hasBegun { block.closeConnection() }
            return DWORD(HSE_STATUS_ERROR)
        }
        if reason == .bodyTooLong, !hasBegun { return answer(.contentTooLarge) }
        log("\(error)", itsExtension)
        guard hasBegun else { return answer(.internalServerError) }
        block.closeConnection()
        return DWORD(HSE_STATUS_ERROR)
    }

    private func answer(_ status: HTTPResponse.Status) -> DWORD {
        let head = HTTPResponse(status: status, headerFields: [.contentType: "text/plain"])
        do throws(ExtensionError) {
            try ResponseSender(self).send(head, body: "\(status.code) \(status.reasonPhrase)\n")
            return DWORD(HSE_STATUS_SUCCESS_AND_KEEP_CONN)
        } catch {
            return DWORD(HSE_STATUS_ERROR)
        }
    }

    private func log(_ problem: String, _ itsExtension: Extension) {
        ServerProcess.log("extension \(itsExtension.description): \(block.method) \(head.path ?? ""): \(problem)")
    }
}
