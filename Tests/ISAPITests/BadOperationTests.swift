import Testing

@testable import ISAPI

@Suite struct BadOperationTests {
    @Test func whatCannotBeSentIsRefusedAndNothingIsSent() throws {
        let test = try TestExtension(
            """
            static char report[4096];
            static void note(const char *name, BOOL done) {
              sprintf(report + strlen(report), "%s %d %u\\n", name, done, done ? 0 : GetLastError());
            }
            static void WINAPI completed(EXTENSION_CONTROL_BLOCK *ecb, PVOID context, DWORD bytes, DWORD error) {}
            static BOOL vector(EXTENSION_CONTROL_BLOCK *ecb, DWORD flags, char *status, HSE_VECTOR_ELEMENT *element) {
              HSE_RESPONSE_VECTOR vector = {flags, status, status, 1, element};
              return ecb->ServerSupportFunction(ecb, HSE_REQ_VECTOR_SEND, &vector, NULL, NULL);
            }
            static BOOL file(EXTENSION_CONTROL_BLOCK *ecb, DWORD flags, HANDLE handle, DWORD count, DWORD head) {
              HSE_TF_INFO info = {completed, NULL, handle, NULL, count, 0, NULL, head, NULL, 0, flags};
              return ecb->ServerSupportFunction(ecb, HSE_REQ_TRANSMIT_FILE, &info, NULL, NULL);
            }
            static BOOL child(EXTENSION_CONTROL_BLOCK *ecb, DWORD flags, HSE_EXEC_URL_ENTITY_INFO *entity) {
              HSE_EXEC_URL_INFO info = {"/x", NULL, NULL, NULL, entity, flags};
              return ecb->ServerSupportFunction(ecb, HSE_REQ_EXEC_URL, &info, NULL, NULL);
            }
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
              HSE_VECTOR_ELEMENT memory = {HSE_VECTOR_ELEMENT_TYPE_MEMORY_BUFFER, "x", 0, 1};
              HSE_VECTOR_ELEMENT none = {HSE_VECTOR_ELEMENT_TYPE_MEMORY_BUFFER, "x", 0, 0};
              HSE_VECTOR_ELEMENT unknown = {7, "x", 0, 1};
              HSE_VECTOR_ELEMENT handles = {HSE_VECTOR_ELEMENT_TYPE_FILE_HANDLE, (PVOID)-1, 0, 0};
              HSE_EXEC_URL_ENTITY_INFO entity = {5, NULL};
              HSE_CUSTOM_ERROR_INFO custom = {"200 OK", 0, FALSE};
              DWORD flags = HSE_IO_SYNC, size = 4;
              char buffer[4];
              report[0] = 0;
              note("neither", vector(ecb, 0, NULL, &memory));
              note("both", vector(ecb, HSE_IO_SYNC | HSE_IO_ASYNC, NULL, &memory));
              note("cached", vector(ecb, HSE_IO_SYNC | HSE_IO_CACHE_RESPONSE, NULL, &memory));
              note("strings", vector(ecb, HSE_IO_SYNC, "200 OK", &memory));
              note("no strings", vector(ecb, HSE_IO_SYNC | HSE_IO_SEND_HEADERS, NULL, &memory));
              note("empty element", vector(ecb, HSE_IO_SYNC, NULL, &none));
              note("unknown element", vector(ecb, HSE_IO_SYNC, NULL, &unknown));
              note("no elements", vector(ecb, HSE_IO_SYNC, NULL, NULL));
              note("no function", vector(ecb, HSE_IO_ASYNC, NULL, &memory));
              note("synchronous file", file(ecb, 0, NULL, 0, 0));
              note("no file", file(ecb, HSE_IO_ASYNC, NULL, 5, 0));
              note("no head", file(ecb, HSE_IO_ASYNC, NULL, 0, 5));
              note("no completion", ecb->ServerSupportFunction(ecb, HSE_REQ_ASYNC_READ_CLIENT, buffer, &size, &flags));
              ecb->ServerSupportFunction(ecb, HSE_REQ_IO_COMPLETION, (LPVOID)completed, NULL, NULL);
              note("synchronous read", ecb->ServerSupportFunction(ecb, HSE_REQ_ASYNC_READ_CLIENT, buffer, &size, &flags));
              note("unknown flag", child(ecb, 1, NULL));
              note("no entity", child(ecb, 0, &entity));
              note("no error", ecb->ServerSupportFunction(ecb, HSE_REQ_SEND_CUSTOM_ERROR, &custom, NULL, NULL));
              note("no child", ecb->ServerSupportFunction(ecb, HSE_REQ_GET_EXEC_URL_STATUS, buffer, NULL, NULL));
              note("handle", vector(ecb, HSE_IO_SYNC, NULL, &handles));
              put(ecb, "HTTP/1.1 200 OK\\r\\n\\r\\n");
              note("late child", child(ecb, 0, NULL));
              put(ecb, report);
              return HSE_STATUS_SUCCESS;
            }
            """)
        defer { test.close() }
        let names = [
            "neither", "both", "cached", "strings", "no strings", "empty element", "unknown element", "no elements",
            "no function", "synchronous file", "no file", "no head", "no completion", "synchronous read",
            "unknown flag", "no entity", "no error", "no child",
        ]
        let expected = names.map { "\($0) 0 87\n" } + ["handle 0 6\n", "late child 0 87\n"]
        #expect(test.answer().bodyText == expected.joined())
    }
}
