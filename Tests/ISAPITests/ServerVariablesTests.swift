import Testing

@testable import ISAPI

@Suite struct ServerVariablesTests {
    /// Answers with `result size value` for the variable that the query names, with a buffer of the size in X-Size.
    private static let source = """
        static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
          char number[16], value[4096] = "", text[5000];
          DWORD size = sizeof number;
          if (!ecb->GetServerVariable(ecb->ConnID, "HTTP_X_SIZE", number, &size)) strcpy(number, "4096");
          size = atoi(number);
          BOOL ok = ecb->GetServerVariable(ecb->ConnID, ecb->lpszQueryString, value, &size);
          int used = sprintf(text, "%u %u ", ok ? 0 : GetLastError(), size);
          memcpy(text + used, value, ok ? size : 0);
          head(ecb, NULL, NULL);
          size = used + (ok ? size : 0);
          ecb->WriteClient(ecb->ConnID, text, &size, 0);
          return HSE_STATUS_SUCCESS;
        }
        """

    private func value(_ name: String, _ fields: String = "", of test: TestExtension) -> String {
        test.answer("GET /app/%20more?\(name) HTTP/1.1\r\nHost: example.test:8443\r\n\(fields)\r\n").bodyText
    }

    @Test func everyVariableHasItsValue() throws {
        let test = try TestExtension(Self.source)
        defer { test.close() }
        let expected = [
            "ALL_RAW": "Host: example.test:8443\r\nX-A: 1\r\n", "ALL_HTTP": "HTTP_HOST:example.test:8443\nHTTP_X_A:1\n",
            "APPL_MD_PATH": "/LM/W3SVC/1/ROOT", "APPL_PHYSICAL_PATH": "/srv/www/", "APP_POOL_ID": "test",
            "AUTH_TYPE": "", "AUTH_USER": "", "CERT_COOKIE": "", "CERT_KEYSIZE": "256",
            "CACHE_URL": "https://example.test:8443/app/%20more?CACHE_URL", "CONTENT_LENGTH": "0", "CONTENT_TYPE": "",
            "CRYPT_PROTOCOL": "1000", "CRYPT_CIPHER_ALG_ID": "6610", "DOCUMENT_ROOT": "/srv/www",
            "GATEWAY_INTERFACE": "CGI/1.1", "HTTP_METHOD": "GET", "HTTP_URL": "/app/%20more?HTTP_URL",
            "HTTP_VERSION": "HTTP/1.1", "HTTPS": "on", "HTTPS_KEYSIZE": "256", "HTTPS_SERVER_ISSUER": "CN=ca",
            "HTTPS_SERVER_SUBJECT": "CN=localhost", "INSTANCE_ID": "1", "INSTANCE_META_PATH": "/LM/W3SVC/1",
            "INSTANCE_NAME": "main", "LOCAL_ADDR": "127.0.0.1", "PATH_INFO": "/more",
            "PATH_TRANSLATED": "/srv/www/more", "QUERY_STRING": "QUERY_STRING", "REMOTE_ADDR": "127.0.0.2",
            "REMOTE_HOST": "127.0.0.2", "REMOTE_PORT": "50000", "REQUEST_ID": "named", "REQUEST_METHOD": "GET",
            "REQUEST_URI": "/app/%20more?REQUEST_URI", "SCRIPT_NAME": "/app", "SCRIPT_TRANSLATED": "/srv/www/app",
            "SERVER_NAME": "example.test", "SERVER_PORT": "8443", "SERVER_PORT_SECURE": "1",
            "SERVER_PROTOCOL": "HTTP/1.1", "SERVER_SOFTWARE": "isagate", "URL": "/app",
            "UNENCODED_URL": "/app/%20more?UNENCODED_URL", "url": "/app", "Remote_Addr": "127.0.0.2",
            "HTTP_X_A": "1", "HTTP_x_a": "1", "HEADER_x-a": "1",
        ]
        for (name, text) in expected {
            #expect(value(name, "X-A: 1\r\n", of: test) == "0 \(text.utf8.count + 1) \(text)\0", "\(name)")
        }
    }

    @Test(arguments: [
        "NO_SUCH_VARIABLE", "HTTP_ABSENT", "HEADER_absent", "HTTP_", "", "UNICODE_HTTP_ABSENT", "UNICODE_NO",
    ])
    func anUnknownNameIsAnInvalidIndex(_ name: String) throws {
        let test = try TestExtension(Self.source)
        defer { test.close() }
        #expect(value(name, "X-A: 1\r\n", of: test) == "1413 4096 ")
    }

    @Test(arguments: [(0, "122 14 "), (13, "122 14 "), (14, "0 14 QUERY_STRING1\0")])
    func aBufferTooSmallGetsTheRequiredSize(_ size: Int, _ expected: String) throws {
        let test = try TestExtension(
            Self.source.replacing("ecb->lpszQueryString, value", with: "\"QUERY_STRING\", value"))
        defer { test.close() }
        #expect(value("QUERY_STRING1", "X-Size: \(size)\r\n", of: test) == expected)
    }

    @Test func fieldsOfOneNameAreOneList() throws {
        let test = try TestExtension(Self.source)
        defer { test.close() }
        #expect(value("HTTP_A_B", "A-B: 1\r\nA_B: no\r\na-b: 2\r\n", of: test) == "0 5 1, 2\0")
        #expect(value("HEADER_A_B", "A-B: 1\r\nA_B: no\r\na-b: 2\r\n", of: test) == "0 3 no\0")
    }

    @Test func severalCookieLinesAreOneCookieField() throws {
        let test = try TestExtension(Self.source)
        defer { test.close() }
        let fields = "Cookie: a=1\r\nCOOKIE: b=2\r\nX-A: 3\r\ncookie: c=3\r\n"
        for name in ["HTTP_COOKIE", "HEADER_Cookie"] {
            #expect(value(name, fields, of: test) == "0 14 a=1; b=2; c=3\0")
        }
        let all = "HTTP_HOST:example.test:8443\nHTTP_COOKIE:a=1; b=2; c=3\nHTTP_X_A:3\n"
        #expect(value("ALL_HTTP", fields, of: test) == "0 \(all.utf8.count + 1) \(all)\0")
    }

    @Test(arguments: [
        ("X_A: forged\r\nX-A: 1\r\n", "HTTP_X_A:1\n"), ("X-A: 1\r\nX_A: forged\r\n", "HTTP_X_A:1\n"),
        ("x.a: forged\r\nX-A: 1\r\nX_A: forged\r\nx-a: 2\r\n", "HTTP_X_A:1, 2\n"),
        ("X_A: 1\r\nX_A: 2\r\nX.A: 3\r\n", "HTTP_X_A:1, 2\n"), ("X_AB: 1\r\nX-A: 2\r\n", "HTTP_X_AB:1\nHTTP_X_A:2\n"),
    ])
    func ofFieldsWithOneVariableTheOneWithHyphensIsShown(_ fields: String, _ lines: String) throws {
        let test = try TestExtension(Self.source)
        defer { test.close() }
        let all = "HTTP_HOST:example.test:8443\n" + lines
        #expect(value("ALL_HTTP", fields, of: test) == "0 \(all.utf8.count + 1) \(all)\0")
        let raw = "Host: example.test:8443\r\n" + fields
        #expect(value("ALL_RAW", fields, of: test) == "0 \(raw.utf8.count + 1) \(raw)\0")
    }

    @Test func theUnicodeFormIsUTF16() throws {
        let test = try TestExtension(Self.source)
        defer { test.close() }
        #expect(value("UNICODE_URL", of: test) == "0 10 /\0a\0p\0p\0\0\0")
    }
}
