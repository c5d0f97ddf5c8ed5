/// The separators of paths that are passed to an extension.
package enum PathStyle: String, CaseIterable, Sendable {
    case unix
    /// With backslashes, for sources that split paths at these.
    case windows

    /// `path`, whose separators are "/", with the separators of this style.
    func path(_ path: String) -> String {
        self == .windows ? String(path.map { $0 == "/" ? "\\" : $0 }) : path
    }

    package var separator: UInt8 { self == .windows ? UInt8(ascii: "\\") : UInt8(ascii: "/") }
}
