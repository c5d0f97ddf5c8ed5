/// Why servers cannot be learned at present.
enum EtcdFailure: Error, Equatable {
    /// A member cannot be reached, or does not answer.
    case unreachable(String)
    /// What it has sent is not what the protocol has.
    case nonsense(String)
    /// It has refused a request, with a status of HTTP, or ended a watch.
    case refused(status: Int?, String)
    /// The watch has ended, and everything has to be read again.
    case ended(String)
    /// Something on this machine.
    case local(String)

    var message: String {
        switch self {
        case .unreachable(let text), .ended(let text), .local(let text): text
        case .nonsense(let text): "it has sent nonsense: \(text)"
        case .refused(let status?, let text): "it refuses with status \(status): \(text)"
        case .refused(nil, let text): "it has ended the watch: \(text)"
        }
    }
}
