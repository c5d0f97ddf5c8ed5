import FoundationEssentials
import TLS

/// The protocol with one authority for one account (RFC 8555): signed requests, nonces, documents.
package final class AcmeClient {
    /// The URL of the authority's directory.
    package let directoryURL: String
    private let transport: any AcmeTransport
    private let now: () -> Int64
    private var directory: DirectoryDocument?
    private var directoryUntil: Int64 = 0
    private var nonces: [String] = []
    /// How far this machine's clock is ahead of the authority's, in seconds, when it last answered; nil before.
    package private(set) var clockSkew: Int64?

    /// How often a request is signed again with another nonce (RFC 8555 §6.5).
    private static let nonceAttempts = 10
    private static let keptNonces = 8
    private static let urlLimit = 2048
    private static let directoryAge: Int64 = 3600
    private static let longestRetryAfter = RenewalSchedule.longestRequestedPause

    package init(_ directoryURL: String, _ transport: any AcmeTransport, now: @escaping () -> Int64) {
        self.directoryURL = directoryURL
        self.transport = transport
        self.now = now
    }

    // MARK: Resources

    /// Asked for again every hour.
    package func resources() throws(AcmeError) -> DirectoryDocument {
        if let directory, now() < directoryUntil { return directory }
        let response = try ask(AcmeRequest(method: .get, url: directoryURL))
        let document = try JSON.decode(DirectoryDocument.self, from: response.body, "a directory")
        directory = document
        directoryUntil = now() + Self.directoryAge
        return document
    }

    /// The name of the authority in records of domains (RFC 8555 §7.1.1, `caaIdentities`).
    package func identity() throws(AcmeError) -> String {
        guard let identity = try resources().meta?.caaIdentities?.first, identity.utf8.count <= 253,
            !identity.isEmpty,
            identity.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x3B && $0 != 0x5C })
        else { throw .nonsense("a directory without its name in records of domains (caaIdentities)") }
        return identity
    }

    /// Registers a key, or finds its account (RFC 8555 §7.3).
    ///
    /// - Returns: the account's URL.
    package func register(
        _ key: SigningKey, contact: [String], binding: (keyID: String, secret: [UInt8])?, onlyExisting: Bool = false
    ) throws(AcmeError) -> String {
        let resources = try resources()
        let jwk = try JSONWebKey(key)
        if resources.meta?.externalAccountRequired == true, binding == nil, !onlyExisting {
            throw .refused(
                ProblemDocument(type: "urn:ietf:params:acme:error:externalAccountRequired"), retryAfter: nil)
        }
        var members = [onlyExisting ? #""onlyReturnExisting":true"# : #""termsOfServiceAgreed":true"#]
        if !contact.isEmpty { members.append(#""contact":\#(Self.text(contact))"#) }
        if let binding {
            let proof = try JSONWebSignature.externalBinding(
                of: jwk, keyID: binding.keyID, secret: binding.secret, url: resources.newAccount)
            members.append(#""externalAccountBinding":\#(String(decoding: proof, as: UTF8.self))"#)
        }
        let (response, _) = try post(
            Array("{\(members.joined(separator: ","))}".utf8), to: resources.newAccount, .key, key, jwk)
        let account = try JSON.decode(AccountDocument.self, from: response.body, "an account")
        if let status = account.status, status != "valid" {
            throw .refused(ProblemDocument(detail: "the account is \(visibleText(status, limit: 40))"), retryAfter: nil)
        }
        return try location(of: response, "an account")
    }

    /// Orders a certificate (RFC 8555 §7.4).
    ///
    /// - Parameter replaced: the certificate that it renews (RFC 9773 §5).
    package func order(
        _ names: [String], profile: String?, replacing replaced: String?, _ account: SignedAccount
    ) throws(AcmeError) -> (OrderDocument, url: String, retryAfter: Int64?) {
        let resources = try resources()
        let order = NewOrder(
            identifiers: names.map { Identifier($0) }, profile: profile,
            replaces: resources.renewalInfo == nil ? nil : replaced)
        let (response, retryAfter) = try post(JSON.encode(order), to: resources.newOrder, account)
        let document = try JSON.decode(OrderDocument.self, from: response.body, "an order")
        return (document, try location(of: response, "an order"), retryAfter)
    }

    private struct NewOrder: Encodable {
        let identifiers: [Identifier]
        let profile: String?
        let replaces: String?
    }

    package func order(at url: String, _ account: SignedAccount) throws(AcmeError) -> (OrderDocument, Int64?) {
        let (response, retryAfter) = try post(nil, to: url, account)
        return (try JSON.decode(OrderDocument.self, from: response.body, "an order"), retryAfter)
    }

    package func authorization(
        at url: String, _ account: SignedAccount
    ) throws(AcmeError) -> (AuthorizationDocument, Int64?) {
        let (response, retryAfter) = try post(nil, to: url, account)
        return (try JSON.decode(AuthorizationDocument.self, from: response.body, "an authorization"), retryAfter)
    }

    /// Says that a challenge can be validated (RFC 8555 §7.5.1).
    package func accept(_ challenge: String, _ account: SignedAccount) throws(AcmeError) {
        _ = try post(Array("{}".utf8), to: challenge, account)
    }

    /// - Parameter request: DER.
    package func finalize(
        _ url: String, request: [UInt8], _ account: SignedAccount
    ) throws(AcmeError) -> (OrderDocument, Int64?) {
        let payload = Array(#"{"csr":"\#(Base64URL.encode(request))"}"#.utf8)
        let (response, retryAfter) = try post(payload, to: url, account)
        return (try JSON.decode(OrderDocument.self, from: response.body, "an order"), retryAfter)
    }

    /// The chain in PEM, and the URLs of others for the same certificate (RFC 8555 §7.4.2).
    package func certificate(
        at url: String, _ account: SignedAccount
    ) throws(AcmeError) -> (chain: [UInt8], alternates: [String]) {
        let (response, _) = try post(nil, to: url, account)
        let alternates = response.links.filter { $0.contains("rel=\"alternate\"") || $0.contains("rel=alternate") }
            .compactMap { link -> String? in
                guard let start = link.firstIndex(of: "<"), let end = link.firstIndex(of: ">"), start < end else {
                    return nil
                }
                return String(link[link.index(after: start)..<end])
            }
        return (response.body, Array(alternates.prefix(8)))
    }

    /// When the authority wants a certificate to be renewed (RFC 9773 §4); nil if it does not tell.
    package func renewalInfo(
        of identifier: String
    ) throws(AcmeError) -> (RenewalInfoDocument, retryAfter: Int64?)? {
        guard let base = try resources().renewalInfo else { return nil }
        let url = base.hasSuffix("/") ? base + identifier : "\(base)/\(identifier)"
        let response = try ask(AcmeRequest(method: .get, url: url))
        let document = try JSON.decode(RenewalInfoDocument.self, from: response.body, "information on a renewal")
        return (document, retryAfter(of: response))
    }

    /// - Parameters:
    ///   - certificate: DER.
    ///   - reason: of RFC 5280 §5.3.1.
    package func revoke(_ certificate: [UInt8], reason: Int, _ account: SignedAccount) throws(AcmeError) {
        guard let url = try resources().revokeCert else { throw .nonsense("a directory that cannot revoke") }
        let payload = #"{"certificate":"\#(Base64URL.encode(certificate))","reason":\#(reason)}"#
        _ = try post(Array(payload.utf8), to: url, account)
    }

    /// Replaces the account's key (RFC 8555 §7.3.5).
    package func rollOver(to new: SigningKey, _ account: SignedAccount) throws(AcmeError) {
        guard let url = try resources().keyChange else { throw .nonsense("a directory that cannot change keys") }
        let payload = #"{"account":\#(Self.text(account.url)),"oldKey":\#(account.jwk.text)}"#
        let inner = try JSONWebSignature.request(
            Array(payload.utf8), to: url, nonce: nil, .key, new, try JSONWebKey(new))
        _ = try post(inner, to: url, account)
    }

    private static func text(_ value: some Encodable) -> String { String(decoding: JSON.encode(value), as: UTF8.self) }

    // MARK: Requests

    private func post(
        _ payload: [UInt8]?, to url: String, _ account: SignedAccount
    ) throws(AcmeError) -> (AcmeResponse, retryAfter: Int64?) {
        try post(payload, to: url, .account(account.url), account.key, account.jwk)
    }

    private func post(
        _ payload: [UInt8]?, to url: String, _ signer: JSONWebSignature.Signer, _ key: SigningKey, _ jwk: JSONWebKey
    ) throws(AcmeError) -> (AcmeResponse, retryAfter: Int64?) {
        var attempts = 0
        while true {
            attempts += 1
            let nonce = try nonce()
            let body = try JSONWebSignature.request(payload, to: url, nonce: nonce, signer, key, jwk)
            do throws(AcmeError) {
                let response = try ask(AcmeRequest(method: .post, url: url, body: body))
                return (response, retryAfter(of: response))
            } catch {
                guard case .refused(let problem, _) = error, problem.kind == "badNonce",
                    attempts < Self.nonceAttempts
                else { throw error }
            }
        }
    }

    private func nonce() throws(AcmeError) -> String {
        if let nonce = nonces.popLast() { return nonce }
        _ = try ask(AcmeRequest(method: .head, url: try resources().newNonce))
        guard let nonce = nonces.popLast() else { throw .nonsense("no nonce") }
        return nonce
    }

    /// - Throws: for every status but those of success.
    private func ask(_ request: AcmeRequest) throws(AcmeError) -> AcmeResponse {
        guard request.url.utf8.count <= Self.urlLimit, request.url.hasPrefix("https://"),
            request.url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") })
        else { throw .nonsense("a URL that is none of https") }
        let response = try transport.exchange(request, limit: JSON.documentLimit)
        if let nonce = response.fields["replay-nonce"], (1...512).contains(nonce.utf8.count),
            nonce.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        {
            nonces.append(nonce)
            // The oldest are the first to become invalid.
            if nonces.count > Self.keptNonces { nonces.removeFirst() }
        }
        if let date = response.fields["date"].flatMap({ seconds(ofDate: $0) }) { clockSkew = now() - date }
        if (200..<300).contains(response.status) { return response }
        let retryAfter = retryAfter(of: response)
        if response.fields["content-type"]?.lowercased().hasPrefix("application/problem+json") == true,
            let problem = try? JSON.decode(ProblemDocument.self, from: response.body, "a problem")
        {
            throw .refused(problem, retryAfter: retryAfter)
        }
        throw .status(response.status, retryAfter: retryAfter)
    }

    private func location(of response: AcmeResponse, _ what: String) throws(AcmeError) -> String {
        guard let location = response.fields["location"], location.hasPrefix("https://") else {
            throw .nonsense("\(what) without a URL")
        }
        return location
    }

    /// Seconds or a date (RFC 9110 §10.2.3).
    private func retryAfter(of response: AcmeResponse) -> Int64? {
        guard let text = response.fields["retry-after"] else { return nil }
        let wait = Int64(text) ?? seconds(ofDate: text).map { $0 - (now() - (clockSkew ?? 0)) }
        return wait.map { min(max($0, 0), Self.longestRetryAfter) }
    }
}

/// An account that signs its requests.
package struct SignedAccount: Sendable {
    package let url: String
    package let key: SigningKey
    package let jwk: JSONWebKey

    package init(url: String, key: SigningKey) throws(AcmeError) {
        self.url = url
        self.key = key
        jwk = try JSONWebKey(key)
    }
}

/// Seconds since 1970 of a date in the form of HTTP, such as `Mon, 30 Nov 2026 23:00:00 GMT` (RFC 9110 §5.6.7).
private func seconds(ofDate text: String) -> Int64? {
    let words = text.split(separator: " ")
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    guard words.count == 6, words[5] == "GMT", words[1].utf8.count == 2, words[3].utf8.count == 4,
        let month = months.firstIndex(of: String(words[2]))
    else { return nil }
    let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
    return seconds(rfc3339: "\(words[3])-\(number)-\(words[1])T\(words[4])Z")
}
