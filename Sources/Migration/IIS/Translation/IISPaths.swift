/// Windows paths and what they become.
package struct PathMap: Sendable {
    /// `C:\inetpub` and `/srv/www`.
    private var rules: [(windows: String, linux: String)] = []

    package init() {}

    /// Adds a rule such as `C:\inetpub=/srv/www`; false when it has no equals sign or no absolute path behind it.
    package mutating func add(_ rule: String) -> Bool {
        guard let equals = rule.lastIndex(of: "=") else { return false }
        let (windows, linux) = (Self.normal(String(rule[..<equals])), String(rule[rule.index(after: equals)...]))
        guard !windows.isEmpty, linux.hasPrefix("/") else { return false }
        rules.append((windows, linux.count > 1 && linux.hasSuffix("/") ? String(linux.dropLast()) : linux))
        return true
    }

    /// Lower case, with slashes, and with the usual values of variables.
    private static func normal(_ path: String) -> String {
        var path = expanded(path).replacing("\\", with: "/").lowercased()
        if path.hasSuffix("/") { path.removeLast() }
        return path
    }

    private static func expanded(_ path: String) -> String {
        let variables = [
            "%systemdrive%": "C:", "%systemroot%": "C:\\Windows", "%windir%": "C:\\Windows",
            "%programfiles%": "C:\\Program Files", "%iis_bin%": "C:\\Windows\\System32\\inetsrv",
        ]
        for (name, value) in variables where path.lowercased().hasPrefix(name) {
            return value + path.dropFirst(name.count)
        }
        return path
    }

    /// The path here, and whether a rule has it. Without one, a drive is a folder below `/srv`.
    func mapped(_ path: String) -> (path: String, isKnown: Bool) {
        let slashed = Self.expanded(path).replacing("\\", with: "/")
        let normal = Self.normal(path)
        let rule = rules.filter { normal == $0.windows || normal.hasPrefix($0.windows + "/") }
            .max { $0.windows.count < $1.windows.count }
        if let rule { return (FilePath.normal(rule.linux + slashed.dropFirst(rule.windows.count)), true) }
        if slashed.hasPrefix("/"), !slashed.hasPrefix("//") { return (FilePath.normal(slashed), true) }
        var rest = slashed.drop { $0 == "/" }
        if rest.dropFirst().hasPrefix(":") { rest = rest.prefix(1).lowercased() + rest.dropFirst(2) }
        return (FilePath.normal("/srv/" + rest), false)
    }
}
