import Foundation
import Testing

@testable import ISAPI

@Suite struct ExtensionModuleTests {
    private static let handler = "DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *ecb) { return 1; }\n"
    private static let version = "BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *v) { return TRUE; }\n"

    private func loadError(_ source: String) throws -> ExtensionLoadError? {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("isapi-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let library = try TestExtension.compile(source, in: folder)
        do throws(ExtensionLoadError) {
            _ = try InProcessModule.load(name: "x", path: library)
            return nil
        } catch { return error }
    }

    @Test func aModuleTellsItsVersionAndDescription() throws {
        let test = try TestExtension("static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) { return 1; }")
        defer { test.close() }
        #expect(test.module.version == 0x0001_0002)
        #expect(test.module.description == "test extension")
    }

    @Test func aMissingFileIsNamed() {
        #expect {
            try InProcessModule.load(name: "x", path: "/nonexistent/x.so")
        } throws: { error in
            "\(error)".contains("/nonexistent/x.so") && "\(error)".contains("No such file")
        }
    }

    @Test func aMissingEntryPointIsNamed() throws {
        let withoutProcedure = try loadError("/* HttpExtensionProc */" + Self.version)
        #expect(withoutProcedure?.reason == .missingEntryPoint("HttpExtensionProc"))
        let withoutVersion = try loadError(Self.handler)
        #expect(withoutVersion?.reason == .missingEntryPoint("GetExtensionVersion"))
    }

    @Test func aRefusedVersionCarriesTheLastError() throws {
        let error = try loadError(
            Self.handler + "BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *v) { SetLastError(5); return FALSE; }")
        #expect(error?.reason == .versionRefused(lastError: 5))
        #expect(error?.description.hasSuffix("GetExtensionVersion returned FALSE (last error 5)") == true)
    }

    @Test func aRefusedAttachmentIsAFailure() throws {
        let error = try loadError(
            Self.handler + Self.version
                + "BOOL WINAPI DllMain(HINSTANCE h, DWORD reason, LPVOID r) { return FALSE; }")
        #expect(error?.reason == .attachRefused(lastError: 0))
    }

    @Test func aLibraryThatStaysInTheProcessIsNotTakenForALaterOne() throws {
        func describing(_ text: String, pinned: Bool) -> String {
            let pin = "GetModuleHandleEx(5, (LPCSTR)GetExtensionVersion, &module)"
            return Self.handler + """
                BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *v) {
                  HMODULE module;
                  strcpy(v->lpszExtensionDesc, "\(text)");
                  return \(pinned ? pin : "(void)module, TRUE");
                }
                """
        }
        for number in 0..<4 {
            let test = try TestExtension(describing("\(number)", pinned: number % 2 == 0))
            #expect(test.module.description == "\(number)")
            test.close()
        }
    }

    @Test func dllMainHearsOfProcessAndThreads() throws {
        let trace = FileManager.default.temporaryDirectory.appendingPathComponent("isapi-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: trace) }
        let test = try TestExtension(
            Self.version + """
                static void trace(const char *event, DWORD number) {
                  FILE *file = fopen("\(trace.path)", "a");
                  fprintf(file, "%s %u\\n", event, number);
                  fclose(file);
                }
                BOOL WINAPI DllMain(HINSTANCE h, DWORD reason, LPVOID r) { trace("main", reason); return TRUE; }
                BOOL WINAPI TerminateExtension(DWORD flags) { trace("terminate", flags); return TRUE; }
                DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *ecb) { put(ecb, "x"); return 1; }
                """, threads: 1)
        _ = test.answer()
        test.close()
        let events = try String(contentsOf: trace, encoding: .utf8)
        #expect(events == "main 1\nmain 2\nmain 3\nterminate 2\nmain 0\n")
    }

    @Test func aModuleWithARequestInItIsNotUnloaded() throws {
        let test = try TestExtension(
            """
            static EXTENSION_CONTROL_BLOCK *kept;
            __declspec(dllexport) void finish(void) { done(kept, 1); }
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) { kept = ecb; put(ecb, "x"); return HSE_STATUS_PENDING; }
            """)
        let worker = TestWorker()
        #expect(worker.send("GET / HTTP/1.1\r\n\r\n", to: test))
        worker.waitForNotification()
        worker.session.abandon()
        test.pool.stop(within: .seconds(10))
        #expect(!test.module.unload())
        LibraryCalls(test)("finish")
        test.close()
    }
}
