import ACME

/// The folder with Caddy's data, such as `/var/lib/caddy/.local/share/caddy`:
///
///     acme/AUTHORITY/users/MAIL/NAME.{json,key}            an account and its key
///     certificates/AUTHORITY/NAME/NAME.{crt,key,json}      a certificate
extension ForeignStore {
    private struct Registration: Decodable {
        var location: String
    }

    static func caddy(_ folder: String) throws(Problem) -> ForeignStore {
        guard exists(folder + "/acme") || exists(folder + "/certificates") else {
            throw Problem(file: folder, reason: "there is neither acme nor certificates, as in a folder of Caddy")
        }
        var store = ForeignStore()
        for authority in names(in: folder + "/acme") {
            let users = "\(folder)/acme/\(authority)/users"
            for user in names(in: users) {
                for name in names(in: "\(users)/\(user)") where name.hasSuffix(".json") {
                    let file = "\(users)/\(user)/\(name)"
                    store.add { store throws(Problem) in
                        let registration = try document(Registration.self, file, "an account with its location")
                        let key = try text(String(file.dropLast(5)) + ".key")
                        store.accounts.append(
                            Account(
                                file: file, authority: authorityKey(authority), url: registration.location, key: key))
                    }
                }
            }
        }
        for authority in names(in: folder + "/certificates") {
            let all = "\(folder)/certificates/\(authority)"
            for name in names(in: all) {
                let file = "\(all)/\(name)/\(name)"
                guard exists(file + ".crt") else { continue }
                store.add { store throws(Problem) in
                    store.certificates.append(
                        Certificate(
                            file: file + ".crt", authority: authorityKey(authority), chain: try text(file + ".crt"),
                            key: try text(file + ".key")))
                }
            }
        }
        return store
    }
}
