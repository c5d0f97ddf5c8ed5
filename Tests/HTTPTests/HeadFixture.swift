@testable import HTTP

/// What a test wants to know of a parsed head, with every slice turned into text.
struct ParsedHead: Equatable {
    var method: Method
    var methodToken: String
    var target: String
    var path: String
    var query: String?
    var authority: String
    var version: HTTPVersion
    var form: TargetForm
    var framing: BodyFraming
    var keepAlive: Bool
    var expectsContinue: Bool
    var fields: [String]
    var length: Int
}

extension Array where Element == UInt8 {
    func text(_ slice: Slice) -> String { String(decoding: self[slice.range], as: UTF8.self) }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Parses a head that arrives in pieces ending at the given offsets and, last, at its end; nil when it is incomplete.
func parse(
    _ input: [UInt8], pausingAt pauses: [Int] = [], limits: HeadLimits = HeadLimits()
) throws(RequestRejection) -> ParsedHead? {
    var parser = RequestParser(limits: limits)
    for end in pauses + [input.count] where try parser.parse(input, first: end) {
        return ParsedHead(parser, input)
    }
    return nil
}

func parse(_ text: String, limits: HeadLimits = HeadLimits()) throws(RequestRejection) -> ParsedHead? {
    try parse(bytes(text), limits: limits)
}

/// The refusal a head meets, nil when it is taken or not complete.
func refusal(
    of input: [UInt8], pausingAt pauses: [Int] = [], limits: HeadLimits = HeadLimits()
) -> RequestRejection? {
    do {
        _ = try parse(input, pausingAt: pauses, limits: limits)
        return nil
    } catch {
        return error
    }
}

extension RequestParser {
    /// Parses the first `count` bytes, or all of them.
    mutating func parse(_ input: [UInt8], first count: Int? = nil) throws(RequestRejection) -> Bool {
        unsafe try parse(input.span.bytes.extracting(first: count ?? input.count))
    }

    func value(named name: StaticString, in input: [UInt8]) -> Slice? {
        unsafe value(named: name, in: input.span.bytes)
    }
}

extension ParsedHead {
    init(_ parser: borrowing RequestParser, _ input: [UInt8]) {
        let head = parser.head
        method = head.method
        methodToken = input.text(head.methodToken)
        target = input.text(head.target)
        path = input.text(head.path)
        query = head.hasQuery ? input.text(head.query) : nil
        authority = input.text(head.authority)
        version = head.version
        form = head.form
        framing = head.framing
        keepAlive = head.keepAlive
        expectsContinue = head.expectsContinue
        fields = []
        for index in 0..<head.fieldCount {
            let field = parser.field(at: index)
            fields.append("\(input.text(field.name))=\(input.text(field.value))")
        }
        length = head.length
    }
}
