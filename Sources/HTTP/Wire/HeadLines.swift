/// The search for the lines of a head that arrives in pieces: it goes on where it stopped, so a head that arrives byte
/// by byte costs no more than one that arrives whole.
///
/// It looks for control bytes, of which a proper line has none before its CRLF, so that the same pass also proves field
/// values.
struct HeadLines: BitwiseCopyable {
    /// Where the line that is looked for begins.
    private(set) var start = 0
    private var searched = 0
    /// Whether the unfinished line holds a control byte that does not belong there; it is refused once it is complete.
    private(set) var isFaulty = false

    /// The offset of the LF that ends the line, or the input's end; notes whether anything but CRLF stopped the search.
    @inline(__always)
    mutating func nextLineFeed(_ input: RawSpan) -> Int {
        let count = input.byteCount
        if !isFaulty {
            searched = input.first(from: searched, to: count) { $0.controls }
            if count - searched >= 2, input.byte(at: searched) == ASCII.carriageReturn,
                input.byte(at: searched + 1) == ASCII.lineFeed
            {
                return searched + 1
            }
            // A CR at the end is looked at again when the next byte is there.
            let waits = searched == count || (searched == count - 1 && input.byte(at: searched) == ASCII.carriageReturn)
            if waits { return count }
            isFaulty = true
        }
        searched = input.first(ASCII.lineFeed, from: searched, to: count)
        return searched
    }

    /// The next line begins behind `lineFeed`.
    @inline(__always)
    mutating func endLine(at lineFeed: Int) {
        start = lineFeed + 1
        searched = start
    }
}
