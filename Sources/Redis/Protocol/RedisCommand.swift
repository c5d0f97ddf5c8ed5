import Memory

/// A command for a Redis server: an array of texts.
package struct RedisCommand: Equatable, Sendable {
    /// As sent.
    package private(set) var bytes: [UInt8] = []

    package init(_ arguments: [[UInt8]]) {
        Self.begin(argumentCount: arguments.count, in: &bytes)
        for argument in arguments { argument.withBytes { Self.append($0, to: &bytes) } }
    }

    package init(_ arguments: String...) {
        self.init(arguments.map { Array($0.utf8) })
    }

    /// Begins a command that has `argumentCount` arguments, the first of them its name; they must follow.
    package static func begin(argumentCount: Int, in bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "*"))
        appendLine(argumentCount, to: &bytes)
    }

    /// Adds one argument.
    package static func append(_ argument: ByteView, to bytes: inout [UInt8]) {
        beginArgument(length: argument.count, in: &bytes)
        bytes.append(contentsOf: argument)
        endArgument(in: &bytes)
    }

    /// Begins an argument of `length` bytes, which must follow, and `endArgument` after them.
    package static func beginArgument(length: Int, in bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "$"))
        appendLine(length, to: &bytes)
    }

    package static func endArgument(in bytes: inout [UInt8]) {
        bytes.append(0x0D)
        bytes.append(0x0A)
    }

    private static func appendLine(_ number: Int, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: "\(number)\r\n".utf8)
    }
}
