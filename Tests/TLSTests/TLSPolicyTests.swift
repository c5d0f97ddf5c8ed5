import Testing

@testable import TLS

@Suite("TLS policies") struct TLSPolicyTests {
    @Test func `The modern profile is TLS 1.3 alone`() {
        #expect(
            TLSPolicy(.modern).canonicalText
                == "772 772 \(webCiphers) TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256 "
                + "?X25519MLKEM768:X25519:P-256:P-384 true h2 http/1.1 http/1.0")
    }

    @Test func `The intermediate profile is TLS 1.2 and 1.3 with forward secrecy and authenticated encryption`() {
        #expect(
            TLSPolicy(.intermediate).canonicalText
                == "771 772 \(webCiphers) TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256 "
                + "?X25519MLKEM768:X25519:P-256:P-384 true h2 http/1.1 http/1.0")
    }

    @Test func `A policy without a profile is the intermediate one`() {
        #expect(TLSPolicy() == TLSPolicy(.intermediate))
    }
}

private let webCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    + "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    + "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305"
