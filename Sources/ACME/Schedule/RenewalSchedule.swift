/// When a certificate is renewed. Times are seconds since 1970; chance is a number from 0 to 1.
package enum RenewalSchedule {
    private static let day: Int64 = 86_400
    /// The first pause after a failure.
    private static let firstPause: Int64 = 60
    /// The longest pause that an authority may ask for.
    package static let longestRequestedPause: Int64 = 31 * day
    /// How often an authority is asked for its window, where it does not say (RFC 9773 §4.3.2).
    package static let windowPause: Int64 = 6 * 3600

    /// After two thirds of the life, and by chance up to a twentieth of the life later, so that certificates that were
    /// issued together are not renewed together.
    package static func renewal(notBefore: Int64, notAfter: Int64, chance: Double) -> Int64 {
        let life = max(0, notAfter - notBefore)
        return notBefore + life / 3 * 2 + Int64(Double(life / 20) * min(max(chance, 0), 1))
    }

    /// A time in the window that the authority suggests (RFC 9773 §4.2), but not so late that the certificate expires
    /// first; nil for a window that ends before it begins.
    package static func renewal(in window: RenewalWindow, notAfter: Int64, chance: Double) -> Int64? {
        guard window.end > window.start else { return nil }
        let time = window.start + Int64(Double(window.end - window.start) * min(max(chance, 0), 1))
        return min(time, notAfter - day / 24)
    }

    /// How long to wait after this many failures in a row: a minute, twice as long each time, a day at most.
    ///
    /// - Parameter requested: what the authority asks for, which may be longer.
    package static func pause(failures: Int, requested: Int64?, chance: Double) -> Int64 {
        // 60 s · 2^11 is more than a day; a larger exponent is never used, however long it fails.
        let exponent = min(max(failures - 1, 0), 11)
        let plain = min(firstPause << Int64(exponent), day)
        let spread = plain - plain / 5 + Int64(Double(plain / 5) * min(max(chance, 0), 1))
        return max(spread, min(requested ?? 0, longestRequestedPause))
    }
}

/// A time in which an authority wants a certificate to be renewed.
package struct RenewalWindow: Codable, Equatable, Sendable {
    package var start: Int64
    package var end: Int64

    package init(start: Int64, end: Int64) {
        self.start = start
        self.end = end
    }
}

extension RenewalInfoDocument {
    /// - Throws: for times that are none, or a window without length.
    package func window() throws(AcmeError) -> RenewalWindow {
        guard let start = seconds(rfc3339: suggestedWindow.start), let end = seconds(rfc3339: suggestedWindow.end),
            end > start
        else { throw .nonsense("a window for the renewal that is none") }
        return RenewalWindow(start: start, end: end)
    }
}

/// Seconds since 1970 of a time in RFC 3339; nil for any other text.
package func seconds(rfc3339 text: String) -> Int64? {
    let bytes = Array(text.utf8)
    func number(_ range: Range<Int>) -> Int64? {
        guard bytes.count >= range.upperBound, bytes[range].allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return bytes[range].reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }
    guard bytes.count >= 20, bytes[4] == 0x2D, bytes[7] == 0x2D, bytes[10] | 0x20 == UInt8(ascii: "t"),
        bytes[13] == 0x3A, bytes[16] == 0x3A, let year = number(0..<4), let month = number(5..<7),
        let day = number(8..<10), let hour = number(11..<13), let minute = number(14..<16),
        let second = number(17..<19),
        (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
    else { return nil }
    var index = 19
    if bytes[index] == UInt8(ascii: ".") {
        index += 1
        let first = index
        while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
        guard index > first else { return nil }
    }
    guard index < bytes.count else { return nil }
    var offset: Int64 = 0
    if bytes[index] | 0x20 == UInt8(ascii: "z") {
        guard index + 1 == bytes.count else { return nil }
    } else {
        guard index + 6 == bytes.count, bytes[index + 3] == 0x3A, let hours = number(index + 1..<index + 3),
            let minutes = number(index + 4..<index + 6), hours < 24, minutes < 60
        else { return nil }
        switch bytes[index] {
        case UInt8(ascii: "+"): offset = hours * 3600 + minutes * 60
        case UInt8(ascii: "-"): offset = -(hours * 3600 + minutes * 60)
        default: return nil
        }
    }
    return daysSince1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
}

/// In the Gregorian calendar; years begin in March, so that the day that comes and goes is the last.
private func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let year = month <= 2 ? year - 1 : year
    let era = year / 400
    let yearOfEra = year - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
}
