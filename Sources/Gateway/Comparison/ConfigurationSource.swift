/// A configuration and the text that it was read from.
package struct ConfigurationSource {
    package let file: String
    package let text: String
    package let configuration: Configuration
    /// The value of an environment variable where the text is used.
    let variable: (String) -> String?

    /// Reads a configuration file. Errors: every mistake in it.
    package init(path: String) throws(ConfigurationErrors) {
        let (text, folder) = try Configuration.read(path: path)
        self.file = path
        self.text = text
        variable = SystemFacts.live.variable
        configuration = try Configuration.decode(
            text: text, file: path, folder: folder, kindOfFile: Configuration.kindOfFile)
    }

    /// Decodes what a gateway serves. Errors: what it names and is not there any more.
    package init(_ served: ServedConfiguration) throws(ConfigurationErrors) {
        var system = SystemFacts.live
        system.variable = { served.variables[$0] }
        variable = system.variable
        file = served.file
        text = served.text
        configuration = try Configuration.decode(
            text: served.text, file: served.file, folder: served.folder, system: system,
            kindOfFile: Configuration.kindOfFile)
    }
}
