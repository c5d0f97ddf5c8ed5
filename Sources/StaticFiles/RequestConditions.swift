import HTTP

/// The fields of a request that decide which part of a file is sent, and whether any is (RFC 9110 §13, §14.2).
///
/// Slices are relative to the first byte of the request head.
struct RequestConditions: BitwiseCopyable {
    var ifMatch = FieldOccurrence.absent
    var ifNoneMatch = FieldOccurrence.absent
    var ifModifiedSince = FieldOccurrence.absent
    var ifUnmodifiedSince = FieldOccurrence.absent
    var ifRange = FieldOccurrence.absent
    var range = FieldOccurrence.absent
    var acceptEncoding = FieldOccurrence.absent

    /// Whether one of the fields can change the response.
    var isConditional: Bool {
        range != .absent || ifNoneMatch != .absent || ifModifiedSince != .absent || ifMatch != .absent
            || ifUnmodifiedSince != .absent
    }

    /// Records the field if it is one of these.
    @inline(__always)
    mutating func take(_ name: RawSpan, _ value: Slice) {
        // Few fields of a request have one of these lengths.
        switch name.byteCount {
        case 5: if name.isName("range") { range.add(value) }
        case 8:
            if name.isName("if-range") {
                ifRange.add(value)
            } else if name.isName("if-match") {
                ifMatch.add(value)
            }
        case 13: if name.isName("if-none-match") { ifNoneMatch.add(value) }
        case 15: if name.isName("accept-encoding") { acceptEncoding.add(value) }
        case 17: if name.isName("if-modified-since") { ifModifiedSince.add(value) }
        case 19: if name.isName("if-unmodified-since") { ifUnmodifiedSince.add(value) }
        default: break
        }
    }

    /// The result of the conditions of a request for a file.
    enum Outcome: Equatable {
        /// The file, or the parts that Range requests.
        case proceed(honoursRange: Bool)
        /// 304
        case notModified
        /// 412
        case failed
    }

    /// Evaluates the conditions in the order of RFC 9110 §13.2.2, for GET and HEAD.
    ///
    /// An invalid or repeated date is ignored. Repeated entity tag fields match nothing.
    ///
    /// - Parameters:
    ///   - head: the request head.
    ///   - entityTag: the tag of the file that would be sent, quotes included.
    ///   - now: seconds since 1970.
    func evaluate(_ head: RawSpan, entityTag: RawSpan, modified: Int64, now: Int64) -> Outcome {
        if ifMatch != .absent {
            let tags = EntityTagList(ifMatch.value)
            guard tags.matches(entityTag, in: head, comparison: .strong) else { return .failed }
        } else if let date = date(ifUnmodifiedSince, head, now), modified > date {
            return .failed
        }
        if ifNoneMatch != .absent {
            let tags = EntityTagList(ifNoneMatch.value)
            if tags.matches(entityTag, in: head, comparison: .weak) { return .notModified }
        } else if let date = date(ifModifiedSince, head, now), modified <= date {
            return .notModified
        }
        return .proceed(honoursRange: honoursRange(head, entityTag: entityTag, modified: modified, now: now))
    }

    /// Whether If-Range lets Range apply (RFC 9110 §13.1.5).
    private func honoursRange(_ head: RawSpan, entityTag: RawSpan, modified: Int64, now: Int64) -> Bool {
        guard range.value != nil else { return false }
        guard ifRange != .absent else { return true }
        guard let value = ifRange.value else { return false }
        if EntityTagList(value).isTag(in: head) {
            return EntityTagList(value).matches(entityTag, in: head, comparison: .strong)
        }
        // A date is a strong validator only if the file cannot have changed again in the same second (RFC 9110
        // §8.8.2.2).
        return date(ifRange, head, now) == modified && now > modified
    }

    private func date(_ field: FieldOccurrence, _ head: RawSpan, _ now: Int64) -> Int64? {
        guard let value = field.value else { return nil }
        return HTTPDate.parse(head.extracting(value.range), now: now)
    }
}

/// How often a field with a single value occurs.
enum FieldOccurrence: BitwiseCopyable, Equatable {
    case absent
    case once(Slice)
    /// It is unknown which of its values counts.
    case repeated

    mutating func add(_ value: Slice) {
        self = self == .absent ? .once(value) : .repeated
    }

    var value: Slice? {
        if case .once(let value) = self { return value }
        return nil
    }
}

extension RawSpan {
    @inline(__always)
    func byte(at offset: Int) -> UInt8 {
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// Whether the bytes are `name`, which is in lower case, ignoring case.
    @inline(__always)
    func isName(_ name: StaticString) -> Bool {
        guard byteCount == name.utf8CodeUnitCount else { return false }
        for index in 0..<byteCount {
            let byte = byte(at: index)
            let lower = byte &- 0x41 < 26 ? byte | 0x20 : byte
            guard unsafe lower == name.utf8Start[index] else { return false }
        }
        return true
    }
}
