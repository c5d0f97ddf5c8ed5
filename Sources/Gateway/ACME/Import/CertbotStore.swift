import ACME

/// The folder of certbot, `/etc/letsencrypt`:
///
///     accounts/HOST/PATH/ID/private_key.json   the account's key (RFC 7517)
///     accounts/HOST/PATH/ID/regr.json          the account's URL
///     live/NAME/{fullchain,privkey}.pem        the current certificate; links into archive
///     archive/NAME/{fullchain,privkey}N.pem    all of them
///     renewal/NAME.conf                        the directory that it was ordered from
extension ForeignStore {
    private struct Registration: Decodable {
        var uri: String
    }

    /// Folders below `accounts`: host, the parts of the directory's path, the account.
    private static let depth = 8

    static func certbot(_ folder: String) throws(Problem) -> ForeignStore {
        guard exists(folder + "/accounts") || exists(folder + "/live") || exists(folder + "/archive") else {
            throw Problem(
                file: folder, reason: "there is neither accounts nor live nor archive, as in a folder of certbot")
        }
        var store = ForeignStore()
        addAccounts(in: folder + "/accounts", [], &store)
        let lineages = Set(names(in: folder + "/live") + names(in: folder + "/archive")).subtracting(["README"])
        for lineage in lineages.sorted() {
            store.add { store throws(Problem) in
                store.certificates.append(try certificate(lineage, in: folder))
            }
        }
        return store
    }

    private static func addAccounts(in folder: String, _ path: [String], _ store: inout ForeignStore) {
        for name in names(in: folder) where path.count < depth {
            let inner = "\(folder)/\(name)"
            guard exists(inner + "/private_key.json") else {
                addAccounts(in: inner, path + [name], &store)
                continue
            }
            store.add { store throws(Problem) in
                let registration = try document(Registration.self, inner + "/regr.json", "a registration")
                let file = inner + "/private_key.json"
                let key: [UInt8]
                let text = try text(file)
                do throws(AcmeError) {
                    key = try PrivateWebKey.pem(text)
                } catch {
                    throw Problem(file: file, reason: error.message)
                }
                store.accounts.append(
                    Account(
                        file: inner, authority: authorityKey(path.joined(separator: "/")), url: registration.uri,
                        key: key))
            }
        }
    }

    private static func certificate(_ lineage: String, in folder: String) throws(Problem) -> Certificate {
        let live = "\(folder)/live/\(lineage)"
        var chain = live + "/fullchain.pem"
        var key = live + "/privkey.pem"
        // A copy of the folder may not have the links.
        if !exists(chain) || !exists(key) {
            let archive = "\(folder)/archive/\(lineage)"
            guard let number = latest(in: archive) else {
                throw Problem(file: live, reason: "there is no fullchain.pem with a privkey.pem, nor one in archive")
            }
            chain = "\(archive)/fullchain\(number).pem"
            key = "\(archive)/privkey\(number).pem"
        }
        var authority: String?
        let renewal = "\(folder)/renewal/\(lineage).conf"
        if exists(renewal) { authority = server(in: try text(renewal)).map { authorityKey($0) } }
        return Certificate(file: chain, authority: authority, chain: try text(chain), key: try text(key))
    }

    private static func latest(in archive: String) -> Int? {
        let numbers = names(in: archive).compactMap { name -> Int? in
            guard name.hasPrefix("fullchain"), name.hasSuffix(".pem") else { return nil }
            return Int(name.dropFirst("fullchain".count).dropLast(".pem".count))
        }
        return numbers.filter { exists("\(archive)/privkey\($0).pem") }.max()
    }

    /// The value of `server` in a renewal configuration.
    static func server(in text: [UInt8]) -> String? {
        for line in String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: "=", maxSplits: 1).map { $0.filter { !$0.isWhitespace } }
            if parts.count == 2, parts[0] == "server", !parts[1].isEmpty { return parts[1] }
        }
        return nil
    }
}
