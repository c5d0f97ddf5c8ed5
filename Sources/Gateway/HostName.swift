import Glibc

/// The name of this machine.
enum HostName {
    /// Without characters beyond those of a word; `-` where it has none.
    static var current: String {
        var name = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&name, name.count - 1) == 0 else { return "-" }
        let text = String(
            decoding: name.map(UInt8.init(bitPattern:)).prefix { (0x21...0x7E).contains($0) }, as: UTF8.self)
        return text.isEmpty ? "-" : text
    }
}
