import Glibc

/// What the service manager says in the environment, taken out of it: no gateway process and no extension is to act on it.
struct ProcessEnvironment {
    private let values: [String: String]

    private static let names = [
        "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
    ]

    /// On the only thread.
    static func take() -> ProcessEnvironment {
        var values: [String: String] = [:]
        for name in names {
            guard let value = unsafe getenv(name) else { continue }
            values[name] = unsafe String(cString: value)
            unsafe unsetenv(name)
        }
        return ProcessEnvironment(values: values)
    }

    func value(_ name: String) -> String? { values[name] }
}
