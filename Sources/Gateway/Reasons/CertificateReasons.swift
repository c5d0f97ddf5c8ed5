import TLS

/// The kinds of problems with certificates and other files of TLS, which have an explanation each.
enum CertificateReason: CaseIterable {
    case unreadable, damaged, noCertificate, invalidCertificate, noKey, severalKeys, passphraseMissing
    case wrongPassphrase, invalidKey, keyMismatch, chainOrder, notAuthority, expired, notYetValid, missingHosts, noHost
    case neverServed, weakKey, unsupportedKey, refusedByPolicy, handshake, invalidAuthorities, invalidRevocationList
    case ticketKeySize, policy, missingIntermediate, missingIssuer, distrusted, unknownIssuer, invalidOCSPResponse
    case unverifiedOCSPResponse

    init(_ kind: CertificateProblem.Kind) {
        switch kind {
        case .unreadable: self = .unreadable
        case .damaged: self = .damaged
        case .noCertificate: self = .noCertificate
        case .invalidCertificate: self = .invalidCertificate
        case .noKey: self = .noKey
        case .severalKeys: self = .severalKeys
        case .passphraseMissing: self = .passphraseMissing
        case .wrongPassphrase: self = .wrongPassphrase
        case .invalidKey: self = .invalidKey
        case .keyMismatch: self = .keyMismatch
        case .chainOrder: self = .chainOrder
        case .notAuthority: self = .notAuthority
        case .expired: self = .expired
        case .notYetValid: self = .notYetValid
        case .missingHosts: self = .missingHosts
        case .noHost: self = .noHost
        case .neverServed: self = .neverServed
        case .weakKey: self = .weakKey
        case .unsupportedKey: self = .unsupportedKey
        case .refusedByPolicy: self = .refusedByPolicy
        case .handshake: self = .handshake
        case .invalidAuthorities: self = .invalidAuthorities
        case .invalidRevocationList: self = .invalidRevocationList
        case .ticketKeySize: self = .ticketKeySize
        case .policy: self = .policy
        case .missingIntermediate: self = .missingIntermediate
        case .missingIssuer: self = .missingIssuer
        case .distrusted: self = .distrusted
        case .unknownIssuer: self = .unknownIssuer
        case .invalidOCSPResponse: self = .invalidOCSPResponse
        case .unverifiedOCSPResponse: self = .unverifiedOCSPResponse
        }
    }

    static var reasons: [Reason] {
        allCases.map { one in
            let (code, text, meaning, action) = one.entry
            return Reason(.certificate, text, Explanation("certificate_" + code, .operation, meaning, action))
        }
    }

    private typealias Entry = (code: String, text: String, meaning: String, action: String)

