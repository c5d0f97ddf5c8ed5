import Memory

/// A response that is assembled from an extension's calls: one head, then body bytes, until the worker takes them.
///
/// The head may be given by HSE_REQ_SEND_RESPONSE_HEADER(_EX), as raw `HTTP/1.x` text at the start of the first writes,
/// or not at all.
@safe
struct ResponseAssembly: ~Copyable {
    private enum Stage: BitwiseCopyable {
        case headMissing
        /// The first bytes written look like a raw head that is not complete yet.
        case collectingHead
        case headReady
        case headTaken
        /// Another route answers.
        case delegated
    }

    private var stage = Stage.headMissing
    private(set) var head = ExtensionResponseHead()
    /// The connection closes after the response, whatever its head contains.
    private var closesConnection = false
    private var reader = ResponseHeadReader()
    private var rawHead = ByteBuffer()
    private var output = ByteBuffer()
    /// What the worker took last and is sending.
    private var taken = ByteBuffer()

    private static let rawHeadLimit = 64 << 10
    private static let keptCapacity = 16 << 10

    var isHeadGiven: Bool {
        switch stage {
        case .headMissing, .collectingHead: false
        case .headReady, .headTaken, .delegated: true
        }
    }

    /// Whether another route answers in place of the extension.
    var isDelegated: Bool { if case .delegated = stage { true } else { false } }

    /// Whether the extension has given nothing at all.
    var isEmpty: Bool { if case .headMissing = stage { true } else { false } }

    /// Bytes that wait to be taken.
    var bufferedCount: Int { output.count + rawHead.count }

    /// Whether the worker could send something now.
    var hasOutput: Bool { if case .headReady = stage { true } else { !output.isEmpty } }

    /// Sets the head given by a support function; false when there is one already, or when it is not a head.
    mutating func setHead(
        status: ByteView, block: ByteView, closesConnection: Bool = false
    ) -> Bool {
        guard case .headMissing = stage else { return false }
        return parseHead(status: status, block: block, closesConnection: closesConnection)
    }

    mutating func write(_ bytes: ByteView) {
        guard bytes.count > 0 else { return }
        switch stage {
        case .headReady, .headTaken:
            output.append(bytes)
        case .delegated: break
        case .headMissing, .collectingHead:
            rawHead.append(bytes)
            recogniseHead()
        }
    }

    /// Delegates the response to another route; false when the extension has begun it.
    mutating func delegate() -> Bool {
        guard case .headMissing = stage else { return false }
        stage = .delegated
        return true
    }

    /// The other route gave no response.
    mutating func takeBack() {
        guard case .delegated = stage else { return }
        stage = .headMissing
    }

    /// Further bytes are body, whether there was a head or not.
    mutating func beginBody() {
        finish()
        if case .headMissing = stage { treatAsBody() }
    }

    /// Sets the length of the body if the head has none.
    mutating func declareLength(_ count: UInt64) {
        guard case .headReady = stage, head.contentLength == nil, !head.framesItself, output.isEmpty else { return }
        head.contentLength = count
    }

    /// The connection closes after the response; a head that has not been taken gets `Connection: close`.
    mutating func closeConnection() {
        closesConnection = true
        head.closesConnection = true
    }

    /// No more writes will come.
    mutating func finish() {
        guard case .collectingHead = stage else { return }
        let isHead = rawHead.bytes.withSpan { $0.hasPrefix("http/1.") }
        if !isHead || !parseRawHead() { treatAsBody() }
    }

    /// Returns all waiting output; the bytes stay valid until the next `take` or `reset`.
    mutating func take() -> (head: ExtensionResponseHead?, body: ByteView) {
        taken.removeAll(keepingUpTo: Self.keptCapacity)
        swap(&taken, &output)
        guard case .headReady = stage else { return (nil, taken.bytes) }
        stage = .headTaken
        return (head, taken.bytes)
    }

    /// The reason phrase, nil for the standard one; valid until `reset`.
    var reason: ByteView? { reader.reason }

    /// The field lines, each ended by CRLF; valid until `reset`.
    var fields: ByteView { reader.fields }

    mutating func reset() {
        stage = .headMissing
        head = ExtensionResponseHead()
        closesConnection = false
        rawHead.removeAll()
        output.removeAll(keepingUpTo: Self.keptCapacity)
        taken.removeAll(keepingUpTo: Self.keptCapacity)
    }

    private mutating func recogniseHead() {
        let (mayBegin, isComplete) = rawHead.bytes.withSpan { text in
            (text.mayBegin("http/1."), ResponseAssembly.hasEmptyLine(text))
        }
        if !mayBegin || rawHead.count > Self.rawHeadLimit {
            treatAsBody()
        } else if !isComplete {
            stage = .collectingHead
        } else if !parseRawHead() {
            treatAsBody()
        }
    }

    private mutating func parseRawHead() -> Bool {
        let statusEnd = rawHead.bytes.withSpan { $0.firstIndex(of: UInt8(ascii: "\n")) } ?? rawHead.count
        let blockStart = min(statusEnd + 1, rawHead.count)
        let text = rawHead.bytes
        let status = text[..<statusEnd]
        let block = text[blockStart...]
        guard parseHead(status: status, block: block, closesConnection: false) else { return false }
        rawHead.removeAll()
        return true
    }

    private mutating func parseHead(
        status: ByteView, block: ByteView, closesConnection: Bool
    ) -> Bool {
        guard let bodyStart = reader.read(status: status, block: block) else { return false }
        head = reader.head
        if closesConnection || self.closesConnection { head.closesConnection = true }
        stage = .headReady
        output.append(block[bodyStart...])
        return true
    }

    private mutating func treatAsBody() {
        reader.readNone()
        head = reader.head
        if closesConnection { head.closesConnection = true }
        stage = .headReady
        output.append(rawHead.bytes)
        rawHead.removeAll()
    }

    private static func hasEmptyLine(_ text: Span<UInt8>) -> Bool {
        var previous = -1
        for index in 0..<text.count where text[index] == UInt8(ascii: "\n") {
            let isEmpty = previous == index - 1 || (previous == index - 2 && text[index - 1] == UInt8(ascii: "\r"))
            if previous >= 0, isEmpty { return true }
            previous = index
        }
        return false
    }
}
