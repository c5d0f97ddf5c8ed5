import Glibc
import Testing
import Transport

@testable import Gateway

@Suite("A client of the control socket")
struct AdminSessionTests {
    private let now = Deadline(milliseconds: 1000)
    private let line = Array("{\"command\":\"status\"}\n".utf8)

    @Test("A request is understood at every split point")
    func everySplit() {
        for split in line.indices {
            var session = AdminSession(now: now)
            let outcomes = [session.received(line[..<split]), session.received(line[split...])]
            #expect(outcomes == [.incomplete, .request(AdminRequest(.status))])
            #expect(!session.isReading)
        }
    }

    @Test("It has five seconds to ask, no limit while it waits, and five seconds to take the answer")
    func deadlines() {
        var session = AdminSession(now: now)
        #expect(session.deadline == Deadline(milliseconds: 6000))
        _ = session.received(line)
        #expect(session.deadline == .never)
        session.respond(AdminResponse(.done, "stopped"), now: Deadline(milliseconds: 9000))
        #expect(session.deadline == Deadline(milliseconds: 14000))
    }

    @Test("A request longer than 64 KiB is refused")
    func tooLong() {
        var session = AdminSession(now: now)
        let outcomes = [session.received([UInt8](repeating: 32, count: 65535)), session.received([32])]
        #expect(outcomes == [.incomplete, .refused("the request is too long")])
    }

    @Test(
        "What is no request is refused with the commands there are",
        arguments: ["", "{}", "{\"command\":\"format\"}", "reload"])
    func notARequest(text: String) {
        var session = AdminSession(now: now)
        guard case .refused(let reason) = session.received(Array((text + "\n").utf8)) else {
            Issue.record("\(text) was accepted")
            return
        }
        #expect(reason.contains("reload, status, certs, stop, drain, reopen"))
    }

    @Test("It ends when the whole answer is written")
    func partialWrites() {
        var session = AdminSession(now: now)
        _ = session.received(line)
        session.respond(AdminResponse(.done, "stopped"), now: now)
        var written: [UInt8] = []
        while let output = session.output {
            written += output.prefix(7)
            session.wrote(min(7, output.count))
        }
        #expect(session.hasEnded)
        #expect(String(decoding: written, as: UTF8.self) == "{\"message\":\"stopped\",\"outcome\":\"done\"}\n")
    }
}

@Suite("The outcome of a command")
struct AdminResponseTests {
    @Test("Each has its exit code")
    func exitCodes() {
        #expect(AdminResponse(.done, "").exitCode == 0)
        #expect(AdminResponse(.failed, "").exitCode == 1)
        #expect(AdminResponse(.refused, "").exitCode == 1)
        #expect(AdminResponse(.busy, "").exitCode == 75)
        #expect(AdminResponse(.configuration("bad key")).exitCode == 78)
        #expect(AdminResponse(.runtime("no memory")).exitCode == 1)
    }
}

@Suite("The channel between supervisor and gateway process")
struct ControlChannelTests {
    @Test("A message arrives with its descriptors")
    func descriptors() throws {
        let (supervisor, gateway) = try ControlChannel.pair()
        let memory = try SealedMemory.make([1, 2, 3])
        try supervisor.send(ControlRequest.reload(id: 7), descriptors: [memory.number])
        guard case .message(let request, let descriptors) = gateway.receive(ControlRequest.self) else {
            Issue.record("no message arrived")
            return
        }
        #expect(request == .reload(id: 7))
        #expect(try descriptors.map { try SealedMemory.read($0, atMost: 3) } == [[1, 2, 3]])
    }

    @Test("A message larger than a packet arrives whole")
    func largeMessage() throws {
        let (supervisor, gateway) = try ControlChannel.pair()
        let certificates = (0..<5000).map { number in
            CertificateSummary(
                hosts: ["host-\(number)"], names: ["host-\(number).example.test"], subject: "CN=host-\(number)",
                issuer: "CN=Test", keyType: "ECDSA P-256", serial: "\(number)", notBefore: "2029-01-01T00:00:00Z",
                notAfter: "2030-01-01T00:00:00Z", secondsLeft: 1, file: "/etc/isagate/\(number).pem", generation: 1)
        }
        try gateway.send(ControlReply.certificates(id: 1, certificates))
        guard case .message(let reply, let descriptors) = supervisor.receive(ControlReply.self) else {
            Issue.record("no message arrived")
            return
        }
        #expect(reply == .certificates(id: 1, certificates))
        #expect(descriptors.isEmpty)
    }

    @Test("Nothing waits on a fresh channel, and the end of the other process is seen")
    func closing() throws {
        let supervisor = try channelWhoseOtherEnd(isOpenDuring: { supervisor in
            guard case .nothing = supervisor.receive(ControlReply.self) else {
                Issue.record("something arrived")
                return
            }
        })
        guard case .closed = supervisor.receive(ControlReply.self) else {
            Issue.record("the channel is still open")
            return
        }
    }

    /// A channel whose other end is open for `body`, and closed for the caller.
    private func channelWhoseOtherEnd(isOpenDuring body: (ControlChannel) -> Void) throws -> ControlChannel {
        let (supervisor, gateway) = try ControlChannel.pair()
        withExtendedLifetime(gateway) { body(supervisor) }
        return supervisor
    }

    @Test("Memory that can still change is not read")
    func unsealed() throws {
        let sealed = try SealedMemory.make([1])
        #expect(throws: SystemError.self) { try SealedMemory.read(sealed, atMost: 0) }
        let (channel, _) = try ControlChannel.pair()
        #expect(throws: SystemError.self) {
            try SealedMemory.read(OpenFile(adopting: dup(channel.descriptor)), atMost: 9)
        }
    }
}
