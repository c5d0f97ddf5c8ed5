import FoundationEssentials

/// One key below the prefix.
struct EtcdPair: Equatable, Sendable {
    var key: [UInt8]
    var value: [UInt8]
    /// The revision of its last change.
    var revision: Int64
}

/// Every key below the prefix, at a revision.
struct EtcdRange: Equatable, Sendable {
    var pairs: [EtcdPair]
    var revision: Int64
    /// Whether there are more than were asked for.
    var isCut: Bool
}

/// A message of a watch.
enum EtcdNotice: Equatable, Sendable {
    /// What has changed, in this order, up to a revision; nothing for the beginning and for signs of life.
    case changes([Change], revision: Int64)
    /// The watch has ended, because what followed the revision that it began with was compacted.
    case compacted(revision: Int64)
    /// It has ended for another reason.
    case ended(String)

    enum Change: Equatable, Sendable {
        case put(EtcdPair)
        case delete(key: [UInt8], revision: Int64)
    }
}

/// The messages of etcd's version 3, in the form of JSON that its gateway has: bytes are base64, 64-bit numbers are texts.
enum EtcdMessages {
    // MARK: Requests

    /// Asks for every key that begins with a prefix.
    ///
    /// - Parameter limit: how many are wanted.
    static func range(prefix: String, limit: Int) -> [UInt8] {
        encode(KeyRange(key: Data(prefix.utf8), rangeEnd: Data(end(ofPrefix: prefix)), limit: String(limit)))
    }

    /// Asks for every change of a key that begins with a prefix, from a revision on, and for a sign of life when there are
    /// none for long.
    static func watch(prefix: String, from revision: Int64) -> [UInt8] {
        let range = KeyRange(
            key: Data(prefix.utf8), rangeEnd: Data(end(ofPrefix: prefix)), startRevision: String(revision),
            progressNotify: true)
        return encode(["create_request": range])
    }

    static func authenticate(user: String, password: String) -> [UInt8] {
        encode(["name": user, "password": password])
    }

    /// The first key after those with a prefix, which ends with a slash.
    private static func end(ofPrefix prefix: String) -> [UInt8] {
        var end = Array(prefix.utf8)
        if let last = end.popLast() { end.append(last + 1) }
        return end
    }

    private struct KeyRange: Encodable {
        let key: Data
        let rangeEnd: Data
        var limit: String?
        var startRevision: String?
        var progressNotify: Bool?
    }

    private static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        // The values are structures of texts and bytes, which always can be encoded.
        return (try? encoder.encode(value)).map { Array($0) } ?? []
    }

    // MARK: Responses

    static func decodeRange(_ bytes: [UInt8]) throws(EtcdFailure) -> EtcdRange {
        let answer = try decode(RangeAnswer.self, bytes, "the answer about the keys")
        return EtcdRange(
            pairs: try (answer.kvs ?? []).map { kv throws(EtcdFailure) in try kv.pair() },
            revision: try number(answer.header.revision, "header.revision"), isCut: answer.more ?? false)
    }

    /// The token of a user.
    static func decodeToken(_ bytes: [UInt8]) throws(EtcdFailure) -> String {
        let token = try decode(TokenAnswer.self, bytes, "the answer about the password").token
        guard (1...4096).contains(token.utf8.count), token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .nonsense("a token that is none")
        }
        return token
    }

    static func decodeNotice(_ bytes: [UInt8]) throws(EtcdFailure) -> EtcdNotice {
        let message = try decode(WatchAnswer.self, bytes, "a message of the watch")
        guard let result = message.result else {
            guard let error = message.error else { throw .nonsense("a message of the watch without a result") }
            return .ended(error.message ?? "without a reason")
        }
        if let compacted = result.compactRevision, compacted != "0" {
            return .compacted(revision: try number(compacted, "compact_revision"))
        }
        if result.canceled == true { return .ended(result.cancelReason ?? "without a reason") }
        let changes = try (result.events ?? []).map { event throws(EtcdFailure) in try event.change() }
        return .changes(changes, revision: try number(result.header.revision, "header.revision"))
    }

    /// What etcd says about a request that it refuses, in JSON or as plain text; nil if that is nothing.
    static func decodeRefusal(_ bytes: [UInt8]) -> String? {
        if let error = try? decode(Failure.self, bytes, "") { return error.message ?? error.error }
        return bytes.isEmpty ? nil : String(decoding: bytes.prefix(1024), as: UTF8.self)
    }

    private struct Header: Decodable { let revision: String? }

    private struct RangeAnswer: Decodable {
        let header: Header
        let kvs: [KeyValue]?
        let more: Bool?
    }

    private struct KeyValue: Decodable {
        let key: Data
        let value: Data?
        let modRevision: String?

        func pair() throws(EtcdFailure) -> EtcdPair {
            EtcdPair(
                key: Array(key), value: Array(value ?? Data()),
                revision: try EtcdMessages.number(modRevision, "mod_revision"))
        }
    }

    private struct TokenAnswer: Decodable { let token: String }

    private struct WatchAnswer: Decodable {
        let result: Result?
        let error: Failure?

        struct Result: Decodable {
            let header: Header
            let canceled: Bool?
            let compactRevision: String?
            let cancelReason: String?
            let events: [Event]?
        }

        struct Event: Decodable {
            /// Absent for one that is set.
            let type: String?
            let kv: KeyValue

            func change() throws(EtcdFailure) -> EtcdNotice.Change {
                let pair = try kv.pair()
                return switch type {
                case nil, "PUT": .put(pair)
                case "DELETE": .delete(key: pair.key, revision: pair.revision)
                default: throw .nonsense("an event of an unknown type")
                }
            }
        }
    }

    private struct Failure: Decodable {
        let error: String?
        let message: String?
    }

    private static func number(_ text: String?, _ name: String) throws(EtcdFailure) -> Int64 {
        guard let text, let number = Int64(text), number > 0 else { throw .nonsense("no number as '\(name)'") }
        return number
    }

    /// - Throws: what is wrong, without anything that was received.
    private static func decode<Value: Decodable>(
        _ type: Value.Type, _ bytes: [UInt8], _ what: String
    ) throws(EtcdFailure) -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            return try decoder.decode(type, from: Data(bytes))
        } catch let DecodingError.keyNotFound(key, _) {
            throw .nonsense("\(what) has no '\(key.stringValue)'")
        } catch let DecodingError.typeMismatch(_, context), let DecodingError.valueNotFound(_, context) {
            throw .nonsense("\(what) has another kind of value at '\(path(context))' than the protocol")
        } catch let DecodingError.dataCorrupted(context) where !context.codingPath.isEmpty {
            throw .nonsense("\(what) is not base64 at '\(path(context))'")
        } catch {
            throw .nonsense("\(what) is not JSON")
        }
    }

    private static func path(_ context: DecodingError.Context) -> String {
        context.codingPath.map(\.stringValue).joined(separator: ".")
    }
}

/// Takes a stream of messages apart, each of which is a line.
struct EtcdLines {
    /// The beginning of a message whose end has not come.
    private var rest: [UInt8] = []
    private let limit: Int

    /// - Parameter limit: bytes of one message.
    init(limit: Int) {
        self.limit = limit
    }

    /// The messages that are complete with these bytes.
    mutating func take(_ bytes: [UInt8]) throws(EtcdFailure) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for piece in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            if piece.offset > 0 {
                if !rest.isEmpty { lines.append(rest) }
                rest = []
            }
            guard rest.count + piece.element.count <= limit else {
                throw .nonsense("a message of more than \(limit) bytes")
            }
            rest += piece.element
        }
        return lines
    }
}
