/// The SRV records of a DNS message (RFC 1035 §4, RFC 2782).
struct ServiceRecords: Equatable {
    /// The hosts of the best priority, in the order of the message; the configured weights of servers are used, not the
    /// records'.
    private(set) var hosts: [Host] = []
    /// The shortest time to live of all answers, in seconds.
    private(set) var timeToLive: UInt32

    struct Host: Equatable {
        var name: String
        var port: UInt16
    }

    private static let serviceType = 33
    /// The limit on compression pointers that point to others; a message cannot contain more useful ones.
    private static let pointerLimit = 16

    /// Nil for a message that is cut off, malformed, or without answers.
    init?(_ message: [UInt8]) {
        let message = DNSMessage(bytes: message)
        guard let questions = message.number(4), let answers = message.number(6), answers > 0 else { return nil }
        var offset = 12
        for _ in 0..<questions {
            guard let end = message.nameEnd(offset) else { return nil }
            offset = end + 4
        }
        var shortest = UInt32.max
        var found: [(priority: Int, host: Host)] = []
        for _ in 0..<answers {
            guard let start = message.nameEnd(offset), let type = message.number(start),
                let high = message.number(start + 4), let low = message.number(start + 6),
                let count = message.number(start + 8), start + 10 + count <= message.bytes.count
            else { return nil }
            let data = start + 10
            offset = data + count
            shortest = min(shortest, UInt32(high) << 16 | UInt32(low))
            guard type == Self.serviceType else { continue }
            guard count >= 7 else { return nil }
            // The root as a host means that there is no such service.
            if message.bytes[data + 6] == 0 { continue }
            guard let priority = message.number(data), let port = message.number(data + 4),
                let name = message.name(data + 6, pointers: Self.pointerLimit)
            else { return nil }
            found.append((priority, Host(name: name, port: UInt16(port))))
        }
        timeToLive = shortest
        let best = found.map(\.priority).min()
        hosts = found.filter { $0.priority == best }.map(\.host)
    }
}

/// Parses the elements of DNS messages.
private struct DNSMessage {
    let bytes: [UInt8]

    /// 16 bits, or nil beyond the end.
    func number(_ offset: Int) -> Int? {
        offset + 2 <= bytes.count ? Int(bytes[offset]) << 8 | Int(bytes[offset + 1]) : nil
    }

    /// The offset after a name: labels, ended by an empty one or by a pointer.
    func nameEnd(_ start: Int) -> Int? {
        var offset = start
        while offset < bytes.count {
            let length = Int(bytes[offset])
            if length == 0 { return offset + 1 }
            if length & 0xC0 == 0xC0 { return offset + 2 <= bytes.count ? offset + 2 : nil }
            guard length < 64 else { return nil }
            offset += 1 + length
        }
        return nil
    }

    /// The labels of a name with dots between them; nil for a name that is not a host name.
    func name(_ start: Int, pointers: Int) -> String? {
        var offset = start
        var name: [UInt8] = []
        while offset < bytes.count, name.count <= 253 {
            let length = Int(bytes[offset])
            if length == 0 { return name.isEmpty ? nil : String(decoding: name, as: UTF8.self) }
            if length & 0xC0 == 0xC0 {
                guard pointers > 0, let pointer = number(offset), pointer & 0x3FFF < start,
                    let rest = self.name(pointer & 0x3FFF, pointers: pointers - 1)
                else { return nil }
                let whole = name.isEmpty ? rest : String(decoding: name, as: UTF8.self) + "." + rest
                return whole.utf8.count <= 253 ? whole : nil
            }
            guard length < 64, offset + 1 + length <= bytes.count else { return nil }
            let label = bytes[(offset + 1)..<(offset + 1 + length)]
            guard label.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ".") }) else { return nil }
            if !name.isEmpty { name.append(UInt8(ascii: ".")) }
            name += label
            offset += 1 + length
        }
        return nil
    }
}
