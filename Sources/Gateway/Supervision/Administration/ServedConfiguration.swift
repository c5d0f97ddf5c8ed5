/// The configuration that a gateway serves, as it was read: it may differ from the file by now.
package struct ServedConfiguration: Codable, Equatable, Sendable {
    /// As the user of the gateway named it.
    package var file: String
    /// The absolute path to which relative paths refer.
    package var folder: String
    package var text: String
    /// The environment variables of the gateway that the text uses.
    package var variables: [String: String]

    init(_ archive: MaterialArchive, variable: (String) -> String? = SystemFacts.live.variable) {
        file = archive.configurationFile
        folder = archive.folder
        text = archive.configurationText
        variables = [:]
        for piece in text.split(separator: "${").dropFirst() {
            guard let end = piece.firstIndex(of: "}") else { continue }
            let name = String(piece[..<end])
            variables[name] = variable(name)
        }
    }
}
