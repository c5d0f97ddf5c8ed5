/// libFuzzer target: no text makes the configuration decoder trap, and every refusal names a position in the text.
///
/// The input is the file's text; every path names a file, so that decoding goes as deep as it can.
@c(LLVMFuzzerTestOneInput)
public func fuzzConfiguration(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: data, count: size), as: UTF8.self)
    do throws(ConfigurationErrors) {
        let configuration = try Configuration.decode(
            text: text, file: "fuzz.yaml", folder: "/", kindOfFile: { $0 == "/" ? .folder : .file })
        precondition(!configuration.sites.isEmpty && !configuration.listeners.isEmpty, "accepted without a site")
    } catch {
        precondition(!error.diagnostics.isEmpty, "refused without a reason")
        precondition(error.diagnostics.allSatisfy { $0.position != nil }, "refused without a position")
        precondition(error.description.utf8.count > 0)
    }
    return 0
}