    private var entry: Entry {
        switch self {
        case .unreadable:
            (
                "unreadable", "cannot be read: *", "The file does not exist, or the supervisor may not read it.",
                "Correct the path; give the account that starts the gateway the right to read the file."
            )
        case .damaged:
            (
                "damaged", "* is not PEM", "The file is in another format than PEM, or a block in it is damaged.",
                "Convert it, for example with openssl x509 -inform DER; copy it again if it is damaged."
            )
        case .noCertificate:
            (
                "missing", "contains no certificate; *", "The file has no block of a certificate.",
                "Name the file with the chain, often called fullchain.pem."
            )
        case .invalidCertificate:
            (
                "invalid", "certificate * in it, in line *, is not a valid X.509 certificate: *",
                "A block of the file cannot be decoded.", "Copy the file again, or have the authority issue it again."
            )
        case .noKey:
            (
                "no_key", "contains no private key; *", "The file has no block of a private key.",
                "Name the file with the key, often called privkey.pem."
            )
        case .severalKeys:
            (
                "several_keys", "contains several private keys; expected one",
                "It is unclear which key belongs to the chain.",
                "Put each key into a file of its own."
            )
        case .passphraseMissing:
            (
                "passphrase_missing", "is encrypted; expected a passphrase_file beside it", "The key is encrypted.",
                "Set passphrase_file beside key, or decrypt the key."
            )
        case .wrongPassphrase:
            (
                "wrong_passphrase", "cannot be decrypted; *", "The passphrase is not that of the key.",
                "Put the passphrase into the first line of passphrase_file."
            )
        case .invalidKey:
            (
                "invalid_key", "is not a valid private key: *", "The key cannot be decoded.",
                "Copy the key again; expected is PKCS #8, or the older form of an RSA or EC key."
            )
        case .keyMismatch:
            (
                "key_mismatch", "is not the key of the first certificate in *",
                "Certificate and key do not belong together.",
                "Name the key with which the certificate was requested; often only one of two files was renewed."
            )
        case .chainOrder:
            (
                "chain_order", "certificate * is *, which did not sign certificate *",
                "The certificates of the chain are not in the order in which they were signed.",
                "Put the site's certificate first, behind each one that of its issuer."
            )
        case .notAuthority:
            (
                "not_authority", "certificate *, *, is not that of an authority; *",
                "A certificate behind the first one may not sign others.",
                "Leave only the site's certificate and those of authorities in the file."
            )
        case .expired:
            (
                "has_expired", "* expired on *; expected one that is valid now",
                "The certificate is not valid any more.",
                "Renew it and reload; check the clock of the machine."
            )
        case .notYetValid:
            (
                "not_yet_valid", "* is not valid before *; expected one that is valid now",
                "The certificate is not valid yet.",
                "Check the clock of the machine, or wait."
            )
        case .missingHosts:
            (
                "missing_hosts", "is not for *, nor is another certificate of the site; *",
                "Some hosts of the site are named by none of its certificates.",
                "Have the certificate issued for all hosts, or remove the host from the site."
            )
        case .noHost:
            (
                "no_host", "is for none of the site's hosts: *", "The certificate belongs to another site.",
                "Name the certificate of this site's hosts."
            )
        case .neverServed:
            (
                "never_served", "would never be used: *", "Another certificate of the site serves the same clients.",
                "Remove one of the two."
            )
        case .weakKey:
            (
                "weak_key", "has an RSA key of * bits; expected at least 2048", "The key can be broken.",
                "Have the certificate issued for a new key."
            )
        case .unsupportedKey:
            (
                "unsupported_key", "has a key of type *", "Browsers do not accept keys of this type.",
                "Have the certificate issued for a key of RSA, ECDSA or Ed25519."
            )
        case .refusedByPolicy:
            (
                "policy", "is refused by the TLS policy: *", "OpenSSL's security level does not allow the certificate.",
                "Have it issued again, with a larger key and SHA-256."
            )
        case .handshake:
            (
                "no_handshake", "no client could connect to * with it: *",
                "The gateway tried the certificate in a handshake in memory, which failed.",
                "Check ciphers, groups and versions in tls, which must suit the kind of key."
            )
        case .invalidAuthorities:
            (
                "invalid_authorities", "is no list of authorities *", "The file with authorities cannot be used.",
                "Put the certificates of the authorities into the file, as PEM."
            )
        case .invalidRevocationList:
            (
                "invalid_crl", "is no list of revoked client certificates: *", "The file of crl cannot be used.",
                "Get the present list from the authority, and convert it to PEM."
            )
        case .ticketKeySize:
            (
                "ticket_keys", "has * bytes; expected one to three ticket keys of 80 bytes",
                "The file of ticket_keys does not consist of whole keys.", "Write it with openssl rand 80."
            )
        case .policy:
            (
                "tls_settings", "has TLS settings that OpenSSL refuses: *",
                "OpenSSL does not know one of the names in tls.",
                "Compare ciphers, suites and groups with openssl ciphers -s -v."
            )
        case .missingIntermediate:
            (
                "missing_intermediate", "holds one certificate only, and clients lack that of its issuer, *",
                "The certificate of the authority between the site's and the root is missing; many clients would fail.",
                "Name the file with the whole chain, often called fullchain.pem."
            )
        case .missingIssuer:
            (
                "missing_issuer", "leads to none of *",
                "A certificate between those of the chain and a known authority is missing.",
                "Add the missing certificate to the file of the chain, or to the authorities of ca."
            )
        case .distrusted:
            (
                "distrusted", "is not believed by clients that know *",
                "The chain leads to an authority, but is not valid for it.",
                "Have the certificate issued again; the text behind the second colon is OpenSSL's reason."
            )
        case .unknownIssuer:
            (
                "unknown_issuer", "leads to *, none of the system's authorities; *",
                "The certificate is from an authority of one's own, or the chain is incomplete.",
                "Set ca of the certificate to the authorities that its clients know."
            )
        case .invalidOCSPResponse:
            (
                "ocsp_invalid", "is not stapled*",
                "The stored OCSP response is not sent, because clients would refuse it.",
                "Have the response renewed by the program that fetches it; the text behind the colon says what "
                    + "is wrong."
            )
        case .unverifiedOCSPResponse:
            (
                "ocsp_unverified", "is stapled without its signature being verified: *",
                "The issuer's certificate is not at hand, so that the OCSP response is sent as it is.",
                "Add the issuer's certificate to the chain, or to the authorities of ca."
            )
        }
    }
}
