import Testing
import Transport

@testable import Gateway

@Suite("Names of requests in the configuration")
struct ConfigurationRequestIDTests {
    @Test func `Nobody's names are taken over by default`() throws {
        let configuration = try decode(ConfigurationText().text).requestID
        #expect(configuration == RequestIDConfiguration(header: "X-Request-ID", accepted: .nobody))
    }

    @Test func `Names are taken over from everybody or from networks`() throws {
        #expect(try configuration("accept: true").accepted == .everybody)
        #expect(try configuration("accept: false").accepted == .nobody)
        let network = try #require(IPNetwork("10.0.0.0/8"))
        #expect(try configuration("accept: [10.0.0.0/8]").accepted == .networks([network]))
        #expect(try configuration("header: X-Correlation-ID").header == "X-Correlation-ID")
    }

    @Test(arguments: [
        ("accept: yes", "2:23 expected true, false or a list of networks, found 'yes'"),
        (
            "accept: [10.0.0.1/8]",
            "2:24 expected an address or a network such as 10.0.0.0/8, without bits set behind its length, "
                + "found '10.0.0.1/8'"
        ),
        ("header: Content-Length", "2:23 the gateway itself sets Content-Length"),
        ("header: a b", "2:23 'a b' is not a header name"),
    ])
    func `A mistake is told with its place`(_ text: String, _ mistake: String) {
        var file = ConfigurationText()
        file.head += "\nrequest_id: { \(text) }"
        #expect(mistakes(file.text) == [mistake])
    }

    private func configuration(_ text: String) throws -> RequestIDConfiguration {
        try decode(ConfigurationText(more: "request_id: { \(text) }").text).requestID
    }
}
