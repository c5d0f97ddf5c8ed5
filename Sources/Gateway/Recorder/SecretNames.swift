import Memory

/// Names whose values are secrets: of fields, or of parameters in queries.
///
/// A name is one of them if it is one of the words, or ends with one behind a character that is neither a letter nor a
/// digit: `token` also stands for `access_token`, `X-Auth-Token` and `user[token]`. Case makes no difference.
struct SecretNames: Sendable {
    private let words: [[UInt8]]

    private static let common = [
        "token", "accesstoken", "refreshtoken", "idtoken", "password", "passwd", "passphrase", "pwd", "secret",
        "clientsecret", "key", "apikey", "credential", "credentials", "auth", "session", "sessionid", "sid",
        "signature", "sig", "jwt", "otp", "pin",
    ]

    static func fields(_ others: [String]) -> SecretNames {
        SecretNames(common + ["authorization", "cookie", "cookie2"] + others)
    }

    /// `code` and `state` belong to the logins of OAuth (RFC 6749 §4.1.2).
    static func parameters(_ others: [String]) -> SecretNames {
        SecretNames(common + ["code", "state", "samlresponse", "assertion"] + others)
    }

    private init(_ words: [String]) {
        self.words = words.map { Array($0.lowercased().utf8) }
    }

    /// Names in queries that are longer count as secret.
    private static let longest = 256

    /// - Parameter isEncoded: whether percent-encoded bytes of the name are decoded.
    func contain(_ name: ByteView, isEncoded: Bool) -> Bool {
        guard name.count <= Self.longest else { return true }
        return withTemporaryBytes(Self.longest) { room in
            var count = isEncoded ? Self.decode(name, to: room) : Self.lowercase(name, to: room)
            // user[token], and token[] of a list.
            while count > 0, room[count - 1] == UInt8(ascii: "]") || room[count - 1] == UInt8(ascii: "[") { count -= 1 }
            let name = room[..<count].view
            return words.contains { word in word.withBytes { Self.isWord($0, theEndOf: name) } }
        }
    }

    private static func isWord(_ word: ByteView, theEndOf name: ByteView) -> Bool {
        guard name.count >= word.count, name.suffix(word.count) == word else { return false }
        guard name.count > word.count else { return true }
        let before = name[name.count - word.count - 1]
        return !isLetter(before) && !isDigit(before)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "a") < 26 || byte >= 0x80 }
    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    private static func lowered(_ byte: UInt8) -> UInt8 { byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte }

    private static func lowercase(_ name: ByteView, to room: MutableByteView) -> Int {
        for index in 0..<name.count { room[index] = lowered(name[index]) }
        return name.count
    }

    private static func decode(_ name: ByteView, to room: MutableByteView) -> Int {
        var (index, count) = (0, 0)
        while index < name.count {
            var byte = name[index]
            index += 1
            if byte == UInt8(ascii: "%"), name.count - index >= 2, let high = digit(name[index]),
                let low = digit(name[index + 1])
            {
                byte = high << 4 | low
                index += 2
            }
            room[count] = lowered(byte)
            count += 1
        }
        return count
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        if isDigit(byte) { return byte &- UInt8(ascii: "0") }
        let letter = lowered(byte) &- UInt8(ascii: "a")
        return letter < 6 ? letter + 10 : nil
    }

    // MARK: Queries

    /// Writes a URL, or a part of one, with `***` in place of the values of secret parameters.
    ///
    /// - Returns: the bytes written, and whether there was no room for all of it.
    func writeURL(_ url: ByteView, to room: MutableByteView) -> (count: Int, isCut: Bool) {
        var output = BoundedText(room)
        guard let mark = url.firstIndex(of: UInt8(ascii: "?")) else {
            output.append(url)
            return (output.count, output.isCut)
        }
        output.append(url[...mark])
        var start = mark + 1
        while start < url.count {
            let end = url.firstIndex(from: start, where: Self.endsParameter) ?? url.count
            append(url[start..<end], to: &output)
            if end < url.count { output.append(url[end..<end + 1]) }
            start = end + 1
        }
        return (output.count, output.isCut)
    }

    private static func endsParameter(_ byte: UInt8) -> Bool {
        // A URL inside of a value has parameters of its own.
        byte == UInt8(ascii: "&") || byte == UInt8(ascii: ";") || byte == UInt8(ascii: "#") || byte == UInt8(ascii: "?")
    }

    private func append(_ parameter: ByteView, to output: inout BoundedText) {
        guard let equals = parameter.firstIndex(of: UInt8(ascii: "=")), equals + 1 < parameter.count,
            contain(parameter[..<equals], isEncoded: true)
        else { return output.append(parameter) }
        output.append(parameter[..<(equals + 1)])
        output.append(ByteView("***"))
    }
}

extension ByteView {
    fileprivate subscript(range: PartialRangeThrough<Int>) -> ByteView { self[..<(range.upperBound + 1)] }
}

/// Text in memory of a fixed size; what does not fit is cut.
struct BoundedText {
    private let room: MutableByteView
    private(set) var count = 0
    private(set) var isCut = false

    init(_ room: MutableByteView) {
        self.room = room
    }

    mutating func append(_ text: ByteView) {
        let part = text.prefix(room.count - count)
        room.copy(part, to: count)
        count += part.count
        if part.count < text.count { isCut = true }
    }
}
