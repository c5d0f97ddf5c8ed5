import Memory

/// How a request is laid out in the ring: numbers, then texts in a fixed order, then fields.
///
/// Each text has its length before it, in two bytes. A field has its kind, the length of the value that was received,
/// the lengths of name and kept value, and then those.
enum RecordLayout {
    /// Offsets of the numbers.
    static let sequence = 0
    static let ended = 8
    static let responseBytes = 16
    static let requestBytes = 24
    static let milliseconds = 32
    static let headMilliseconds = 36
    static let queueMilliseconds = 40
    static let connectMilliseconds = 44
    static let waitMilliseconds = 48
    static let responseMilliseconds = 52
    static let clientMilliseconds = 56
    static let tag = 60
    static let status = 64
    static let fieldCount = 66
    static let retries = 68
    static let flags = 70
    static let texts = 72

    /// Of a time that is not known.
    static let unknown = UInt32.max

    enum Text: Int, CaseIterable {
        case client, listener, tls, method, version, host, target, reason, requestID, traceID, extensionName, pool
        case upstream, server
    }

    /// Longer texts are cut; the target belongs to the head, and has its limit.
    static let textLimit = 512
    /// Before the name of a field.
    static let fieldPrefix = 9

    /// The most bytes of a record whose head may have so many.
    static func size(head: Int) -> Int { texts + Text.allCases.count * (2 + textLimit) + head }

    struct Flags: OptionSet {
        let rawValue: UInt8

        /// The request was answered with a status from 400 on, or its response was cut.
        static let failed = Flags(rawValue: 1)
        /// The response was not sent completely.
        static let cut = Flags(rawValue: 2)
        /// Not all of the head is kept.
        static let headIsCut = Flags(rawValue: 4)
        static let secure = Flags(rawValue: 8)
        /// The request has a body.
        static let hasBody = Flags(rawValue: 16)
    }

    enum FieldKind: UInt8 {
        case whole = 0
        /// The value is a secret, and not kept.
        case masked = 1
        /// Parameters inside of the value are not kept.
        case partlyMasked = 2
    }
}

/// Reads a record of the ring.
struct RecordView {
    let bytes: ByteView

    init(_ bytes: ByteView) {
        self.bytes = bytes
    }

    var sequence: UInt64 { bytes.load(at: RecordLayout.sequence, as: UInt64.self) }
    var ended: UInt64 { bytes.load(at: RecordLayout.ended, as: UInt64.self) }
    var status: Int { Int(bytes.load(at: RecordLayout.status, as: UInt16.self)) }
    var milliseconds: UInt64 { UInt64(number(at: RecordLayout.milliseconds)) }
    var tag: Int32 { bytes.load(at: RecordLayout.tag, as: Int32.self) }
    var fieldCount: Int { Int(bytes.load(at: RecordLayout.fieldCount, as: UInt16.self)) }
    var retries: Int { Int(bytes.load(at: RecordLayout.retries, as: UInt16.self)) }
    var flags: RecordLayout.Flags {
        RecordLayout.Flags(rawValue: bytes.load(at: RecordLayout.flags, as: UInt8.self))
    }

    func number(at offset: Int) -> UInt32 { bytes.load(at: offset, as: UInt32.self) }
    func large(at offset: Int) -> UInt64 { bytes.load(at: offset, as: UInt64.self) }

    func text(_ wanted: RecordLayout.Text) -> ByteView {
        var offset = RecordLayout.texts
        for _ in 0..<wanted.rawValue { offset += 2 + length(at: offset) }
        return bytes[offset + 2..<offset + 2 + length(at: offset)]
    }

    /// The path of the target: from the first slash that is not the authority's of an absolute form.
    var path: ByteView {
        let target = text(.target)
        guard target.count > 0, target[0] != UInt8(ascii: "/") else { return target }
        let mark = ByteView("://")
        guard let colon = target.firstIndex(of: UInt8(ascii: ":")), target[colon...].starts(with: mark) else {
            return target
        }
        let authority = target[(colon + mark.count)...]
        return authority.firstIndex(of: UInt8(ascii: "/")).map { authority[$0...] } ?? ByteView("/")
    }

