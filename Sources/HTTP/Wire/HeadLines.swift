/// Finds the lines of a head that is received in pieces. The search continues where it stopped, so a head that arrives
/// byte by byte costs no more than one that arrives at once.
struct HeadLines: BitwiseCopyable {
    /// The start of the current line.
    private(set) var start = 0
    private var searched = 0

    /// Whether nothing of the line has been searched yet.
    @inline(__always)
    var isAtStart: Bool { searched == start }

    /// The offset of the LF that ends the line, or the end of the input.
    @inline(__always)
    mutating func nextLineFeed(_ input: RawSpan) -> Int {
        // The empty line that ends a head.
        if input.byteCount - start >= 2, input.pair(at: start) == ASCII.lineEnd { return start + 1 }
        searched = input.first(ASCII.lineFeed, from: searched, to: input.byteCount)
        return searched
    }

    /// Starts the next line after `lineFeed`.
    @inline(__always)
    mutating func endLine(at lineFeed: Int) {
        start = lineFeed + 1
        searched = start
    }
}
