import Glibc

/// The account to which a process started as root changes.
package struct Account: Sendable, Equatable {
    /// Nil for a number without a name: it has no groups but `group`.
    package var name: String?
    package var user: UInt32
    package var group: UInt32

    init(name: String?, user: UInt32, group: UInt32) {
        self.name = name
        self.user = user
        self.group = group
    }

    init(_ entry: passwd) {
        unsafe self.init(name: String(cString: entry.pw_name), user: entry.pw_uid, group: entry.pw_gid)
    }
}

extension Account: CustomStringConvertible {
    package var description: String { name ?? "\(user):\(group)" }
}

extension ValueDecoder<Account> {
    /// The name of an account of this machine, or numbers: `isagate`, `65534`, `65534:65534`.
    static var account: Self {
        Self { node, context in
            let decoder = text("the name of an account, or a number") { text throws(Refusal) in
                text.isEmpty ? nil : try find(text, context.system)
            }
            return decoder.decode(node, context)
        }
    }

    private static func find(_ text: String, _ system: SystemFacts) throws(Refusal) -> Account? {
        guard text.utf8.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ":") }) else {
            guard let account = system.account(text) else {
                throw Refusal(message: "this machine has no account \(quoted(text))")
            }
            return try unprivileged(account)
        }
        let numbers = text.split(separator: ":", omittingEmptySubsequences: false).map { UInt32($0) }
        // The highest number means "none" in system calls.
        guard (1...2).contains(numbers.count), let user = numbers[0], let last = numbers[numbers.count - 1],
            user != .max, last != .max
        else { return nil }
        if numbers.count == 2 { return try unprivileged(Account(name: nil, user: user, group: last)) }
        return try unprivileged(system.numberedAccount(user) ?? Account(name: nil, user: user, group: user))
    }

    private static func unprivileged(_ account: Account) throws(Refusal) -> Account {
        guard account.user != 0 else {
            throw Refusal(message: "\(quoted(account.description)) is root, whose rights the key is there to give up")
        }
        return account
    }
}
