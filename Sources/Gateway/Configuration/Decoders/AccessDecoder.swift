import Transport

extension MappingReader {
    /// The access keys of a site or a route.
    mutating func takeAccess() -> AccessOverrides {
        var access = AccessOverrides()
        access.allow = take("allow", .list("networks", of: .network))
        access.deny = take("deny", .list("networks", of: .network))
        access.basic = take("basic_auth", .basicAuthentication)
        return access
    }
}

extension ValueDecoder<AccessOverrides.Setting> {
    fileprivate static var basicAuthentication: Self {
        let section = ValueDecoder<BasicAuthentication>.mapping { keys in
            BasicAuthentication(
                realm: keys.take("realm", .realm, default: "isagate"),
                users: keys.require("users", .file, placeholder: ""))
        }
        return Self { node, context in
            if node.scalar?.string == "off" { return .off }
            return section.decode(node, context).map { .on($0) }
        }
    }
}

extension ValueDecoder<String> {
    /// Text that may be between the quotes of a challenge without being escaped (RFC 9110 §5.6.4).
    fileprivate static var realm: Self {
        text("a realm of printable ASCII without quotes and backslashes") { text in
            let isPlain = text.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C }
            return text.isEmpty || !isPlain ? nil : text
        }
    }
}
