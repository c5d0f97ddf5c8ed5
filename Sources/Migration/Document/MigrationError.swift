/// Why a configuration of another server cannot be read.
package struct MigrationError: Error, Equatable {
    package var file: String
    /// From 1; 0 for the file as a whole.
    package var line = 0
    package var column = 0
    package var message: String

    /// The message as compilers print it.
    package var description: String {
        let place = line == 0 ? file : "\(file):\(line):\(column)"
        return "\(place): error: \(message)"
    }
}
