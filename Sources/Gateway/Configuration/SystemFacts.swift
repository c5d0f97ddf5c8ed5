import CLinux
import Glibc
import Transport

/// What a configuration depends on besides files: the environment, accounts, and properties of the machine.
package struct SystemFacts {
    /// The value of an environment variable; nil for one that is not set.
    var variable: (String) -> String?
    /// The account of this name; nil for none.
    var account: (String) -> Account?
    /// The account with this number; nil for a number that has no name.
    var numberedAccount: (UInt32) -> Account?
    var hasIPv6: () -> Bool

    /// Those of this process and this machine.
    package static var live: SystemFacts {
        SystemFacts(
            variable: { name in unsafe getenv(name).map { unsafe String(cString: $0) } },
            account: { name in unsafe getpwnam(name).map { unsafe Account($0.pointee) } },
            numberedAccount: { number in unsafe getpwuid(number).map { unsafe Account($0.pointee) } },
            hasIPv6: { IPv6.isOn })
    }
}

/// Whether the machine supports IPv6.
enum IPv6 {
    /// False if the kernel does not support it, or if it is switched off for every interface.
    static var isOn: Bool {
        let probe = Descriptor(adopting: socket(AF_INET6, CLinux_SOCK_STREAM_FLAGS, 0))
        guard probe.isOpen else { return false }
        // One line for each address; there is at least the loopback address.
        guard let addresses = try? readFile("/proc/net/if_inet6", atMost: 1 << 20) else { return false }
        return !addresses.isEmpty
    }

    static let absence = "IPv6 is switched off on this machine"
}
