import Foundation
import Testing

@testable import ISAPI

/// The results of calls that extensions should not make.
@Suite struct CallbackTests {
    private static let report = """
        static char text[4096];
        static void note(const char *what, BOOL ok) {
          sprintf(text + strlen(text), "%s %d %u\\n", what, ok, ok ? 0 : GetLastError());
          SetLastError(0);
        }
        static DWORD answer(EXTENSION_CONTROL_BLOCK *ecb) {
          head(ecb, NULL, NULL);
          put(ecb, text);
          return HSE_STATUS_SUCCESS;
        }

        """

    @Test func aConnectionThatIsNoneIsRefusedByEveryCall() throws {
        let test = try TestExtension(
            Self.report + """
                static void probe(EXTENSION_CONTROL_BLOCK *ecb, const char *name, HCONN conn) {
                  char buffer[64];
                  DWORD size = sizeof buffer;
                  note(name, ecb->GetServerVariable(conn, "URL", buffer, &size));
                  size = 1;
                  note(name, ecb->WriteClient(conn, "x", &size, 0));
                  note(name, ecb->ReadClient(conn, buffer, &size));
                  note(name, ecb->ServerSupportFunction(conn, HSE_REQ_IS_KEEP_CONN, buffer, NULL, NULL));
                }
                static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
                  static EXTENSION_CONTROL_BLOCK copy;
                  copy = *ecb;
                  text[0] = 0;
                  probe(ecb, "null", NULL);
                  probe(ecb, "copy", &copy);
                  probe(ecb, "inside", (char *)ecb + 8);
                  probe(ecb, "small", (HCONN)(intptr_t)5);
                  probe(ecb, "other slot", (char *)ecb + 256 * 5000);
                  return answer(ecb);
                }
                """)
        defer { test.close() }
        let expected = ["null", "copy", "inside", "small", "other slot"]
            .map { String(repeating: "\($0) 0 87\n", count: 4) }.joined()
        #expect(test.answer().bodyText == expected)
    }

    @Test func theControlBlockItselfServesAsConnection() throws {
        let test = try TestExtension(
            """
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
              DWORD size = 2;
              return ecb->ConnID == ecb && ecb->WriteClient(ecb, "ok", &size, 0) ? 1 : 4;
            }
            """)
        defer { test.close() }
        #expect(test.answer().bodyText == "ok")
    }

    @Test func missingArgumentsAndWrongSizesAreInvalid() throws {
        let test = try TestExtension(
            Self.report + """
                static int needs_nothing(DWORD request) {
                  switch (request) {
                    case HSE_REQ_DONE_WITH_SESSION: case HSE_REQ_SEND_RESPONSE_HEADER: case HSE_REQ_IO_COMPLETION:
                    case HSE_REQ_ABORTIVE_CLOSE: case HSE_REQ_CLOSE_CONNECTION: case HSE_REQ_REPORT_UNHEALTHY:
                    case HSE_REQ_SET_FLUSH_FLAG: case HSE_REQ_RAISE_TRACE_EVENT: return 1;
                    default: return 0;
                  }
                }
                static DWORD refusal(DWORD request) {
                  switch (request) {
                    case HSE_REQ_CANCEL_IO: return 1168;
                    case HSE_REQ_GET_SSPI_INFO: case HSE_REQ_GET_IMPERSONATION_TOKEN:
                    case HSE_REQ_GET_ANONYMOUS_TOKEN: case HSE_REQ_GET_UNICODE_ANONYMOUS_TOKEN:
                    case HSE_REQ_GET_CONFIG_OBJECT: case HSE_REQ_GET_WORKER_PROCESS_SETTINGS:
                    case HSE_REQ_GET_PROTOCOL_MANAGER_CUSTOM_INTERFACE_CALLBACK: return ERROR_NOT_SUPPORTED;
                    default: return ERROR_INVALID_PARAMETER;
                  }
                }
                static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
                  char buffer[64];
                  DWORD size = sizeof buffer;
                  HCONN c = ecb->ConnID;
                  text[0] = 0;
                  note("variable", ecb->GetServerVariable(c, NULL, buffer, &size));
                  note("variable", ecb->GetServerVariable(c, "URL", buffer, NULL));
                  note("variable", ecb->GetServerVariable(c, "URL", NULL, &size));
                  size = 5;
                  note("write", ecb->WriteClient(c, NULL, &size, 0));
                  note("write", ecb->WriteClient(c, buffer, NULL, 0));
                  note("write", ecb->WriteClient(c, buffer, &size, HSE_IO_ASYNC));
                  note("read", ecb->ReadClient(c, NULL, &size));
                  note("read", ecb->ReadClient(c, buffer, NULL));
                  for (DWORD request = 0; request < 2000; request++) {
                    if (needs_nothing(request)) continue;
                    if (ecb->ServerSupportFunction(c, request, NULL, NULL, NULL) || GetLastError() != refusal(request))
                      note("support", FALSE);
                  }
                  return answer(ecb);
                }
                """)
        defer { test.close() }
        let calls = Array(repeating: "variable", count: 3) + Array(repeating: "write", count: 3) + ["read", "read"]
        #expect(test.answer().bodyText == calls.map { "\($0) 0 87\n" }.joined())
    }

