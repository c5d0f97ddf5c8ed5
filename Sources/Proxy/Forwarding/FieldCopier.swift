import HTTP

/// Copies field lines of a message to the next hop, each as name, colon, space, value and CRLF.
///
/// Lines that are spelled so already, as nearly all are, go together with their neighbours.
@safe
struct FieldCopier {
    private let message: UnsafeRawBufferPointer
    /// Lines that are to be copied as they stand.
    private var start = 0
    private var end = 0

    init(_ message: UnsafeRawBufferPointer) {
        unsafe self.message = message
    }

    /// Adds a line of the message; it may reach `output` only with a later call.
    @inline(__always)
    mutating func copy(_ field: FieldSlice, to output: inout OutputBuffer) {
        let (name, value) = (field.name, field.value)
        // White space behind the value would stand where the CRLF does.
        let isPlain =
            unsafe value.first == name.end + 2 && message[name.end + 1] == UInt8(ascii: " ")
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
            unsafe output.append(UnsafeRawBufferPointer(rebasing: message[name.first..<name.end]))
            output.append(": ")
            unsafe output.append(UnsafeRawBufferPointer(rebasing: message[value.first..<value.end]))
            output.append("\r\n")
        }
    }

    /// Has everything added so far reach `output`.
    @inline(__always)
    mutating func finish(to output: inout OutputBuffer) {
        guard end > start else { return }
        unsafe output.append(UnsafeRawBufferPointer(rebasing: message[start..<end]))
        start = end
    }
}
