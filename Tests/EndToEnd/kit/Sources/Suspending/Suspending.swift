// Responses of handlers that suspend; the path after the extension's own selects one.
import ExtensionKit
import HTTPTypes

@c(isagate_extension) public func entry() -> ExtensionEntry { Extension("Suspending", handler: answer).entry }

struct Broken: Error {}

private let ok = HTTPResponse(status: .ok, headerFields: [.contentType: "application/octet-stream"])
private let census = Census()
private let gate = Gate()

private func answer(_ request: borrowing Request, _ response: consuming ResponseSender) async throws {
    switch request.pathInfo {
    case "/echo":
        try await response.send(ok, body: try await request.body(atMost: 1 << 20))
    case "/count":
        let (total, sum) = try await count(request)
        try await response.send(ok, body: "\(total) \(sum)")
    case "/later":
        // Nothing is read before the gate has opened.
        await gate.pass()
        let (total, sum) = try await count(request)
        try await response.send(ok, body: "\(total) \(sum)")
    case "/open":
        await gate.open()
        try await response.send(ok, body: "opened")
    case "/stream":
        let visit = await census.enter()
        let body = try response.begin(ok)
        for number in 0..<Int(request.query)! / 65536 {
            try await body.write([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 65536))
            await census.wrote(65536)
        }
        withExtendedLifetime(visit) {}
    case "/relay":
        let body = try response.begin(ok)
        while let bytes = try await request.read() { try await body.write(bytes) }
    case "/together":
        // Answers when as many requests have arrived as the query requires.
        await gate.pass(asOneOf: Int(request.query)!)
        try await response.send(ok, body: "together")
    case "/wait":
        let visit = await census.enter()
        do {
            try await Task.sleep(for: .seconds(3600))
        } catch {
            await census.cancelled()
            throw error
        }
        withExtendedLifetime(visit) {}
    case "/begin":
        let visit = await census.enter()
        let body = try response.begin(ok)
        try await body.write("begun")
        try await Task.sleep(for: .seconds(3600))
        withExtendedLifetime(visit) {}
    case "/census":
        try await response.send(ok, body: await census.text)
    case "/throw":
        await Task.yield()
        throw Broken()
    case "/late":
        let body = try response.begin(ok)
        try await body.write("half")
        throw Broken()
    case "/silent":
        await Task.yield()
    default:
        try await response.send(ok, body: "Hello\(request.pathInfo)?\(request.query)")
    }
}

private func count(_ request: borrowing Request) async throws -> (Int, Int) {
    var (total, sum) = (0, 0)
    while let bytes = try await request.read() {
        total += bytes.count
        for byte in bytes { sum += Int(byte) }
    }
    return (total, sum)
}

/// The handlers in progress, and their results.
actor Census {
    private var present = 0
    private var cancellations = 0
    private var written = 0

    /// Counts down when its last reference is released.
    final class Visit: Sendable {
        private let census: Census
        init(_ census: Census) { self.census = census }
        deinit { Task { [census] in await census.leave() } }
    }

    func enter() -> Visit {
        present += 1
        return Visit(self)
    }

    private func leave() { present -= 1 }
    func cancelled() { cancellations += 1 }
    func wrote(_ count: Int) { written += count }

    var text: String { "\(present) \(cancellations) \(written)" }
}

/// Holds requests until it is opened or enough of them have come.
actor Gate {
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func pass() async { await withCheckedContinuation { waiting.append($0) } }

    func pass(asOneOf count: Int) async {
        guard waiting.count < count - 1 else { return open() }
        await pass()
    }

    func open() {
        for continuation in waiting { continuation.resume() }
        waiting = []
    }
}
