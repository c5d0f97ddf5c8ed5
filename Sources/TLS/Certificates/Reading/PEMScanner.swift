/// Finds the blocks of a PEM file by its lines (RFC 7468), and refuses those that are damaged.
///
/// Text may precede and follow blocks, as `openssl x509 -text` and `openssl pkcs12` write it, and lines that begin with
/// `#`. Any other line that looks like the boundary of a block and is not one is refused: the block would be silently
/// left out.
struct PEMScanner {
    /// The position of a block.
    struct Block: Equatable {
        let label: String
        /// The line of its first boundary, from 1.
        let line: Int
        /// The range between the boundaries, in bytes.
        let content: Range<Int>
    }

    private let text: [UInt8]
    private var blocks: [Block] = []
    private var line = 0
    private var open: (label: String, line: Int, start: Int)?

    private init(_ text: [UInt8]) {
        self.text = text
    }

    /// - Returns: every block in the order of the file; none for a text without any.
    static func blocks(of text: [UInt8]) throws(PEMFault) -> [Block] {
        var scanner = PEMScanner(text)
        try scanner.scan()
        return scanner.blocks
    }

    private mutating func scan() throws(PEMFault) {
        var start = text.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        while start < text.count {
            let lineFeed = text.first(0x0A, from: start) ?? text.count
            line += 1
            try take(text.trimmed(start..<lineFeed, leading: false), from: start)
            start = lineFeed + 1
        }
        if let open { throw PEMFault(open.line, "the block \(open.label) that begins here has no end") }
    }

    private mutating func take(_ range: Range<Int>, from start: Int) throws(PEMFault) {
        // Nearly all lines are base64, which shows in their first bytes.
        guard range.count > 4, text.mayBeBoundary(range), text[range.lowerBound] != UInt8(ascii: "#") else { return }
        if let label = text.label(in: range, after: PEMBoundary.begin) {
            if let open { throw PEMFault(open.line, "the block \(open.label) that begins here has no end") }
            open = (label, line, range.upperBound)
        } else if let label = text.label(in: range, after: PEMBoundary.end) {
            guard let open else { throw PEMFault(line, "a block \(label) ends here that does not begin") }
            guard open.label == label else {
                throw PEMFault(
                    line, "a block \(label) ends here, but the one that began in line \(open.line) is \(open.label)")
            }
            blocks.append(Block(label: label, line: open.line, content: open.start..<start))
            self.open = nil
        } else if let label = text.damagedBoundary(in: range) {
            throw PEMFault(
                line, "a damaged boundary of a block; expected -----\(label)----- and nothing else in the line")
        }
    }
}

/// What is wrong with a PEM file.
struct PEMFault: Error, Equatable, CustomStringConvertible {
    /// From 1; nil for what is wrong with the whole file.
    let line: Int?
    let reason: String

    init(_ line: Int?, _ reason: String) {
        self.line = line
        self.reason = reason
    }

    var description: String { line.map { "line \($0): \(reason)" } ?? reason }
}

private enum PEMBoundary {
    static let begin = Array("-----BEGIN ".utf8)
    static let end = Array("-----END ".utf8)
    static let tail = Array("-----".utf8)
    /// Words of the labels in use; longer ones first.
    static let labels = [
        "ENCRYPTED PRIVATE KEY", "TRUSTED CERTIFICATE", "CERTIFICATE REQUEST", "RSA PRIVATE KEY", "EC PRIVATE KEY",
        "PRIVATE KEY", "PUBLIC KEY", "CERTIFICATE", "X509 CRL", "PARAMETERS", "PKCS7",
    ].map { Array($0.utf8) }
}

extension [UInt8] {
    fileprivate func first(_ byte: UInt8, from start: Int) -> Int? {
        var index = start
        while index < count {
            if self[index] == byte { return index }
            index += 1
        }
        return nil
    }

    /// Without white space and control bytes at its end, and optionally at its beginning.
    fileprivate func trimmed(_ range: Range<Int>, leading: Bool) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while end > start, self[end - 1] <= 0x20 { end -= 1 }
        while leading, start < end, self[start] <= 0x20 { start += 1 }
        return start..<end
    }

    /// Whether the line has a byte that is not base64.
    fileprivate func mayBeBoundary(_ range: Range<Int>) -> Bool {
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = self[index]
            if byte == UInt8(ascii: "-") || byte == UInt8(ascii: " ") || byte >= 0x80 { return true }
            index += 1
        }
        return false
    }

    fileprivate func equals(_ bytes: [UInt8], at start: Int, ignoringCase: Bool = false) -> Bool {
        guard start >= 0, start + bytes.count <= count else { return false }
        return bytes.indices.allSatisfy { index in
            let byte = self[start + index]
            return byte == bytes[index] || ignoringCase && byte | 0x20 == bytes[index] | 0x20 && byte >= 0x40
        }
    }

    /// The text between `beginning` and five hyphens, if the line has nothing else.
    fileprivate func label(in range: Range<Int>, after beginning: [UInt8]) -> String? {
        let (start, end) = (range.lowerBound + beginning.count, range.upperBound - PEMBoundary.tail.count)
        guard start < end, end - start <= 64, equals(beginning, at: range.lowerBound), equals(PEMBoundary.tail, at: end)
        else { return nil }
        let label = (start..<end).map { self[$0] }
        guard label.allSatisfy({ (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "-") }), label.first != 0x20,
            label.last != 0x20
        else { return nil }
        return String(decoding: label, as: UTF8.self)
    }

    /// The intended content of a line that looks like a boundary, such as `BEGIN CERTIFICATE`; nil for any other text.
    fileprivate func damagedBoundary(in range: Range<Int>) -> String? {
        for word in ["BEGIN", "END"] {
            let bytes = Array(word.utf8)
            for index in range where index + bytes.count <= range.upperBound {
                guard equals(bytes, at: index, ignoringCase: true), !isLetter(at: index - 1, in: range) else {
                    continue
                }
                let isCapital = equals(bytes, at: index)
                let isMarked = index - range.lowerBound >= 2 && equals([0x2D, 0x2D], at: index - 2)
                let label = PEMBoundary.labels.first { label in
                    ((index + bytes.count)..<range.upperBound).contains {
                        $0 + label.count <= range.upperBound && equals(label, at: $0, ignoringCase: !isCapital)
                    }
                }
                let name = label.map { String(decoding: $0, as: UTF8.self) }
                if isMarked, isCapital && !isLetter(at: index + bytes.count, in: range) || name != nil {
                    return "\(word) \(name ?? "CERTIFICATE")"
                }
                if isCapital, let name, hasDash(range) || trimmed(range, leading: true).lowerBound == index {
                    return "\(word) \(name)"
                }
            }
        }
        return nil
    }

    private func isLetter(at index: Int, in range: Range<Int>) -> Bool {
        range.contains(index) && (0x61...0x7A).contains(self[index] | 0x20)
    }

    private func hasDash(_ range: Range<Int>) -> Bool {
        range.contains { self[$0] == UInt8(ascii: "-") || self[$0] >= 0x80 }
    }
}
