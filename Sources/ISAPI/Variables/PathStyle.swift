/// How an extension is told paths.
package enum PathStyle: String, CaseIterable, Sendable {
    case unix
    /// With backslashes, for sources that take paths apart at these.
    case windows

    /// `path`, whose separators are "/", as it is told.
    func path(_ path: String) -> String {
        self == .windows ? String(path.map { $0 == "/" ? "\\" : $0 }) : path
    }

    package var separator: UInt8 { self == .windows ? UInt8(ascii: "\\") : UInt8(ascii: "/") }
}
