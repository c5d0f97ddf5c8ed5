import TLS

/// The parts of certificates and of requests for them, DER encoded (RFC 5280, RFC 2986).
enum CertificateParts {
    static let extensionRequest: [UInt] = [1, 2, 840, 113549, 1, 9, 14]
    static let subjectAltName: [UInt] = [2, 5, 29, 17]
    static let authorityKeyIdentifier: [UInt] = [2, 5, 29, 35]
    /// id-pe-acmeIdentifier (RFC 8737 §6.1).
    static let acmeIdentifier: [UInt] = [1, 3, 6, 1, 5, 5, 7, 1, 31]
    private static let organizationName: [UInt] = [2, 5, 4, 10]
    private static let commonName: [UInt] = [2, 5, 4, 3]

    static func algorithm(of key: SigningKey) -> [UInt8] {
        switch key.kind {
        case .ecdsaP256: DER.sequence(DER.identifier([1, 2, 840, 10045, 4, 3, 2]))
        case .ecdsaP384: DER.sequence(DER.identifier([1, 2, 840, 10045, 4, 3, 3]))
        case .rsa: DER.sequence(DER.identifier([1, 2, 840, 113549, 1, 1, 11]), DER.null)
        }
    }

    static func extensionField(_ identifier: [UInt], isCritical: Bool = false, _ value: [UInt8]) -> [UInt8] {
        DER.sequence(
            of: [DER.identifier(identifier)] + (isCritical ? [DER.yes] : []) + [DER.octets(value)])
    }

    /// The names as DNS names and addresses; nil for a text that is neither.
    static func alternativeNames(_ names: [String]) -> [UInt8]? {
        var elements: [[UInt8]] = []
        for name in names {
            if Identifier(name).type == "ip" {
                guard let address = addressBytes(name) else { return nil }
                elements.append(DER.element(DER.Tag.primitive(7), address))
            } else {
                guard name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
                elements.append(DER.element(DER.Tag.primitive(2), Array(name.utf8)))
            }
        }
        return extensionField(subjectAltName, DER.sequence(of: elements))
    }

    static func name(organization: String, commonName name: String) -> [UInt8] {
        DER.sequence(
            DER.set(DER.sequence(DER.identifier(organizationName), DER.text(organization))),
            DER.set(DER.sequence(DER.identifier(commonName), DER.text(name))))
    }

    /// What is to be signed, its algorithm and the signature.
    static func signed(_ content: [UInt8], by key: SigningKey) throws(AcmeError) -> [UInt8] {
        guard let signature = key.signature(of: content) else { throw .local("the key cannot sign") }
        return DER.sequence(content, algorithm(of: key), DER.bits(signature))
    }
}

/// A request for a certificate for some names (RFC 2986, RFC 8555 §7.4).
package enum CertificateRequest {
    /// - Returns: DER.
    package static func make(for names: [String], _ key: SigningKey) throws(AcmeError) -> [UInt8] {
        guard let alternatives = CertificateParts.alternativeNames(names) else {
            throw .local("\(names.joined(separator: ", ")): not names of hosts")
        }
        let request = DER.sequence(
            DER.identifier(CertificateParts.extensionRequest), DER.set(DER.sequence(alternatives)))
        let info = DER.sequence(
            DER.integer([0]), DER.sequence(of: []), key.publicKeyInfo, DER.element(DER.Tag.context(0), request))
        return try CertificateParts.signed(info, by: key)
    }
}

/// Certificates that the gateway signs itself, each with a key of its own.
package enum OwnCertificate {
    private static let day: Int64 = 86_400
    /// A placeholder is made anew at every start; a challenge is over within minutes.
    private static let placeholderDays: Int64 = 90
    private static let challengeDays: Int64 = 1

    /// What stands in for a certificate until the authority has issued one: its names say what it is.
    ///
    /// - Returns: certificate and key in PEM.
    package static func placeholder(for names: [String], at now: Int64) throws(AcmeError) -> [UInt8] {
        let subject = CertificateParts.name(
            organization: "Isagate placeholder, no certificate was issued yet", commonName: "self-signed placeholder")
        return try make(names, subject, days: placeholderDays, [], at: now)
    }

    /// The answer to tls-alpn-01 for a name (RFC 8737 §3).
    package static func challenge(
        for name: String, keyAuthorization: String, at now: Int64
    ) throws(AcmeError) -> [UInt8] {
        let digest = digest(of: Array(keyAuthorization.utf8))
        let field = CertificateParts.extensionField(
            CertificateParts.acmeIdentifier, isCritical: true, DER.octets(digest))
        let subject = CertificateParts.name(organization: "Isagate", commonName: "ACME challenge")
        return try make([name], subject, days: challengeDays, [field], at: now)
    }

    private static func make(
        _ names: [String], _ subject: [UInt8], days: Int64, _ fields: [[UInt8]], at now: Int64
    ) throws(AcmeError) -> [UInt8] {
        guard let alternatives = CertificateParts.alternativeNames(names) else {
            throw .local("\(names.joined(separator: ", ")): not names of hosts")
        }
        guard var serial = randomBytes(16) else { throw .local("the system gives no random bytes") }
        serial[0] = serial[0] & 0x7F | 0x40
        let key: SigningKey
        do throws(TLSError) {
            key = try SigningKey(.ecdsaP256)
        } catch {
            throw .local(error.description)
        }
        let validity = DER.sequence(time(now - day), time(now + days * day))
        let extensions = DER.element(DER.Tag.context(3), DER.sequence(of: [alternatives] + fields))
        let content = DER.sequence(
            DER.element(DER.Tag.context(0), DER.integer([2])), DER.integer(serial), CertificateParts.algorithm(of: key),
            subject, validity, subject, key.publicKeyInfo, extensions)
        let certificate = PEMText.block("CERTIFICATE", try CertificateParts.signed(content, by: key))
        return certificate + key.pem(passphrase: nil)
    }

    /// GeneralizedTime, which RFC 5280 §4.1.2.5 wants from 2050 on and clients accept before.
    private static func time(_ seconds: Int64) -> [UInt8] {
        let digits = Timestamp(seconds: seconds).description.utf8.filter { (0x30...0x39).contains($0) }
        return DER.element(DER.Tag.generalizedTime, Array(digits) + [UInt8(ascii: "Z")])
    }
}