    /// Calls `body` with each field; the value is what is kept of it, `length` what was received.
    func forEachField(
        _ body: (_ kind: RecordLayout.FieldKind, _ name: ByteView, _ value: ByteView, _ length: Int) -> Void
    ) {
        var offset = RecordLayout.texts
        for _ in RecordLayout.Text.allCases { offset += 2 + length(at: offset) }
        for _ in 0..<fieldCount {
            let kind = RecordLayout.FieldKind(rawValue: bytes[offset]) ?? .masked
            let received = Int(number(at: offset + 1))
            let (name, value) = (length(at: offset + 5), length(at: offset + 7))
            let start = offset + RecordLayout.fieldPrefix
            body(kind, bytes[start..<start + name], bytes[start + name..<start + name + value], received)
            offset = start + name + value
        }
    }

    private func length(at offset: Int) -> Int { Int(bytes.load(at: offset, as: UInt16.self)) }
}

/// Lays a record out in memory that has room for one of the largest size.
struct RecordWriter {
    let room: MutableByteView
    private(set) var count = RecordLayout.texts
    /// Bytes of the head that are left.
    private var headRoom: Int
    private(set) var isHeadCut = false
    private(set) var fieldCount = 0

    init(_ room: MutableByteView, head: Int) {
        self.room = room
        headRoom = head
        room[..<RecordLayout.texts].fill(with: 0)
    }

    func put<Number: FixedWidthInteger & BitwiseCopyable>(_ number: Number, at offset: Int) {
        room.store(number, at: offset)
    }

    /// A time in milliseconds, if it is known.
    func put(milliseconds: UInt64?, at offset: Int) {
        let number = milliseconds.map { min(UInt32(clamping: $0), RecordLayout.unknown - 1) }
        put(number ?? RecordLayout.unknown, at: offset)
    }

    mutating func append(_ text: ByteView = ByteView()) {
        let part = text.prefix(RecordLayout.textLimit)
        room.copy(part, to: count + 2)
        endText(part.count)
    }

    mutating func append(_ text: String?) {
        guard let text else { return append() }
        text.withBytes { append($0) }
    }

    /// The request target, without the values of secret parameters.
    mutating func append(target: ByteView, masking names: SecretNames) {
        let limit = min(headRoom, Int(UInt16.max))
        let (written, isCut) = names.writeURL(target, to: room[count + 2..<count + 2 + limit])
        if isCut { isHeadCut = true }
        headRoom -= written
        endText(written)
    }

    private mutating func endText(_ length: Int) {
        put(UInt16(length), at: count)
        count += 2 + length
    }

    mutating func append(
        field name: ByteView, _ value: ByteView, masking fields: SecretNames, _ parameters: SecretNames
    ) {
        let isSecret = fields.contain(name, isEncoded: false)
        let limit = min(headRoom, Int(UInt16.max)) - RecordLayout.fieldPrefix - name.count
        guard limit >= 0, name.count <= Int(UInt16.max) else { return cutHead() }
        let start = count + RecordLayout.fieldPrefix
        room.copy(name, to: start)
        var kind = RecordLayout.FieldKind.masked
        var kept = 0
        if !isSecret {
            let valueStart = start + name.count
            let (written, isCut) = parameters.writeURL(value, to: room[valueStart..<valueStart + limit])
            guard !isCut else { return cutHead() }
            kept = written
            kind = room[valueStart..<valueStart + kept].view == value ? .whole : .partlyMasked
        }
        put(kind.rawValue, at: count)
        put(UInt32(clamping: value.count), at: count + 1)
        put(UInt16(name.count), at: count + 5)
        put(UInt16(kept), at: count + 7)
        let size = RecordLayout.fieldPrefix + name.count + kept
        count += size
        headRoom -= size
        fieldCount += 1
    }

    /// Fields that no longer fit, and all after them, are left out.
    private mutating func cutHead() {
        isHeadCut = true
        headRoom = 0
    }
}
