import Memory

/// Decodes the text between the boundaries of a PEM block: an optional header, then lines of base64 (RFC 7468 §3).
struct Base64Lines {
    private let text: [UInt8]
    private let end: Int
    private let label: String
    private let firstLine: Int
    private var position: Int
    private var line: Int

    init(_ text: [UInt8], _ block: PEMScanner.Block) {
        self.text = text
        position = block.content.lowerBound
        end = block.content.upperBound
        label = block.label
        firstLine = block.line
        line = block.line
    }

    /// Skips the header of the older form of keys (RFC 1421 §4.4), which ends with an empty line.
    ///
    /// - Returns: whether it declares that the key is encrypted.
    mutating func skipHeader() throws(PEMFault) -> Bool {
        // The boundary is followed by the end of its line.
        let start = lineEnd(from: position) + 1
        guard contains(UInt8(ascii: ":"), from: start, to: lineEnd(from: start)) else { return false }
        (position, line) = (start, firstLine + 1)
        var fields: [UInt8] = []
        while position < end {
            let lineFeed = lineEnd(from: position)
            let isEmpty = (position..<lineFeed).allSatisfy { text[$0] <= 0x20 }
            for index in position..<lineFeed { fields.append(text[index]) }
            position = min(lineFeed + 1, end)
            line += 1
            if isEmpty { return String(decoding: fields, as: UTF8.self).contains("ENCRYPTED") }
        }
        throw PEMFault(firstLine, "the header of the block \(label) that begins here does not end with an empty line")
    }

    private func lineEnd(from start: Int) -> Int {
        var index = start
        while index < end, text[index] != 0x0A { index += 1 }
        return index
    }

    private func contains(_ byte: UInt8, from start: Int, to limit: Int) -> Bool {
        var index = start
        while index < limit {
            if text[index] == byte { return true }
            index += 1
        }
        return false
    }

    /// - Parameter output: a buffer of three bytes for every four.
    /// - Returns: how many bytes were decoded.
    mutating func decode(into output: MutableByteView) throws(PEMFault) -> Int {
        var group: UInt32 = 0
        var digits = 0
        var padding = 0
        var count = 0
        while position < end {
            let byte = text[position]
            position += 1
            if let value = Self.value(of: byte) {
                guard padding == 0 else { throw fault("base64 behind its end") }
                group = group << 6 | UInt32(value)
                digits += 1
                guard digits == 4 else { continue }
                output[count] = UInt8(truncatingIfNeeded: group >> 16)
                output[count + 1] = UInt8(truncatingIfNeeded: group >> 8)
                output[count + 2] = UInt8(truncatingIfNeeded: group)
                count += 3
                digits = 0
            } else if byte == UInt8(ascii: "=") {
                padding += 1
                guard digits >= 2, digits + padding <= 4 else { throw fault("not base64") }
            } else if byte == 0x0A {
                line += 1
            } else if byte > 0x20 || byte == 0 {
                throw fault("not base64")
            }
        }
        guard digits + padding == 0 || digits + padding == 4 else {
            throw PEMFault(firstLine, "the block \(label) that begins here is cut short")
        }
        if digits >= 2 {
            output[count] = UInt8(truncatingIfNeeded: group >> (digits == 2 ? 4 : 10))
            count += 1
        }
        if digits == 3 {
            output[count] = UInt8(truncatingIfNeeded: group >> 2)
            count += 1
        }
        guard count > 0 else { throw PEMFault(firstLine, "the block \(label) that begins here is empty") }
        return count
    }

    private func fault(_ reason: String) -> PEMFault {
        PEMFault(line, "\(reason) in the block \(label) that begins in line \(firstLine)")
    }

    private static func value(of byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
