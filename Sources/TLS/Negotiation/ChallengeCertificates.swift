import COpenSSL
import Memory
import Synchronization

/// The certificates that answer tls-alpn-01 at present, by name (RFC 8737); all workers look here.
///
/// They are shown only in a handshake that offers `acme-tls/1` and nothing else, which no ordinary client does.
package final class ChallengeCertificates: Sendable {
    package static let applicationProtocol = "acme-tls/1"
    private let identities = Mutex<[String: CertificateIdentity]>([:])

    package init() {}

    /// - Parameters:
    ///   - text: certificate and key in PEM.
    ///   - name: in lower case.
    package func set(_ text: [UInt8], for name: String) throws(CertificateProblem) {
        let reader: FileReader = { _ throws(CertificateProblem) in text }
        let identity = try CertificateReader(
            readFile: reader, readKey: reader, chains: ChainReader(), generation: 0, earlier: [:]
        ).read(CertificateFiles(chain: "challenge", key: "challenge")).identity
        identities.withLock { $0[name] = identity }
    }

    package func remove(_ name: String) {
        identities.withLock { _ = $0.removeValue(forKey: name) }
    }

    func identity(for name: String) -> CertificateIdentity? { identities.withLock { $0[name] } }

    /// The extension of a ClientHello that offers this protocol alone (RFC 7301 §3.1).
    private static let offer = [UInt8(0), 11, 10] + Array(applicationProtocol.utf8)

    static func isOffered(by session: SSL) -> Bool {
        session.helloExtension(TLSEXT_TYPE_application_layer_protocol_negotiation)?.elementsEqual(offer) == true
    }
}
