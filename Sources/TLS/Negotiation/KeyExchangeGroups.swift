import COpenSSL
import Synchronization

/// A list of groups for the key exchange, as in the configuration: OpenSSL's names separated by colons; a group with a
/// question mark is used only if the library supports it.
enum KeyExchangeGroups {
    /// The supported names of the list, in the library's form.
    ///
    /// - Throws: the group that is not supported.
    static func usable(_ list: String) throws(TLSError) -> String {
        if let known = known.withLock({ $0[list] }) { return known }
        var names: [Substring] = []
        for name in list.split(separator: ":") {
            let isOptional = name.hasPrefix("?")
            let group = isOptional ? name.dropFirst() : name
            if exists(String(group)) {
                names.append(group)
            } else if !isOptional {
                throw TLSError(
                    action: "groups",
                    reason: "\(group) is not among the groups of \(TLSLibrary.version); '?\(group)' stands for it only "
                        + "where there is one")
            }
        }
        guard !names.isEmpty else {
            throw TLSError(action: "groups", reason: "none of \(list) is among the groups of \(TLSLibrary.version)")
        }
        let usable = names.joined(separator: ":")
        known.withLock { $0[list] = usable }
        return usable
    }

    /// By list: a library does not change while it is loaded.
    private static let known = Mutex<[String: String]>([:])

    private static func exists(_ name: String) -> Bool {
        defer { ERR_clear_error() }
        guard let context = SSL_CTX_new(TLS_server_method()) else { return false }
        return COpenSSL_CTX_set1_groups_list(context, name) == 1
    }
}
