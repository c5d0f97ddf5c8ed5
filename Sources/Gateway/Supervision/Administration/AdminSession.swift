import Transport

/// One client of the control socket, from its request to the end of its answer, without any socket.
struct AdminSession: Equatable, Sendable {
    private enum State: Equatable {
        case reading([UInt8])
        /// The request is being executed, however long that takes.
        case waiting
        case writing(ArraySlice<UInt8>)
        case ended
    }

    /// Longer than any request.
    static let requestLimit = 64 << 10
    /// For a client to send its request, and again to read the answer.
    static let patience = Delay.seconds(5)

    private var state = State.reading([])
    private(set) var deadline: Deadline

    init(now: Deadline) {
        deadline = now.advanced(by: Self.patience)
    }

    var isReading: Bool {
        if case .reading = state { true } else { false }
    }

    /// The bytes to be written next; nil for none.
    var output: ArraySlice<UInt8>? {
        if case .writing(let rest) = state { rest } else { nil }
    }

    var hasEnded: Bool { state == .ended }

    enum Outcome: Equatable {
        /// More bytes are needed.
        case incomplete
        case request(AdminRequest)
        /// The bytes are not a request.
        case refused(String)
    }

    mutating func received(_ bytes: some Collection<UInt8>) -> Outcome {
        guard case .reading(var line) = state else { return .incomplete }
        line.append(contentsOf: bytes)
        guard let end = line.firstIndex(of: UInt8(ascii: "\n")) else {
            state = .reading(line)
            guard line.count < Self.requestLimit else { return .refused("the request is too long") }
            return .incomplete
        }
        guard end < Self.requestLimit else { return .refused("the request is too long") }
        state = .waiting
        deadline = .never
        guard let request = decodeLine(line[..<end], as: AdminRequest.self) else {
            let commands = AdminRequest.Command.allCases.map(\.rawValue).joined(separator: ", ")
            return .refused("expected one line {\"command\": …} with one of \(commands)")
        }
        return .request(request)
    }

    mutating func respond(_ response: AdminResponse, now: Deadline) {
        guard state != .ended, output == nil else { return }
        state = .writing(encodeLine(response)[...])
        deadline = now.advanced(by: Self.patience)
    }

    mutating func wrote(_ count: Int) {
        guard case .writing(let rest) = state else { return }
        let left = rest.dropFirst(count)
        state = left.isEmpty ? .ended : .writing(left)
    }

    /// The client has disconnected, or its time has expired.
    mutating func end() {
        state = .ended
    }
}
