import Glibc

/// The service manager's variables, removed from the environment: no gateway process and no extension may act on them.
struct ProcessEnvironment {
    private let values: [String: String]

    private static let names = [
        "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
    ]

    /// Call while there is only one thread.
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