    @Test func aSecondHeadIsInvalidAndTheFirstStands() throws {
        let test = try TestExtension(
            Self.report + """
                static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
                  text[0] = 0;
                  note("first", head(ecb, "201 A", "A: 1\\r\\n\\r\\n"));
                  note("second", head(ecb, "202 B", "B: 2\\r\\n\\r\\n"));
                  put(ecb, text);
                  return HSE_STATUS_SUCCESS;
                }
                """)
        defer { test.close() }
        let answer = test.answer()
        #expect(answer.head?.status == 201)
        #expect(answer.fields == "A: 1\r\n")
        #expect(answer.bodyText == "first 1 0\nsecond 0 87\n")
    }

    @Test func callsAfterTheEndAreRefusedFromTenThreadsAndDoneCountsOnce() throws {
        let test = try TestExtension(
            """
            static int successes, refusals;
            static void *finish(void *argument) {
              EXTENSION_CONTROL_BLOCK *ecb = argument;
              if (done(ecb, 1)) __sync_fetch_and_add(&successes, 1);
              else if (GetLastError() == 87) __sync_fetch_and_add(&refusals, 1);
              DWORD size = 4;
              char buffer[4];
              if (!put(ecb, "late") && GetLastError() == 87) __sync_fetch_and_add(&refusals, 1);
              if (!head(ecb, NULL, NULL) && GetLastError() == 87) __sync_fetch_and_add(&refusals, 1);
              if (!ecb->ReadClient(ecb, buffer, &size) && GetLastError() == 87) __sync_fetch_and_add(&refusals, 1);
              if (!ecb->GetServerVariable(ecb, "URL", buffer, &size) && GetLastError() == 87)
                __sync_fetch_and_add(&refusals, 1);
              return NULL;
            }
            static pthread_t threads[10];
            static EXTENSION_CONTROL_BLOCK *kept;
            __declspec(dllexport) void race(void) {
              for (int i = 0; i < 10; i++) pthread_create(&threads[i], NULL, finish, kept);
              for (int i = 0; i < 10; i++) pthread_join(threads[i], NULL);
            }
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
              if (ecb->lpszQueryString[0] == 'r') {
                char text[32];
                sprintf(text, "%d %d", successes, refusals);
                put(ecb, text);
                return 1;
              }
              kept = ecb;
              put(ecb, "body");
              return HSE_STATUS_PENDING;
            }
            """)
        defer { test.close() }
        let call = LibraryCalls(test)
        for _ in 0..<50 {
            let worker = TestWorker()
            #expect(worker.send("GET / HTTP/1.1\r\n\r\n", to: test))
            worker.waitForNotification()
            worker.look()
            call("race")
            worker.finish()
            #expect(worker.bodyText == "body")
        }
        #expect(test.answer("GET /?r HTTP/1.1\r\n\r\n").bodyText == "50 \(50 * 49)")
    }

    @Test func aCallOnAFinishedRequestNeverReachesALaterOne() throws {
        let test = try TestExtension(
            """
            static EXTENSION_CONTROL_BLOCK *stale;
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
              if (!stale) stale = ecb;
              else if (put(stale, "wrong") || GetLastError() != 87) return HSE_STATUS_ERROR;
              else if (stale->lpszQueryString[0] || stale->cbAvailable) return HSE_STATUS_ERROR;
              put(ecb, "right");
              return HSE_STATUS_SUCCESS;
            }
            """)
        defer { test.close() }
        for _ in 0..<500 {
            let answer = test.answer("GET /?query HTTP/1.1\r\n\r\n")
            #expect(answer.bodyText == "right")
            #expect(answer.outcome?.ending == .complete)
        }
    }
}
