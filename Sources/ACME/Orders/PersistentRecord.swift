/// The record of a domain that permits an account to prove it for as long as the record stays
/// (draft-ietf-acme-dns-persist-01 §3).
package struct PersistentRecord: Equatable, Sendable {
    package let domain: String
    package let name: String
    /// The text of the TXT record.
    package let value: String

    /// - Parameters:
    ///   - domain: without the `*.` of a wildcard.
    ///   - includesWildcards: whether names below the domain are proved too.
    package init(_ domain: String, authority: String, account: String, includesWildcards: Bool) {
        self.domain = domain
        name = "_validation-persist.\(domain)"
        value = "\(authority); accounturi=\(account)\(includesWildcards ? "; policy=wildcard" : "")"
    }

    /// The records for these names: one for a name and its wildcard.
    package static func records(for names: [String], authority: String, account: String) -> [PersistentRecord] {
        var domains: [String] = []
        var wildcards: Set<String> = []
        for name in names {
            let isWildcard = name.hasPrefix("*.")
            let domain = isWildcard ? String(name.dropFirst(2)) : name
            if isWildcard { wildcards.insert(domain) }
            if !domains.contains(domain) { domains.append(domain) }
        }
        return domains.map {
            PersistentRecord($0, authority: authority, account: account, includesWildcards: wildcards.contains($0))
        }
    }

    /// A line of a zone file (RFC 1035 §5.1), in which strings have at most 255 bytes.
    package var line: String {
        var rest = Array(value.utf8)[...]
        var strings: [String] = []
        repeat {
            strings.append("\"\(String(decoding: rest.prefix(255), as: UTF8.self))\"")
            rest = rest.dropFirst(255)
        } while !rest.isEmpty
        return "\(name). IN TXT \(strings.joined(separator: " "))"
    }
}
