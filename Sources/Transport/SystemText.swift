import Glibc

/// The system's message for an error number.
package func systemText(_ code: Int32) -> String {
    var text = [CChar](repeating: 0, count: 128)
    let count = text.count
    _ = unsafe strerror_r(code, &text, count)
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
