import HTTP

/// The request data that the worker passes to an extension; read during `ExtensionSession.begin` only.
@safe
package struct ExtensionRequest: ~Copyable {
    package var head: RequestHead
    /// The bytes that the slices of `head` and `fields` refer to.
    package var headBytes: UnsafeRawBufferPointer
    package var fields: UnsafeBufferPointer<FieldSlice>
    /// The part of the path that names the extension, and the part after it; both percent-decoded.
    package var scriptName: UnsafeRawBufferPointer
    package var pathInfo: UnsafeRawBufferPointer
    /// The file that `pathInfo` is mapped to.
    package var translatedPath: UnsafeRawBufferPointer
    package var origin: Unmanaged<RequestOrigin>
    package var application: Unmanaged<ExtensionApplication>
    /// Whether the connection may be kept after the response.
    package var keepAlive: Bool
    package var requestID: RequestID
    /// The user, if the client was authenticated by a password.
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
/// The strings of the control block are separate copies: extensions modify them in place.
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
    /// The text in place of a body for a request without one.
    private(set) var emptyText = Slice.empty
    private(set) var contentType = Slice.empty
    private(set) var origin: RequestOrigin?
    private(set) var application: ExtensionApplication?
    private(set) var keepAlive = false
    private(set) var requestID: RequestID?
    private(set) var user: String?
    /// Bytes of the body if its framing does not declare them and it has arrived completely.
    var knownLength: UInt64?

    deinit {
        unsafe fieldStorage.deallocate()
    }

    mutating func fill(_ request: borrowing ExtensionRequest) {
        head = request.head
        unsafe origin = request.origin.takeUnretainedValue()
        unsafe application = request.application.takeUnretainedValue()
        keepAlive = request.keepAlive
        requestID = request.requestID
        if let user = request.user { self.user = user }
        unsafe copyFields(request.fields)
        let headBytes = unsafe request.headBytes
        let method = unsafe UnsafeRawBufferPointer(rebasing: headBytes[head.methodToken.range])
        let query = unsafe UnsafeRawBufferPointer(rebasing: headBytes[head.query.range])
        let type = unsafe UnsafeRawBufferPointer(rebasing: headBytes[contentType.range])
        let paths = unsafe request.scriptName.count + 2 * (request.pathInfo.count + request.translatedPath.count)
        let room = headBytes.count + paths + method.count + query.count + type.count + Self.endCount
        var texts = unsafe TextWriter(UnsafeMutableRawBufferPointer(start: arena.reserve(room), count: room))
        // The slices of the head are relative to the arena's beginning.
        _ = unsafe texts.add(headBytes)
        scriptName = unsafe texts.add(request.scriptName)
        pathInfo = unsafe texts.add(request.pathInfo)
        translatedPath = unsafe texts.add(request.translatedPath)
        methodText = unsafe texts.add(method)
        queryText = unsafe texts.add(query)
        pathInfoText = unsafe texts.add(request.pathInfo)
        translatedPathText = unsafe texts.add(request.translatedPath)
        contentTypeText = unsafe texts.add(type)
        emptyText = unsafe texts.add(UnsafeRawBufferPointer(start: nil, count: 0))
        arena.commit(texts.count)
    }

    mutating func reset() {
        arena.removeAll()
        origin = nil
        application = nil
        requestID = nil
        if user != nil { user = nil }
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

    /// The host of a target in absolute form, which no field contains.
    var targetHost: Slice? {
        guard head.form == .absolute else { return nil }
        for index in 0..<fieldCount where field(index).known == .host { return nil }
        return head.authority
    }

    /// Whether two fields have the same name.
    func isSameName(_ first: Int, _ second: Int) -> Bool {
        let (one, other) = (field(first).name, field(second).name)
        guard one.count == other.count else { return false }
        let (text, others) = unsafe (bytes(one), bytes(other))
        for index in 0..<text.count where unsafe lowercase(text[index]) != lowercase(others[index]) { return false }
        return true
    }

    /// Whether the field is the one that a variable shows, of all fields whose names map to that variable.
    func hasVariable(_ index: Int) -> Bool {
        let isPlain = hasPlainName(index)
        for other in 0..<fieldCount where other != index && isSameVariable(other, index) {
            if hasPlainName(other) == isPlain ? other < index : !isPlain { return false }
        }
        return true
    }

    private func hasPlainName(_ index: Int) -> Bool {
        let name = unsafe bytes(field(index).name)
        return unsafe !VariableName.isAmbiguous(name.bytes, from: 0, to: name.count)
    }

    private func isSameVariable(_ first: Int, _ second: Int) -> Bool {
        let (one, other) = (field(first).name, field(second).name)
        guard one.count == other.count else { return false }
        return unsafe VariableName.isSame(bytes(one).bytes, asVariableOf: bytes(other).bytes)
    }

    /// The number of NULs after the parts.
    private static let endCount = 10

    private mutating func copyFields(_ fields: UnsafeBufferPointer<FieldSlice>) {
        if unsafe fieldStorage.count < head.fieldCount {
            unsafe fieldStorage.deallocate()
            unsafe fieldStorage = .allocate(capacity: max(8, head.fieldCount))
        }
        contentType = .empty
        for index in (0..<head.fieldCount).reversed() {
            let field = unsafe fields[index]
            unsafe fieldStorage.initializeElement(at: index, to: field)
            if case .contentType = field.known { contentType = field.value }
        }
    }
}

/// Stores texts one after the other, each with a NUL at its end, in memory of a size computed before.
@safe
private struct TextWriter: ~Copyable {
    private let room: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ room: UnsafeMutableRawBufferPointer) {
        unsafe self.room = room
    }

    /// Where in the memory the text is.
    @inline(__always)
    mutating func add(_ text: UnsafeRawBufferPointer) -> Slice {
        let length = text.count
        precondition(unsafe length < room.count - count, "room is measured before it is filled")
        let place = unsafe room.baseAddress.unsafelyUnwrapped + count
        if length > 0, let source = text.baseAddress { unsafe place.copyMemory(from: source, byteCount: length) }
        unsafe place.storeBytes(of: 0, toByteOffset: length, as: UInt8.self)
        let slice = Slice(start: UInt32(truncatingIfNeeded: count), count: UInt32(truncatingIfNeeded: length))
        count += length + 1
        return slice
    }
}
