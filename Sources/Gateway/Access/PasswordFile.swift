import CCrypt

/// Users and the hashes of their passwords, as `htpasswd` writes them; immutable, shared by all workers.
final class PasswordFile: Sendable {
    private let hashes: [String: String]
    /// Hashed if there is no such user, so that the time does not reveal that.
    private let decoy: String

    /// Why a line cannot be used.
    struct Mistake: Error, Equatable {
        var line: Int
        var reason: String
    }

    /// The methods that are secure enough: bcrypt, SHA-256 and SHA-512, yescrypt (crypt(5)).
    private static let methods = ["$2y$", "$2b$", "$2a$", "$5$", "$6$", "$y$"]

    /// - Parameter text: lines of `user:hash`; empty ones and those that begin with `#` are ignored.
    init(_ text: String) throws(Mistake) {
        var hashes: [String: String] = [:]
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            if line.isEmpty || line.hasPrefix("#") { continue }
            guard let colon = line.firstIndex(of: ":"), colon > line.startIndex else {
                throw Mistake(line: index + 1, reason: "expected a user, a colon and a hash")
            }
            let user = String(line[..<colon])
            let hash = String(line[line.index(after: colon)...])
            guard Self.methods.contains(where: hash.hasPrefix), unsafe CCrypt_knows(hash) == 1 else {
                throw Mistake(
                    line: index + 1, reason: "the hash is none of bcrypt, SHA-256, SHA-512 and yescrypt of crypt(5)")
            }
            guard hashes.updateValue(hash, forKey: user) == nil else {
                throw Mistake(line: index + 1, reason: "the user is there twice")
            }
        }
        guard let decoy = hashes.values.first else { throw Mistake(line: 1, reason: "there is no user") }
        self.hashes = hashes
        self.decoy = decoy
    }

    /// Whether the password is the user's; takes as long as the method of the hash requires, up to seconds.
    func accepts(user: String, password: String) -> Bool {
        let known = hashes[user]
        let setting = known ?? decoy
        guard !password.utf8.contains(0), let hash = Self.hash(password, setting: setting) else { return false }
        return Self.areEqual(Array(hash.utf8), Array(setting.utf8)) && known != nil
    }

    private static func hash(_ password: String, setting: String) -> String? {
        var result = [CChar](repeating: 0, count: 384)
        guard unsafe CCrypt_hash(password, setting, &result) == 0 else { return nil }
        return String(decoding: result.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Compares in a time that depends only on the lengths.
    private static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }
}
