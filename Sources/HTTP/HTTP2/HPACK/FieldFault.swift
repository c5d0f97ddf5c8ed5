/// The fault of the name or the value of a field, determined once, when it is decoded.
package enum FieldFault: UInt8, BitwiseCopyable, Sendable {
    case none
    // Names: a token in lower case (RFC 9113 §8.2.1)
    case emptyName, invalidName, capitalInName
    // Values: no control byte except tabs, no surrounding white space
    case invalidValue, blankAroundValue

    /// The fault of the name at `start..<end`; the name of a pseudo-field begins with a colon.
    @inline(__always)
    static func inName(_ bytes: RawSpan, from start: Int, to end: Int) -> FieldFault {
        guard start < end else { return .emptyName }
        let first = bytes.byte(at: start) == ASCII.colon ? start + 1 : start
        if bytes.first(from: first, to: end, where: { $0.outsideSmallNames }) == end {
            return first < end ? .none : .invalidName
        }
        return slowly(bytes, from: first, to: end)
    }

    @inline(never)
    private static func slowly(_ bytes: RawSpan, from start: Int, to end: Int) -> FieldFault {
        var hasCapital = false
        for offset in start..<end {
            let byte = bytes.byte(at: offset)
            guard ByteSet.token.contains(byte) else { return .invalidName }
            if byte &- 0x41 < 26 { hasCapital = true }
        }
        return hasCapital ? .capitalInName : .none
    }

    @inline(__always)
    static func inValue(_ bytes: RawSpan, from start: Int, to end: Int) -> FieldFault {
        guard start < end else { return .none }
        if isBlank(bytes.byte(at: start)) || isBlank(bytes.byte(at: end - 1)) { return .blankAroundValue }
        return bytes.first(from: start, to: end) { $0.controls } == end ? .none : .invalidValue
    }

    /// The rejection of a request with this fault.
    package var rejection: RequestRejection? {
        switch self {
        case .none: nil
        case .emptyName: .emptyFieldName
        case .invalidName: .invalidFieldName
        case .capitalInName: .capitalInFieldName
        case .invalidValue: .invalidFieldValue
        case .blankAroundValue: .blankAroundFieldValue
        }
    }
}
