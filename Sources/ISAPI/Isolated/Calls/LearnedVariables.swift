import Synchronization

/// The server variables that an extension has asked for: a request brings their values to its process, so that asking
/// for them again needs no message.
final class LearnedVariables: Sendable {
    private let state = Guarded([[UInt8]]())

    private static let limit = 24

    var names: [[UInt8]] { state.withLock { $0 } }

    /// Variables that are long, or that few requests use, are not worth their bytes.
    private static let unlearnable = ["ALL_HTTP", "ALL_RAW", "CERT_SUBJECT", "CERT_ISSUER"].map { Array($0.utf8) }

    func add(_ name: [UInt8]) {
        guard !Self.unlearnable.contains(name) else { return }
        state.withLock { names in
            guard names.count < Self.limit, !names.contains(name) else { return }
            names.append(name)
        }
    }
}
