import Glibc

/// Writes a diagnostic to standard error; standard output is for data.
func complain(_ text: String) {
    write(text.hasSuffix("\n") ? text : text + "\n", to: STDERR_FILENO)
}

/// Writes at once, without a buffer.
func write(_ text: String, to descriptor: Int32) {
    var text = text
    text.withUTF8 { _ = unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
}
