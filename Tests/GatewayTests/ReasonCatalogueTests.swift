import HTTP
import ISAPI
import Proxy
import TLS
import Testing

@testable import Gateway

@Suite("The catalogue of reasons")
struct ReasonCatalogueTests {
    @Test("gives every reason a code of its own, in lower case with underscores")
    func codesAreUnique() {
        let codes = ReasonCatalogue.reasons.map(\.code)
        #expect(Set(codes).count == codes.count)
        for code in codes {
            #expect(
                code.utf8.allSatisfy { ($0 | 0x20) &- 0x61 < 26 && $0 > 0x60 || $0 == 0x5F || isDigit($0) }, "\(code)")
        }
    }

    @Test("explains each reason in whole sentences")
    func sentences() {
        for reason in ReasonCatalogue.reasons {
            #expect(reason.meaning.hasSuffix(".") && reason.action.hasSuffix("."), "\(reason.code)")
        }
    }

    @Test("has every rejection of a request and every fault of HTTP/2", arguments: RequestRejection.allCases)
    func rejections(_ rejection: RequestRejection) {
        #expect(ReasonCatalogue.reason(for: "\(rejection.reason)", event: .requestRefused)?.status == rejection.status)
    }

    @Test("has every fault of HTTP/2", arguments: HTTP2Fault.allCases)
    func faults(_ fault: HTTP2Fault) {
        #expect(ReasonCatalogue.reason(for: "\(fault.reason)", event: .http2Ended)?.code.hasPrefix("http2_") == true)
    }

    @Test("has every failure of upstream servers")
    func upstreams() {
        for one in UpstreamReason.allCases {
            #expect(UpstreamReason(one.example) == one)
            #expect(ReasonCatalogue.reason(for: "\(one.example.reason)", event: .upstreamFailed) != nil)
        }
        for one in ResponseReason.allCases {
            #expect(ResponseReason(one.rejection) == one)
            #expect(ReasonCatalogue.reason(for: "\(one.rejection.reason)", event: .upstreamFailed)?.status == 502)
        }
        for outcome: CheckOutcome in [.noAddress, .noConnection, .timeout, .noResponse, .wrongStatus(500), .wrongBody] {
            #expect(ReasonCatalogue.reason(for: outcome.reason, event: .upstreamChecked) != nil)
        }
    }

    @Test("has every condition", arguments: Condition.Word.allCases)
    func conditions(_ word: Condition.Word) {
        let found = ReasonCatalogue.find(word.rawValue)
        #expect(found.count == 1 && [.condition, .notReady].contains(found.first?.event))
    }

    @Test("has every reason for which a process of a pool ends", arguments: EndReason.allCases)
    func ends(_ end: EndReason) {
        #expect(ReasonCatalogue.find(end.rawValue).map(\.event) == [.processEnded])
        let line = "pool shop: process 7 gets no more requests: it \(end.text) (\(end.rawValue))"
        #expect(ReasonCatalogue.find(line).first?.text == end.rawValue)
    }

    @Test(
        "has every problem with certificates, by the text of the problem",
        arguments: [
            (.unreadable("permission denied"), .unreadable), (.noCertificate, .noCertificate), (.noKey, .noKey),
            (.severalKeys, .severalKeys), (.passphraseMissing, .passphraseMissing),
            (.wrongPassphrase(passphraseFile: "/x"), .wrongPassphrase), (.invalidKey("x"), .invalidKey),
            (.keyMismatch(chain: "/x"), .keyMismatch), (.chainOrder(position: 2, issuer: "A", found: "B"), .chainOrder),
            (.notAuthority(position: 2, subject: "A"), .notAuthority), (.expired(position: 1, .now), .expired),
            (.notYetValid(position: 1, .now), .notYetValid), (.missingHosts(["a"], names: ["b"]), .missingHosts),
            (.noHost(["a"], names: ["b"]), .noHost), (.neverServed(other: "/x"), .neverServed),
            (.weakKey(bits: 1024), .weakKey), (.unsupportedKey("DSA"), .unsupportedKey),
            (.refusedByPolicy("x"), .refusedByPolicy), (.handshake(name: "a", reason: "x"), .handshake),
            (.invalidAuthorities(.clients, "x"), .invalidAuthorities),
            (.invalidRevocationList("x"), .invalidRevocationList), (.ticketKeySize(3), .ticketKeySize),
            (.policy("x"), .policy), (.missingIntermediate(issuer: "A"), .missingIntermediate),
            (.missingIssuer(position: 1, issuer: "A", .system), .missingIssuer),
            (.distrusted(position: 1, reason: "x", .system), .distrusted),
            (.unknownIssuer("A", others: 0), .unknownIssuer),
            (.invalidOCSPResponse(.unknownCertificate), .invalidOCSPResponse),
            (.unverifiedOCSPResponse(issuer: "A"), .unverifiedOCSPResponse),
        ] as [(CertificateProblem.Kind, CertificateReason)])
    func certificates(_ kind: CertificateProblem.Kind, _ reason: CertificateReason) {
        #expect(CertificateReason(kind) == reason)
        let found = ReasonCatalogue.find("isagate.yaml: error: \(CertificateProblem("/etc/site.pem", kind))")
        #expect(found.count == 1 && found.first?.event == .certificate)
    }

    @Test("finds a reason by its code, however it is separated")
    func codes() {
        for words in ["no_route", "no-route", "no route", " No Route "] {
            #expect(ReasonCatalogue.find(words).map(\.code) == ["no_route"])
        }
    }

    @Test("finds a reason in a line of the log, by what the line is about")
    func lines() {
        func codes(_ line: String) -> [String] { ReasonCatalogue.find(line).map(\.code) }
        #expect(
            codes("request refused: bare LF, client 192.0.2.1, 3 more like it since the last line") == [
                "bare_line_feed"
            ])
        #expect(codes("upstream failed: api http://a:80: bare LF, request 3f") == ["upstream_bare_line_feed"])
        #expect(codes("connection refused: max_connections (10) reached, client ::1") == ["max_connections"])
        #expect(codes("TLS handshake failed: dh key too small, client ::1") == ["tls_failed"])
        #expect(codes("404 Not Found: no route answers for the requested path") == ["no_route"])
    }

    @Test("finds what several events have in common, and all reasons of a status")
    func several() {
        #expect(ReasonCatalogue.find("bare LF").map(\.code) == ["bare_line_feed", "upstream_bare_line_feed"])
        #expect(ReasonCatalogue.find("414").map(\.code) == ["request_line_too_long"])
    }

    @Test("suggests similar codes for an unknown reason")
    func suggestions() {
        #expect(ReasonCatalogue.find("no_routte").isEmpty)
        #expect(ReasonCatalogue.nearest("no_routte").first == "no_route")
        #expect(ReasonCatalogue.nearest("zzzz").isEmpty)
    }
}
