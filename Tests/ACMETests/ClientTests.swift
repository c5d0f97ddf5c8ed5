import TLS
import Testing

@testable import ACME

/// Answers in order, and keeps what it was asked.
private final class ScriptedTransport: AcmeTransport {
    var answers: [AcmeResponse]
    var requests: [AcmeRequest] = []

    init(_ answers: [AcmeResponse]) { self.answers = answers }

    func exchange(_ request: AcmeRequest, limit: Int) throws(AcmeError) -> AcmeResponse {
        requests.append(request)
        if answers.isEmpty { throw .late }
        return answers.removeFirst()
    }
}

@Suite struct ClientTests {
    private let directory = AcmeResponse(
        status: 200,
        body: Array(
            #"{"newNonce":"https://ca/nonce","newAccount":"https://ca/account","newOrder":"https://ca/order"}"#.utf8))

    private func nonce(_ text: String) -> AcmeResponse { AcmeResponse(status: 204, fields: ["replay-nonce": text]) }

    private func problem(_ kind: String, nonce: String, retryAfter: String? = nil) -> AcmeResponse {
        var fields = ["replay-nonce": nonce, "content-type": "application/problem+json"]
        fields["retry-after"] = retryAfter
        return AcmeResponse(
            status: 400, fields: fields, body: Array(#"{"type":"urn:ietf:params:acme:error:\#(kind)"}"#.utf8))
    }

    private func client(_ transport: ScriptedTransport) -> AcmeClient {
        AcmeClient("https://ca/dir", transport, now: { 1000 })
    }

    @Test func aRefusedNonceIsReplacedAndTheRequestSignedAgain() throws {
        let account = AcmeResponse(
            status: 201, fields: ["location": "https://ca/account/1"], body: Array(#"{"status":"valid"}"#.utf8))
        let transport = ScriptedTransport(
            [directory, nonce("one"), problem("badNonce", nonce: "two"), problem("badNonce", nonce: "three"), account])
        let url = try client(transport).register(try SigningKey(.ecdsaP256), contact: [], binding: nil)
        #expect(url == "https://ca/account/1")
        #expect(transport.requests.map(\.method) == [.get, .head, .post, .post, .post])
        #expect(Set(transport.requests.map(\.body)).count == 4)
    }

    @Test func noncesThatAreNeverAcceptedEndTheRequest() throws {
        let refusals = (0..<20).map { problem("badNonce", nonce: "n\($0)") }
        let transport = ScriptedTransport([directory, nonce("one")] + refusals)
        let key = try SigningKey(.ecdsaP256)
        #expect(throws: AcmeError.self) { try client(transport).register(key, contact: [], binding: nil) }
        #expect(transport.requests.count == 12)
    }

    @Test func aRateLimitSaysWhenToAskAgain() throws {
        let transport = ScriptedTransport([
            directory, nonce("one"), problem("rateLimited", nonce: "two", retryAfter: "7200"),
        ])
        let key = try SigningKey(.ecdsaP256)
        do {
            _ = try client(transport).register(key, contact: [], binding: nil)
            Issue.record("not refused")
        } catch {
            #expect(error.retryAfter == 7200)
            #expect(error.isTemporary)
        }
    }

    @Test(arguments: ["", "[]", "{", #"{"newNonce":1}"#, #"{"newNonce":"x","newAccount":"y"}"#, "<html>"])
    func aDirectoryThatIsNoneIsNamed(_ text: String) throws {
        let transport = ScriptedTransport([AcmeResponse(status: 200, body: Array(text.utf8))])
        #expect(throws: AcmeError.self) { try client(transport).resources() }
    }

    @Test(arguments: ["http://ca/nonce", "https://ca/a b", "https://ca/\r\nX: y", "file:///etc/passwd"])
    func aURLThatIsNoneIsNotAsked(_ url: String) throws {
        let body =
            #"{"newNonce":\#(String(decoding: JSON.encode(url), as: UTF8.self)),"newAccount":"https://ca/a","newOrder":"https://ca/o"}"#
        let transport = ScriptedTransport([AcmeResponse(status: 200, body: Array(body.utf8))])
        let key = try SigningKey(.ecdsaP256)
        #expect(throws: AcmeError.self) { try client(transport).register(key, contact: [], binding: nil) }
        #expect(transport.requests.count == 1)
    }

    @Test func aClockThatIsADayAheadIsNoticed() throws {
        var answer = directory
        answer.fields["date"] = "Wed, 31 Dec 1969 00:16:40 GMT"
        let client = client(ScriptedTransport([answer]))
        _ = try client.resources()
        #expect(client.clockSkew == 86_400)
    }
}
