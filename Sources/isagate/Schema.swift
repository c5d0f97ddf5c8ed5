import ArgumentParser
import Gateway

struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the JSON Schema of configuration files, for editors and other programs.")

    func run() {
        print(ConfigurationSchema.text, terminator: "")
    }
}
