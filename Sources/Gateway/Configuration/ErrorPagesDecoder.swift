extension ValueDecoder<[ErrorPageConfiguration]> {
    /// A mapping of statuses to pages.
    static var errorPages: Self {
        Self { node, context in
            guard let keys = MappingReader(node, context) else { return nil }
            return keys.entries.compactMap { name, key, node in
                let status = Int(name) ?? 0
                if !(400...599).contains(status) {
                    context.report("an error page is for a status from 400 to 599, found \(quoted(name))", at: key)
                }
                return context.decode(node, as: .errorPage(status), key: name)
            }
        }
    }
}

extension ValueDecoder<ErrorPageConfiguration> {
    fileprivate static func errorPage(_ status: Int) -> Self {
        .mapping { keys in
            ErrorPageConfiguration(status: status, file: keys.require("file", .file, placeholder: ""))
        }
    }
}
