import HTTP
import Memory

/// The request data that the worker passes to an extension; read during `ExtensionSession.begin` only.
@safe
package struct ExtensionRequest: ~Copyable {
    package var head: RequestHead
    /// The bytes that the slices of `head` and `fields` refer to.
    package var headBytes: ByteView
    package var fields: TableView<FieldSlice>
    /// The part of the path that names the extension, and the part after it; both percent-decoded.
    package var scriptName: ByteView
    package var pathInfo: ByteView
    /// The file that `pathInfo` is mapped to.
    package var translatedPath: ByteView
    package var origin: Unretained<RequestOrigin>
    package var application: Unretained<ExtensionApplication>
    /// Whether the connection may be kept after the response.
    package var keepAlive: Bool
    package var requestID: RequestID
    /// In place of the client's fields about its trace.
    package var trace: TraceContext?
    /// The user, if the client was authenticated by a password.
    package var user: String?

    package init(
        head: RequestHead, headBytes: ByteView, fields: TableView<FieldSlice>,
        scriptName: ByteView, pathInfo: ByteView, translatedPath: ByteView,
        origin: RequestOrigin, application: ExtensionApplication, keepAlive: Bool, requestID: RequestID,
        trace: TraceContext? = nil, user: String? = nil
    ) {
        self.head = head
        self.headBytes = headBytes
        self.fields = fields
        self.scriptName = scriptName
        self.pathInfo = pathInfo
        self.translatedPath = translatedPath
        unsafe self.origin = Unretained(unchecked: origin)
        unsafe self.application = Unretained(unchecked: application)
        self.keepAlive = keepAlive
        self.requestID = requestID
        self.trace = trace
        self.user = user
    }
}

/// A session's own copy of a request, in one arena that is kept for the next.
///
/// The strings of the control block are separate copies: extensions modify them in place.
@safe
struct RequestRecord: ~Copyable {
    private var arena = ByteBuffer()
    private var fieldStorage = Table<FieldSlice>()
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

    mutating func fill(_ request: borrowing ExtensionRequest) {
        head = request.head
        origin = request.origin.value
        application = request.application.value
        keepAlive = request.keepAlive
        requestID = request.requestID
        if let user = request.user { self.user = user }
        copyFields(request.fields)
        let headBytes = request.headBytes
        let method = headBytes[head.methodToken.range]
        let query = headBytes[head.query.range]
        let type = headBytes[contentType.range]
        let paths = request.scriptName.count + 2 * (request.pathInfo.count + request.translatedPath.count)
        let traceRoom = request.trace == nil ? 0 : Self.traceLine.count + TraceContext.textCount + 1
        let room = headBytes.count + paths + method.count + query.count + type.count + Self.endCount + traceRoom
        var texts = TextWriter(arena.reserve(room)[..<room])
        // The slices of the head are relative to the arena's beginning.
        _ = texts.add(headBytes)
        scriptName = texts.add(request.scriptName)
        pathInfo = texts.add(request.pathInfo)
        translatedPath = texts.add(request.translatedPath)
        methodText = texts.add(method)
        queryText = texts.add(query)
        pathInfoText = texts.add(request.pathInfo)
        translatedPathText = texts.add(request.translatedPath)
        contentTypeText = texts.add(type)
        emptyText = texts.add(ByteView())
        if let trace = request.trace { replaceFields(by: trace, &texts) }
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

    func bytes(_ slice: Slice) -> ByteView {
        arena.slice(slice.range)
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
        return fieldStorage[index]
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
        let (text, others) = (bytes(one), bytes(other))
        for index in 0..<text.count where lowercase(text[index]) != lowercase(others[index]) { return false }
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
        let name = bytes(field(index).name)
        return !VariableName.isAmbiguous(name.bytes, from: 0, to: name.count)
    }

    private func isSameVariable(_ first: Int, _ second: Int) -> Bool {
        let (one, other) = (field(first).name, field(second).name)
        guard one.count == other.count else { return false }
        return VariableName.isSame(bytes(one).bytes, asVariableOf: bytes(other).bytes)
    }

    /// Shows the extension the trace as the gateway continues it.
    @inline(never)
    private mutating func replaceFields(by trace: TraceContext, _ texts: inout TextWriter) {
        var count = 0
        for index in 0..<head.fieldCount {
            let field = fieldStorage[index]
            if trace.replaces(texts.bytes(field.name).bytes) { continue }
            fieldStorage[count] = field
            count += 1
        }
        let line = texts.add(trace.withParentText { Self.traceLine + Array($0) })
        let nameEnd = Int(line.start) + TraceContext.parentField.utf8CodeUnitCount
        if count == fieldStorage.count {
            fieldStorage = Table(fieldStorage, enlargedTo: count + 1, with: FieldSlice.none)
        }
        fieldStorage[count] = FieldSlice(
            name: Slice(Int(line.start), nameEnd), value: Slice(nameEnd + 2, Int(line.start + line.count)),
            known: .other)
        head.fieldCount = count + 1
    }

    private static let traceLine = Array("\(TraceContext.parentField): ".utf8)

    /// The number of NULs after the parts.
    private static let endCount = 10

    private mutating func copyFields(_ fields: TableView<FieldSlice>) {
        if fieldStorage.count < head.fieldCount {
            fieldStorage = Table(repeating: FieldSlice.none, count: max(8, head.fieldCount))
        }
        contentType = .empty
        for index in (0..<head.fieldCount).reversed() {
            let field = fields[index]
            fieldStorage[index] = field
            if case .contentType = field.known { contentType = field.value }
        }
    }
}

/// Stores texts one after the other, each with a NUL at its end, in memory of a size computed before.
@safe
private struct TextWriter: ~Copyable {
    private let room: MutableByteView
    private(set) var count = 0

    init(_ room: MutableByteView) {
        self.room = room
    }

    /// A text that was stored.
    func bytes(_ slice: Slice) -> ByteView { room[slice.range].view }

    mutating func add(_ text: [UInt8]) -> Slice { text.withBytes { add($0) } }

    /// Where in the memory the text is.
    @inline(__always)
    mutating func add(_ text: ByteView) -> Slice {
        let length = text.count
        precondition(length < room.count - count, "room is measured before it is filled")
        room.copy(text, to: count)
        room[count + length] = 0
        let slice = Slice(start: UInt32(truncatingIfNeeded: count), count: UInt32(truncatingIfNeeded: length))
        count += length + 1
        return slice
    }
}
