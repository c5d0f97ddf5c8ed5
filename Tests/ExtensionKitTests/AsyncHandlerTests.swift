import CISAPI
import HTTPTypes
import Synchronization
import Testing

@testable import ExtensionKit

@Suite(.timeLimit(.minutes(1))) struct AsyncHandlerTests {
    private let success = DWORD(HSE_STATUS_SUCCESS_AND_KEEP_CONN)
    private let failure = DWORD(HSE_STATUS_ERROR)
    private struct Broken: Error {}

    @Test func aHandlerThatNeverSuspendsIsDoneBeforeTheCallReturns() async {
        let server = FakeServer()
        server.begin { _, response in try await response.send(HTTPResponse(status: .ok), body: "at once") }
        #expect(server.record.withLock { $0.finished } == [success])
        #expect(server.text == "at once" && server.fields == "Content-Length: 7\r\n\r\n")
    }

    @Test(arguments: [FakeServer.Completion.atOnce, .later])
    func aLongBodyIsSentInPiecesOfABuffer(completion: FakeServer.Completion) async {
        let content = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let server = FakeServer(completion: completion)
        let status = await server.serve { _, response in
            try await response.send(HTTPResponse(status: .ok), body: content)
        }
        #expect(status == success)
        #expect(server.record.withLock { $0.output } == content)
        #expect(server.record.withLock { $0.writes } == [65536, 65536, 65536, 200_000 - 3 * 65536])
    }

    @Test func aRequestIsFinishedOnce() async {
        let server = FakeServer(completion: .later)
        _ = await server.serve { _, response in
            let body = try response.begin(HTTPResponse(status: .ok))
            for number in 0..<100 { try await body.write("\(number) ") }
        }
        #expect(server.record.withLock { $0.finished } == [success])
        #expect(server.text == (0..<100).map { "\($0) " }.joined())
    }

    @Test func anOperationThatDoesNotBeginThrows() async {
        let server = FakeServer()
        let status = await server.serve { _, response in
            let body = try response.begin(HTTPResponse(status: .ok))
            server.record.withLock { $0.failure = DWORD(ERROR_INVALID_PARAMETER) }
            await #expect(throws: ExtensionError.refused(DWORD(ERROR_INVALID_PARAMETER))) { try await body.write("x") }
            #expect(!Task.isCancelled)
        }
        #expect(status == success)
    }

    @Test(arguments: [false, true])
    func aClientThatGoesCancelsTheTask(failsLate: Bool) async {
        let server = FakeServer(completion: .later)
        let status = await server.serve { _, response in
            let body = try response.begin(HTTPResponse(status: .ok))
            server.record.withLock {
                $0.failure = DWORD(ERROR_OPERATION_ABORTED)
                $0.failsLate = failsLate
            }
            await #expect(throws: ExtensionError.clientGone) { try await body.write("x") }
            #expect(Task.isCancelled)
            throw ExtensionError.clientGone
        }
        #expect(status == failure)
    }

    @Test func aHandlerThatWaitsForSomethingElseIsCancelledWhenTheClientGoes() async {
        let server = FakeServer()
        server.begin { _, _ in try await Task.sleep(for: .seconds(3600)) }
        server.record.withLock { $0.isConnected = false }
        #expect(await server.end() == failure)
        #expect(server.status == nil)
    }

    @Test func whatACancelledHandlerThrowsIsNoErrorOfTheExtension() async {
        let server = FakeServer()
        server.begin { _, _ in
            do { try await Task.sleep(for: .seconds(3600)) } catch { throw Broken() }
        }
        server.record.withLock { $0.isConnected = false }
        #expect(await server.end() == failure)
        #expect(server.status == nil)
    }

    @Test func anErrorIsAnsweredWith500() async {
        let server = FakeServer()
        let status = await server.serve { _, _ in
            await Task.yield()
            throw Broken()
        }
        #expect(status == success)
        #expect(server.status == "500 Internal Server Error")
    }

    @Test func anErrorWithinTheResponseEndsTheConnection() async {
        let server = FakeServer(completion: .later)
        let status = await server.serve { _, response in
            let body = try response.begin(HTTPResponse(status: .ok))
            try await body.write("half")
            throw Broken()
        }
        #expect(status == failure && server.record.withLock { $0.isClosed })
    }

    @Test func nothingIsKeptOfARequest() async {
        let server = FakeServer()
        var session: Session? = Session(server.controlBlock)
        weak let operation = session?.operation
        try? await session?.operation.write([1, 2, 3])
        server.record.withLock { $0.failure = DWORD(ERROR_INVALID_PARAMETER) }
        try? await session?.operation.write([4])
        server.record.withLock { $0.failsLate = true }
        try? await session?.operation.write([5])
        #expect(operation != nil)
        session = nil
        #expect(operation == nil)
        withExtendedLifetime(server) {}
    }
}
