import HTTP

/// What the worker knows of a request when it hands it to an extension; read during `ExtensionSession.begin` only.
@safe
package struct ExtensionRequest {
    package var head: RequestHead
    /// The bytes that the slices of `head` and `fields` count from.
    package var headBytes: UnsafeRawBufferPointer
    package var fields: UnsafeBufferPointer<FieldSlice>
    /// The part of the path that names the extension, and what follows it; both percent-decoded.
    package var scriptName: UnsafeRawBufferPointer
    package var pathInfo: UnsafeRawBufferPointer
    /// The file that `pathInfo` stands for.
    package var translatedPath: UnsafeRawBufferPointer
    package var origin: Unmanaged<RequestOrigin>
    package var application: Unmanaged<ExtensionApplication>
    /// Whether the connection may go on after the response.
    package var keepAlive: Bool
    package var requestID: RequestID
    /// Who the client has shown to be by a password.
    package var user: String?

    package init(
        head: RequestHead, headBytes: UnsafeRawBufferPointer, fields: UnsafeBufferPointer<FieldSlice>,
        scriptName: UnsafeRawBufferPointer, pathInfo: UnsafeRawBufferPointer, translatedPath: UnsafeRawBufferPointer,
        origin: RequestOrigin, application: ExtensionApplication, keepAlive: Bool, requestID: RequestID,
        user: String? = nil
    ) {
        self.head = head
        unsafe self.headBytes = headBytes
        unsafe self.fields = fields
        unsafe self.scriptName = scriptName
        unsafe self.pathInfo = pathInfo
        unsafe self.translatedPath = translatedPath
        unsafe self.origin = .passUnretained(origin)
        unsafe self.application = .passUnretained(application)
        self.keepAlive = keepAlive
        self.requestID = requestID
        self.user = user
    }
}

/// A session's own copy of a request, in one arena that is kept for the next.
///
/// The strings of the control block are copies of their own: extensions cut them up in place.
@safe
struct RequestRecord: ~Copyable {
    private var arena = ByteBuffer()
    private var fieldStorage = unsafe UnsafeMutableBufferPointer<FieldSlice>(start: nil, count: 0)
    private(set) var head = RequestHead()
    private(set) var scriptName = Slice.empty
    private(set) var pathInfo = Slice.empty
    private(set) var translatedPath = Slice.empty
    /// NUL-terminated, for the control block.
    private(set) var methodText = Slice.empty
    private(set) var queryText = Slice.empty
    private(set) var pathInfoText = Slice.empty
    private(set) var translatedPathText = Slice.empty
    private(set) var contentTypeText = Slice.empty
    /// What a request without a body has in its place.
    private(set) var emptyText = Slice.empty
    private(set) var contentType = Slice.empty
    private(set) var origin: RequestOrigin?
    private(set) var application: ExtensionApplication?
    private(set) var keepAlive = false
    private(set) var requestID: RequestID?
    private(set) var user: String?
    /// Bytes of the body where its framing does not tell them and they are all here.
    var knownLength: UInt64?

    deinit {
        unsafe fieldStorage.deallocate()
    }

    mutating func fill(_ request: ExtensionRequest) {
        head = request.head
        unsafe origin = request.origin.takeUnretainedValue()
        unsafe application = request.application.takeUnretainedValue()
        keepAlive = request.keepAlive
        requestID = request.requestID
        user = request.user
        unsafe copyFields(request.fields)
        contentType = unsafe request.fields.first { $0.known == .contentType }?.value ?? .empty
        // Nothing moves while one part is copied from another.
        let paths = unsafe request.scriptName.count + 2 * (request.pathInfo.count + request.translatedPath.count)
        let texts = head.methodToken.range.count + head.query.range.count + contentType.range.count
        unsafe arena.reserve(request.headBytes.count + paths + texts + Self.endCount)
        unsafe arena.append(request.headBytes)
        scriptName = unsafe append(request.scriptName)
        pathInfo = unsafe append(request.pathInfo)
        translatedPath = unsafe append(request.translatedPath)
        methodText = unsafe append(bytes(head.methodToken))
        queryText = unsafe append(bytes(head.query))
        pathInfoText = unsafe append(request.pathInfo)
        translatedPathText = unsafe append(request.translatedPath)
        contentTypeText = unsafe append(bytes(contentType))
        emptyText = unsafe append(UnsafeRawBufferPointer(start: nil, count: 0))
    }

    mutating func reset() {
        arena.removeAll()
        origin = nil
        application = nil
        requestID = nil
        user = nil
        knownLength = nil
    }

    func bytes(_ slice: Slice) -> UnsafeRawBufferPointer {
        unsafe arena.slice(slice.range)
    }

    /// The NUL-terminated text at `slice`, for the extension to read and to write.
    func text(_ slice: Slice) -> UnsafeMutablePointer<CChar> {
        let start = unsafe arena.bytes.baseAddress! + Int(slice.start)
        return unsafe UnsafeMutableRawPointer(mutating: start).assumingMemoryBound(to: CChar.self)
    }

    var fieldCount: Int { head.fieldCount }

    /// The field lines in the order sent.
    func field(_ index: Int) -> FieldSlice {
        precondition(index < head.fieldCount)
        return unsafe fieldStorage[index]
    }

    /// NULs behind the parts.
    private static let endCount = 9

    @inline(__always)
    private mutating func append(_ bytes: UnsafeRawBufferPointer) -> Slice {
        let start = arena.count
        let end = start + bytes.count
        let room = unsafe arena.reserve(bytes.count + 1)
        if let source = bytes.baseAddress { unsafe room.copyMemory(from: source, byteCount: bytes.count) }
        unsafe room.storeBytes(of: 0, toByteOffset: bytes.count, as: UInt8.self)
        arena.commit(bytes.count + 1)
        return Slice(start, end)
    }

    private mutating func copyFields(_ fields: UnsafeBufferPointer<FieldSlice>) {
        if unsafe fieldStorage.count < head.fieldCount {
            unsafe fieldStorage.deallocate()
            unsafe fieldStorage = .allocate(capacity: max(8, head.fieldCount))
        }
        for index in 0..<head.fieldCount { unsafe fieldStorage.initializeElement(at: index, to: fields[index]) }
    }
}
