extension ValueDecoder<[ErrorPageConfiguration]> {
    /// A mapping of statuses to pages.
    static var errorPages: Self {
        Self { node, context in
            guard let keys = MappingReader(node, context) else { return nil }
            return keys.entries.compactMap { name, key, node in
                let parts = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
                let status = Int(parts[0]) ?? 0
                let substatus = parts.count == 2 ? Int(parts[1]) ?? 0 : nil
                if !(400...599).contains(status) || substatus.map({ !(1...999).contains($0) }) == true {
                    context.report(
                        "an error page is for a status from 400 to 599, perhaps with a sub-status such as 404.2, "
                            + "found \(quoted(name))",
                        at: key)
                }
                return context.decode(node, as: .errorPage(status, substatus), key: name)
            }
        }
    }
}

extension ValueDecoder<ErrorPageConfiguration> {
    fileprivate static func errorPage(_ status: Int, _ substatus: Int?) -> Self {
        .mapping { keys in
            ErrorPageConfiguration(
                status: status, substatus: substatus, file: keys.require("file", .file, placeholder: ""))
        }
    }
}
