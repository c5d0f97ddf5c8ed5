/// Where something is in the files that are imported.
package struct Place: Sendable, Hashable, CustomStringConvertible {
    package var file: String
    /// From 1.
    package var line: Int

    package var description: String { "\(file):\(line)" }
}

/// Where a line of the new configuration comes from.
package enum Origin: Sendable, Equatable {
    case place(Place)
    /// A default of the other server, or a reason in words.
    case reason(String)

    var comment: String {
        switch self {
        case .place(let place): place.description
        case .reason(let text): text
        }
    }
}
