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
            let file = keys.take("file", .file)
            let route = keys.take("route", .errorRoute)
            if ["file", "route"].filter(keys.names.contains).count != 1 {
                keys.context.report("an error page has either a file or a route", at: keys.position)
            }
            let line = (keys.position(of: "route") ?? keys.position).line
            return ErrorPageConfiguration(
                status: status, substatus: substatus,
                source: route.map { .route($0, line: line) } ?? .file(file ?? ""))
        }
    }
}

extension ValueDecoder<String> {
    /// A path of the site, optionally with a query, in the form of a request line.
    fileprivate static var errorRoute: Self {
        text("a path such as /errors/404") { path in
            let isPlain = path.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }
            return path.hasPrefix("/") && isPlain && path.utf8.count <= 2048 ? path : nil
        }
    }
}

/// Reports pages that no route of their site can answer.
func reportUnansweredErrorPages(
    _ pages: [ErrorPageConfiguration], _ routes: [RouteConfiguration], _ keys: MappingReader
) {
    for case .route(let target, let line) in pages.map(\.source) {
        let path = String(target.prefix { $0 != "?" })
        let isAnswered = routes.contains { $0.conditions.expression != nil || $0.path.matches(path) }
        guard !isAnswered, path.allSatisfy({ $0 != "%" }) else { continue }
        keys.context.report(
            "no route of this site answers \(quoted(path)), which an error page on line \(line) asks for",
            at: keys.position(of: "error_pages") ?? keys.position)
    }
}
