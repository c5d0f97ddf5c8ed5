import Memory

/// Parsing dates in all forms that a recipient must accept (RFC 9110 §5.6.7).
extension HTTPDate {
    /// Seconds since 1970; nil if the text is not a date.
    ///
    /// Accepts IMF-fixdate, the obsolete form of RFC 850 and that of asctime. Names are case-sensitive, and the day of
    /// the week is not checked against the date. A two-digit year more than 50 years ahead is interpreted as a past
    /// year.
    ///
    /// - Parameter now: seconds since 1970, for the interpretation of a two-digit year.
    package static func parse(_ text: RawSpan, now: Int64) -> Int64? {
        var reader = DateReader()
        // The longest name of a day has nine letters.
        let reach = min(text.byteCount, 10)
        let comma = text.first(ASCII.comma, from: 0, to: reach)
        if comma == reach { return reader.asctime(text) }
        return comma == 3 ? reader.fixdate(text) : reader.rfc850(text, after: comma, now: now)
    }
}

/// Reads a date from its start; any unexpected byte makes the result nil.
private struct DateReader {
    private var next = 0

    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    mutating func fixdate(_ text: RawSpan) -> Int64? {
        guard text.byteCount == HTTPDate.length else { return nil }
        next = 4
        guard skip(ASCII.space, text), let day = number(2, text), skip(ASCII.space, text), let month = month(text),
            skip(ASCII.space, text),
            let year = number(4, text), skip(ASCII.space, text), let time = time(text), isGMT(text)
        else { return nil }
        return seconds(year, month, day, time)
    }

    /// `Sunday, 06-Nov-94 08:49:37 GMT`
    mutating func rfc850(_ text: RawSpan, after comma: Int, now: Int64) -> Int64? {
        next = comma + 1
        let hyphen = UInt8(ascii: "-")
        guard skip(ASCII.space, text), let day = number(2, text), skip(hyphen, text), let month = month(text),
            skip(hyphen, text),
            let digits = number(2, text), skip(ASCII.space, text), let time = time(text), isGMT(text)
        else { return nil }
        let current = HTTPDate.civilDate(Int(now / 86_400)).year
        var year = current - current % 100 + digits
        if year > current + 50 { year -= 100 }
        return seconds(year, month, day, time)
    }

    /// `Sun Nov  6 08:49:37 1994`
    mutating func asctime(_ text: RawSpan) -> Int64? {
        guard text.byteCount == 24 else { return nil }
        next = 3
        guard skip(ASCII.space, text), let month = month(text), skip(ASCII.space, text) else { return nil }
        let isPadded = text.byte(at: next) == ASCII.space
        if isPadded { next += 1 }
        guard let day = number(isPadded ? 1 : 2, text), skip(ASCII.space, text),
            let time = time(text), skip(ASCII.space, text), let year = number(4, text)
        else { return nil }
        return seconds(year, month, day, time)
    }

    private mutating func skip(_ byte: UInt8, _ text: RawSpan) -> Bool {
        guard next < text.byteCount, text.byte(at: next) == byte else { return false }
        next += 1
        return true
    }

    private mutating func number(_ digits: Int, _ text: RawSpan) -> Int? {
        guard next + digits <= text.byteCount else { return nil }
        var value = 0
        for _ in 0..<digits {
            let byte = text.byte(at: next)
            guard isDigit(byte) else { return nil }
            value = value * 10 + Int(byte - 0x30)
            next += 1
        }
        return value
    }

    private mutating func month(_ text: RawSpan) -> Int? {
        guard next + 3 <= text.byteCount else { return nil }
        let names: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"
        for month in 0..<12 {
            let name = ByteView(names)[3 * month..<3 * month + 3]
            if text.byte(at: next) == name[0], text.byte(at: next + 1) == name[1], text.byte(at: next + 2) == name[2] {
                next += 3
                return month + 1
            }
        }
        return nil
    }

    /// The seconds of the day; a leap second counts as the second before it.
    private mutating func time(_ text: RawSpan) -> Int? {
        guard let hour = number(2, text), skip(ASCII.colon, text), let minute = number(2, text),
            skip(ASCII.colon, text),
            let second = number(2, text), hour < 24, minute < 60, second <= 60
        else { return nil }
        return hour * 3600 + minute * 60 + min(second, 59)
    }

    private mutating func isGMT(_ text: RawSpan) -> Bool {
        skip(ASCII.space, text) && skip(UInt8(ascii: "G"), text) && skip(UInt8(ascii: "M"), text)
            && skip(UInt8(ascii: "T"), text)
            && next == text.byteCount
    }

    private func seconds(_ year: Int, _ month: Int, _ day: Int, _ time: Int) -> Int64? {
        guard year >= 1970, let days = HTTPDate.day(year: year, month: month, day: day) else { return nil }
        return Int64(days) * 86_400 + Int64(time)
    }
}

extension HTTPDate {
    /// The days from 1 January 1970 to a date of the Gregorian calendar; nil if there is no such date.
    ///
    /// Years start in March, as in `civilDate`.
    static func day(year: Int, month: Int, day: Int) -> Int? {
        guard (1...12).contains(month), (1...31).contains(day) else { return nil }
        let marchYear = month <= 2 ? year - 1 : year
        let era = marchYear / 400
        let yearOfEra = marchYear % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        // The 31st of a shorter month results in another date.
        return civilDate(days) == (year, month, day) ? days : nil
    }
}
