import Memory

/// The date format of HTTP, IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
package enum HTTPDate {
    /// The length of a date in bytes.
    package static var length: Int { 29 }

    /// Writes the date of a Unix time, in seconds, as `length` bytes.
    ///
    /// The time is limited to the years 1970 to 9999: four digits, and no negative time.
    package static func write(unixSeconds: Int64, to output: MutableByteView) {
        let time = min(max(unixSeconds, 0), 253_402_300_799)
        let days = Int(time / 86_400)
        let second = Int(time % 86_400)
        let date = civilDate(days)
        var writer = FixedWriter(output: output)
        // 1 January 1970 was a Thursday.
        writer.write(three: "SunMonTueWedThuFriSat", at: (days + 4) % 7)
        writer.write(", ")
        writer.write(two: date.day)
        writer.write(" ")
        writer.write(three: "JanFebMarAprMayJunJulAugSepOctNovDec", at: date.month - 1)
        writer.write(" ")
        writer.write(two: date.year / 100)
        writer.write(two: date.year % 100)
        writer.write(" ")
        writer.write(two: second / 3600)
        writer.write(":")
        writer.write(two: second / 60 % 60)
        writer.write(":")
        writer.write(two: second % 60)
        writer.write(" GMT")
    }

    /// The date as a string.
    package static func text(unixSeconds: Int64) -> String {
        withTemporaryBytes(length) { buffer in
            write(unixSeconds: unixSeconds, to: buffer)
            return String(decoding: buffer.view, as: UTF8.self)
        }
    }

    /// The Gregorian date of a day counted from 1 January 1970.
    ///
    /// Years start in March, so that the leap day is the last of its year and the lengths of the months before it
    /// follow one linear formula.
    package static func civilDate(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let sinceYearZero = days + 719_468
        let era = sinceYearZero / 146_097
        let dayOfEra = sinceYearZero % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }
}

/// Writes text in pieces.
@safe
private struct FixedWriter {
    private let output: MutableByteView

    private var count = 0

    init(output: MutableByteView) { self.output = output }

    mutating func write(_ text: StaticString) {
        output.copyShort(ByteView(text), to: count)
        count += text.utf8CodeUnitCount
    }

    /// Writes the three letters at `index` of `names`.
    mutating func write(three names: StaticString, at index: Int) {
        output.copyShort(ByteView(names)[3 * index..<3 * index + 3], to: count)
        count += 3
    }

    mutating func write(two value: Int) {
        output[count] = UInt8(0x30 + value / 10)
        output[count + 1] = UInt8(0x30 + value % 10)
        count += 2
    }
}
