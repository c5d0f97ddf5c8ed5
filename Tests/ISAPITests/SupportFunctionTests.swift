import Testing

@testable import ISAPI

@Suite struct SupportFunctionTests {
    @Test func theExtendedHeadToleratesCountedNULs() throws {
        let test = try TestExtension(
            """
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
              HSE_SEND_HEADER_EX_INFO info = {"200", "A: b\\r\\n\\r\\n", 4, 9, TRUE};
              if (!ecb->ServerSupportFunction(ecb, HSE_REQ_SEND_RESPONSE_HEADER_EX, &info, NULL, NULL)) return 4;
              return 1;
            }
            """)
        defer { test.close() }
        let answer = test.answer()
        #expect(answer.head?.status == 200)
        #expect(answer.reason == nil)
        #expect(answer.fields == "A: b\r\n")
        #expect(answer.body == [])
        #expect(answer.outcome?.closesConnection == false)
    }

    @Test func theExtendedHeadMayCloseTheConnection() throws {
        let test = try TestExtension(
            """
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
              HSE_SEND_HEADER_EX_INFO info = {"200 OK", "A: b\\r\\n\\r\\n", 6, 8, FALSE};
              BOOL keep = TRUE;
              ecb->ServerSupportFunction(ecb, HSE_REQ_SEND_RESPONSE_HEADER_EX, &info, NULL, NULL);
              ecb->ServerSupportFunction(ecb, HSE_REQ_IS_KEEP_CONN, &keep, NULL, NULL);
              return keep ? HSE_STATUS_ERROR : HSE_STATUS_SUCCESS;
            }
            """)
        defer { test.close() }
        let answer = test.answer()
        #expect(answer.outcome?.ending == .complete)
        #expect(answer.outcome?.closesConnection == true)
    }

    @Test func aRedirectIsAWholeResponse() throws {
        let test = try TestExtension(
            """
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
              DWORD size = 9;
              if (ecb->ServerSupportFunction(ecb, HSE_REQ_SEND_URL_REDIRECT_RESP, "/a\\r\\nB: c", &size, NULL)) return 4;
              size = 4;
              return ecb->ServerSupportFunction(ecb, HSE_REQ_SEND_URL_REDIRECT_RESP, "/new", &size, NULL) ? 1 : 4;
            }
            """)
        defer { test.close() }
        let answer = test.answer()
        #expect(answer.outcome?.ending == .complete)
        #expect(answer.head?.status == 302)
        #expect(answer.head?.contentLength == 0)
        #expect(answer.fields == "Location: /new\r\n")
    }

    @Test func logParametersAndLogDataAreKept() throws {
        let test = try TestExtension(
            """
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
              ecb->ServerSupportFunction(ecb, HSE_APPEND_LOG_PARAMETER, "a=1", NULL, NULL);
              ecb->ServerSupportFunction(ecb, HSE_APPEND_LOG_PARAMETER, "&b=2", NULL, NULL);
              memset(ecb->lpszLogData, 'x', sizeof ecb->lpszLogData);
              put(ecb, "-");
              return 1;
            }
            """)
        defer { test.close() }
        #expect(test.answer().logText == "a=1&b=2" + String(repeating: "x", count: 80))
    }

    @Test func questionsAboutTheConnectionAreAnswered() throws {
        let test = try TestExtension(
            """
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
              BOOL keep = 7, connected = 7;
              DWORD placement = 7;
              char text[64];
              ecb->ServerSupportFunction(ecb, HSE_REQ_IS_KEEP_CONN, &keep, NULL, NULL);
              ecb->ServerSupportFunction(ecb, HSE_REQ_IS_CONNECTED, &connected, NULL, NULL);
              ecb->ServerSupportFunction(ecb, HSE_REQ_IS_IN_PROCESS, &placement, NULL, NULL);
              sprintf(text, "%d %d %u", keep, connected, placement);
              put(ecb, text);
              return 1;
            }
            """)
        defer { test.close() }
        #expect(test.answer().bodyText == "1 1 0")
    }

    @Test func aURLIsMappedInItsOwnBuffer() throws {
        let test = try TestExtension(
            """
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
              char buffer[64] = "/b%20c", text[200];
              DWORD size = 12;
              BOOL ok = ecb->ServerSupportFunction(ecb, HSE_REQ_MAP_URL_TO_PATH, buffer, &size, NULL);
              int used = sprintf(text, "%d %u %u ", ok, GetLastError(), size);
              size = sizeof buffer;
              SetLastError(0);
              ok = ecb->ServerSupportFunction(ecb, HSE_REQ_MAP_URL_TO_PATH, buffer, &size, NULL);
              sprintf(text + used, "%d %u %u %s", ok, GetLastError(), size, buffer);
              put(ecb, text);
              return 1;
            }
            """)
        defer { test.close() }
        #expect(test.answer().bodyText == "0 122 13 1 0 13 /srv/www/b c")
    }
}

@Suite struct PathMappingTests {
    @Test(
        arguments: [
            ("/", "/srv/"), ("", "/srv/"), ("/a", "/srv/a"), ("/a/", "/srv/a/"), ("//a//b", "/srv/a/b"),
            ("/a/./b", "/srv/a/b"), ("/a/../b", "/srv/b"), ("/a%2Fb", "/srv/a/b"), ("/a%20b?c", "/srv/a b"),
            ("/a/..", "/srv/"), ("/..", nil), ("/a/../../b", nil), ("/%2e%2e/b", nil), ("/a%00", nil), ("/%4", nil),
            ("/%zz", nil), ("/a\\b", "/srv/a/b"), ("/a/..%5C..", nil), ("\\..\\b", nil), ("/a%5c..%5cb", "/srv/b"),
        ] as [(String, String?)])
    func aPathStaysBelowItsRoot(_ url: String, expected: String?) {
        var path = ByteBuffer()
        let bytes = Array(url.utf8)
        let isMapped = bytes.withBytes { PathMapping.map($0, to: "/srv/", into: &path) }
        #expect(isMapped == (expected != nil))
        if let expected { #expect(String(decoding: path.bytes, as: UTF8.self) == expected) }
    }

    @Test(arguments: [
        ("/a/b", false), ("/..a\\b..", false), ("/a\\...\\b", false), ("", false), ("/\\..\\etc", true),
        ("/a/..\\", true), ("/a\\..", true), ("/a\\../b", true),
    ]) func aBackslashLeadsUpwardsToo(_ path: String, climbs: Bool) {
        let bytes = Array(path.utf8)
        #expect(bytes.withBytes { PathMapping.climbs($0) } == climbs)
    }
}
