import HTTP
import Memory

/// Copies field lines of a message to the next hop, each as name, colon, space, value and CRLF.
///
/// Consecutive lines that already have this form, as nearly all do, are copied together.
@safe
struct FieldCopier {
    private let message: ByteView
    /// Start of the lines that are copied unchanged.
    private var start = 0
    private var end = 0

    init(_ message: ByteView) {
        self.message = message
    }

    /// Adds a line of the message; it may be written to `output` only by a later call.
    @inline(__always)
    mutating func copy(_ field: FieldSlice, to output: inout OutputBuffer) {
        let (name, value) = (field.name, field.value)
        // White space after the value would be in place of the CRLF.
        let isPlain =
            value.first == name.end + 2 && message[name.end + 1] == UInt8(ascii: " ")
            && message[value.end] == UInt8(ascii: "\r")
        if isPlain && name.first == end {
            end = value.end + 2
            return
        }
        finish(to: &output)
        if isPlain {
            start = name.first
            end = value.end + 2
        } else {
            output.append(message[name.first..<name.end])
            output.append(": ")
            output.append(message[value.first..<value.end])
            output.append("\r\n")
        }
    }

    /// Writes everything added so far to `output`.
    @inline(__always)
    mutating func finish(to output: inout OutputBuffer) {
        guard end > start else { return }
        output.append(message[start..<end])
        start = end
    }
}
