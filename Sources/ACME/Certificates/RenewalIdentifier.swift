import TLS

/// How a certificate is named where its renewal is asked for (RFC 9773 §4.1): the identifier of its issuer's key and its
/// serial number.
package enum RenewalIdentifier {
    /// - Parameter certificate: DER.
    /// - Returns: nil for a certificate that does not name its issuer's key.
    package static func make(of certificate: [UInt8]) -> String? {
        var outer = DERReader(certificate)
        guard var parts = outer.read(DER.Tag.sequence).map({ DERReader($0) }),
            var fields = parts.read(DER.Tag.sequence).map({ DERReader($0) }),
            fields.read(DER.Tag.context(0)) != nil, let serial = fields.read(DER.Tag.integer)
        else { return nil }
        while !fields.isAtEnd {
            guard fields.tag == DER.Tag.context(3) else {
                guard fields.readAny() != nil else { return nil }
                continue
            }
            guard var wrapped = fields.read(DER.Tag.context(3)).map({ DERReader($0) }),
                let list = wrapped.read(DER.Tag.sequence), let key = issuerKey(in: DERReader(list))
            else { return nil }
            return "\(Base64URL.encode(key)).\(Base64URL.encode(serial))"
        }
        return nil
    }

    private static func issuerKey(in extensions: DERReader) -> ArraySlice<UInt8>? {
        let wanted = DER.identifier(CertificateParts.authorityKeyIdentifier).dropFirst(2)
        var extensions = extensions
        while var one = extensions.read(DER.Tag.sequence).map({ DERReader($0) }) {
            guard one.read(DER.Tag.objectIdentifier)?.elementsEqual(wanted) == true else { continue }
            if one.tag == DER.Tag.boolean { _ = one.readAny() }
            guard var value = one.read(DER.Tag.octetString).map({ DERReader($0) }),
                var sequence = value.read(DER.Tag.sequence).map({ DERReader($0) })
            else { return nil }
            return sequence.read(DER.Tag.primitive(0))
        }
        return nil
    }
}
