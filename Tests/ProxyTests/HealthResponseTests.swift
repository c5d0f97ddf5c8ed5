import Testing

@testable import Proxy

@Suite("Answers to health checks") struct HealthResponseTests {
    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\n", CheckOutcome.passed), ("HTTP/1.0 399", .passed), ("HTTP/1.1 500", .wrongStatus(500)),
        ("SSH-2.0-OpenSSH", .noResponse), ("HTTP/1.1 2x0 OK", .noResponse),
    ]) func `The status decides`(_ response: String, _ outcome: CheckOutcome) {
        #expect(HealthResponse(Array(response.utf8)).outcome(HealthCheck(), isComplete: false) == outcome)
    }

    @Test func `Too little to tell waits for more and fails at the end`() {
        #expect(HealthResponse(Array("HTTP/1.1 20".utf8)).outcome(HealthCheck(), isComplete: false) == nil)
        #expect(HealthResponse(Array("HTTP/1.1 20".utf8)).outcome(HealthCheck(), isComplete: true) == .noResponse)
    }

    @Test(arguments: [
        ("well", CheckOutcome.passed), ("all is well.", .passed), ("ill", .wrongBody), ("wel", .wrongBody),
    ])
    func `The body must contain the text`(_ body: String, _ outcome: CheckOutcome) {
        var check = HealthCheck()
        check.body = Array("well".utf8)
        let response = Array("HTTP/1.1 200 OK\r\nX-Header: well\r\n\r\n\(body)".utf8)
        #expect(HealthResponse(response).outcome(check, isComplete: true) == outcome)
    }
}
