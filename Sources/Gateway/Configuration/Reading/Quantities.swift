/// A number of bytes as the file writes it: digits, then nothing, `K`, `M` or `G` (powers of 1024).
///
/// Nil when the text is not a size or the size does not fit an `Int`.
func parseSize(_ text: String) -> Int? {
    guard let (number, unit) = splitUnit(text) else { return nil }
    let factor: Int? =
        switch unit {
        case "": 1
        case "K": 1 << 10
        case "M": 1 << 20
        case "G": 1 << 30
        default: nil
        }
    return factor.flatMap { product(number, $0) }
}

extension Configuration {
    /// A length of time on the command line, in the file's notation: digits, then `ms`, `s`, `m`, `h` or `d`.
    package static func duration(_ text: String) -> Duration? { parseTime(text) }
}

/// A length of time as the file writes it: digits, then `ms`, `s`, `m`, `h` or `d`.
///
/// Nil when the text is not a time, has no unit, or is longer than an `Int` of milliseconds.
func parseTime(_ text: String) -> Duration? {
    guard let (number, unit) = splitUnit(text) else { return nil }
    let factor: Int? =
        switch unit {
        case "ms": 1
        case "s": 1000
        case "m": 60_000
        case "h": 3_600_000
        case "d": 86_400_000
        default: nil
        }
    return factor.flatMap { product(number, $0) }.map { Duration.milliseconds($0) }
}

/// The size in the largest unit that divides it.
func formatSize(_ bytes: Int) -> String {
    let units = [("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)]
    for (unit, factor) in units where bytes >= factor && bytes.isMultiple(of: factor) {
        return "\(bytes / factor)\(unit)"
    }
    return String(bytes)
}

/// The time in the largest unit that divides it; parts of a millisecond are dropped.
func formatTime(_ time: Duration) -> String {
    let (seconds, attoseconds) = time.components
    if attoseconds != 0 { return "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000)ms" }
    let units: [(String, Int64)] = [("d", 86_400), ("h", 3600), ("m", 60)]
    for (unit, factor) in units where seconds >= factor && seconds.isMultiple(of: factor) {
        return "\(seconds / factor)\(unit)"
    }
    return "\(seconds)s"
}

private func splitUnit(_ text: String) -> (number: Int, unit: Substring)? {
    let digits = text.utf8.prefix(while: isDigit)
    guard let number = Int(Substring(digits)) else { return nil }
    return (number, text[digits.endIndex...])
}

private func product(_ number: Int, _ factor: Int) -> Int? {
    let (result, overflow) = number.multipliedReportingOverflow(by: factor)
    return overflow ? nil : result
}
