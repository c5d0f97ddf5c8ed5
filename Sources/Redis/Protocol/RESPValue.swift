/// A reply of a Redis server, of RESP2 or RESP3.
package enum RESPValue: Equatable, Sendable {
    /// `+`: a short text, such as `OK`.
    case simple([UInt8])
    /// `-` or `!`: an error; its first word is its kind, such as `NOSCRIPT`.
    case error([UInt8])
    /// `:`
    case integer(Int64)
    /// `$`, and `=` without its three letters of format.
    case bulk([UInt8])
    /// `_`, `$-1` or `*-1`
    case null
    /// `#`
    case boolean(Bool)
    /// `,`
    case double(Double)
    /// `(`: a decimal number of any size, as sent.
    case bigNumber([UInt8])
    /// `*` and `~`
    case array([RESPValue])
    /// `%`: keys and values in turns, as sent.
    case map([RESPValue])
    /// `>`: not the reply to a command.
    case push([RESPValue])

    /// The text of a reply that is one, decoded as UTF-8; nil for other kinds.
    package var text: String? {
        switch self {
        case .simple(let bytes), .bulk(let bytes): String(decoding: bytes, as: UTF8.self)
        default: nil
        }
    }

    /// The elements of an array, or of a map in turns; nil for other kinds.
    package var elements: [RESPValue]? {
        switch self {
        case .array(let elements), .map(let elements): elements
        default: nil
        }
    }

    /// Whether it is an error whose text contains `word`. An error inside of a script has its kind within the text.
    package func isError(with word: StaticString) -> Bool {
        guard case .error(let text) = self else { return false }
        return String(decoding: text, as: UTF8.self).contains("\(word)")
    }
}

/// Why bytes are not a reply that is accepted. The connection cannot be used any more: where the next reply begins is
/// unknown.
package enum RESPError: Error, Hashable, Sendable {
    /// The first byte of a reply names no type.
    case unknownType(UInt8)
    /// A line has a control character, or a CR or LF alone.
    case malformedLine
    case malformedNumber
    case malformedBoolean
    /// The length of a text or a list is no number, or negative.
    case malformedLength
    /// A verbatim text does not begin with three letters and a colon.
    case malformedFormat
    /// A text is not followed by CR LF.
    case unterminatedText
    /// A text or list of unknown length; no server sends them to this client.
    case streamed
    case replyTooLong(limit: Int)
    case tooManyElements(limit: Int)
    case tooDeep(limit: Int)
    case lineTooLong(limit: Int)
}

extension RESPError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownType(let byte): "a reply begins with byte \(byte), which is no type of RESP"
        case .malformedLine: "a line of a reply has a control character"
        case .malformedNumber: "a number of a reply is malformed"
        case .malformedBoolean: "a boolean of a reply is malformed"
        case .malformedLength: "a length in a reply is malformed"
        case .malformedFormat: "a verbatim text has no format"
        case .unterminatedText: "a text of a reply is not followed by CR LF"
        case .streamed: "a reply has an unknown length"
        case .replyTooLong(let limit): "a reply is longer than \(limit) bytes"
        case .tooManyElements(let limit): "a reply has more than \(limit) elements"
        case .tooDeep(let limit): "a reply is nested more than \(limit) deep"
        case .lineTooLong(let limit): "a line of a reply is longer than \(limit) bytes"
        }
    }
}
