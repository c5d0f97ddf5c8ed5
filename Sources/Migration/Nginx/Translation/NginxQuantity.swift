/// Times and sizes as nginx writes them.
enum NginxQuantity {
    /// Milliseconds of `30`, `30s`, `1h 30m` or `500ms`; a number alone is in seconds.
    static func milliseconds(_ text: String) -> Int? {
        let units = [
            "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "M": 2_592_000_000,
            "y": 31_536_000_000, "": 1000,
        ]
        var rest = text.filter { $0 != " " }[...]
        guard !rest.isEmpty else { return nil }
        var total = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { !($0.isASCII && $0.isNumber) }
            rest = rest.dropFirst(unit.count)
            guard let number = Int(digits), number < 1_000_000_000, let scale = units[String(unit)] else { return nil }
            total += number * scale
        }
        return total
    }

    /// Bytes of `512`, `64k`, `10m` or `1g`.
    static func bytes(_ text: String) -> Int? {
        guard let last = text.utf8.last else { return nil }
        let shifts: [UInt8: Int] = [
            UInt8(ascii: "k"): 10, UInt8(ascii: "m"): 20, UInt8(ascii: "g"): 30,
        ]
        let shift = shifts[last | 0x20]
        guard let number = Int(shift == nil ? text : String(text.dropLast())), (0...1_000_000_000_000).contains(number)
        else { return nil }
        return number << (shift ?? 0)
    }
}

/// Times and sizes as the gateway's configuration writes them.
enum Quantity {
    /// A time in the largest unit that divides it, kept within a range.
    static func time(milliseconds: Int, in range: ClosedRange<Int>) -> String {
        let value = min(max(milliseconds, range.lowerBound), range.upperBound)
        for (unit, scale) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)]
        where value % scale == 0 && value > 0 {
            return "\(value / scale)\(unit)"
        }
        return "\(value)ms"
    }

    static func size(_ bytes: Int, in range: ClosedRange<Int>) -> String {
        let value = min(max(bytes, range.lowerBound), range.upperBound)
        for (unit, shift) in [("G", 30), ("M", 20), ("K", 10)] where value > 0 && value % (1 << shift) == 0 {
            return "\(value >> shift)\(unit)"
        }
        return String(value)
    }

    /// The range of most times of the gateway's limits.
    static let limits = 100...3_600_000
    static let day = 10...86_400_000
}
