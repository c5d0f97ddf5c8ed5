import Foundation
import Testing

@testable import ISAPI

@Suite struct ExtensionSessionTests {
    @Test func aSmallResponseIsNotifiedOnceAndKnownWhole() throws {
        let test = try TestExtension(
            """
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
              head(ecb, "201 Made", "Content-Type: text/plain\\r\\n\\r\\n");
              put(ecb, "Hello, ");
              put(ecb, "world\\n");
              return HSE_STATUS_SUCCESS;
            }
            """)
        defer { test.close() }
        let answer = test.answer()
        #expect(answer.isWhole)
        #expect(answer.head?.status == 201)
        #expect(answer.reason == "Made")
        #expect(answer.fields == "Content-Type: text/plain\r\n")
        #expect(answer.bodyText == "Hello, world\n")
        #expect(answer.outcome?.ending == .complete)
        #expect(answer.outcome?.closesConnection == false)
    }

    @Test func aSessionServesOneRequestAfterTheOther() throws {
        let test = try TestExtension(
            """
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
              head(ecb, NULL, "X: y\\r\\n\\r\\n");
              put(ecb, ecb->lpszQueryString);
              return HSE_STATUS_SUCCESS;
            }
            """)
        defer { test.close() }
        for number in 0..<3000 {
            let answer = test.answer("GET /app?\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(answer.bodyText == "\(number)")
        }
    }

    @Test(
        arguments: [
            (0, true, SessionOutcome.Ending.complete, nil, false),
            (1, true, .complete, nil, false),
            (2, true, .complete, nil, false),
            (4, true, .failed, 500, true),
            (99, true, .unknownStatus(99), 500, true),
            (1, false, .silent, 500, false),
            (4, false, .failed, 500, false),
        ] as [(Int, Bool, SessionOutcome.Ending, Int?, Bool)])
    func theReturnCodeDecidesTheOutcome(
        code: Int, answers: Bool, ending: SessionOutcome.Ending, logStatus: Int?, closes: Bool
    ) throws {
        let test = try TestExtension(
            """
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
              if (\(answers ? 1 : 0)) { head(ecb, "200 OK", ""); put(ecb, "sent"); }
              return \(code);
            }
            """)
        defer { test.close() }
        let answer = test.answer()
        #expect(answer.outcome?.ending == ending)
        #expect(answer.outcome?.logStatus == logStatus)
        #expect(answer.outcome?.closesConnection == closes)
        #expect(answer.bodyText == (answers ? "sent" : ""))
    }

    @Test func aPendingRequestIsFinishedFromAnotherThread() throws {
        let test = try TestExtension(
            """
            static pthread_t threads[2000];
            static int started;
            BOOL WINAPI TerminateExtension(DWORD flags) {
              for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
              return TRUE;
            }
            static void *later(void *argument) {
              EXTENSION_CONTROL_BLOCK *ecb = argument;
              head(ecb, "200 OK", "");
              put(ecb, "later");
              ecb->dwHttpStatusCode = 299;
              strcpy(ecb->lpszLogData, "note");
              done(ecb, HSE_STATUS_SUCCESS);
              return NULL;
            }
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
              pthread_create(&threads[__atomic_fetch_add(&started, 1, __ATOMIC_RELAXED)], NULL, later, ecb);
              return HSE_STATUS_PENDING;
            }
            """, threads: 4)
        defer { test.close() }
        for _ in 0..<200 {
            let workers = (0..<8).map { _ in TestWorker() }
            for worker in workers { #expect(worker.send("GET / HTTP/1.1\r\n\r\n", to: test)) }
            for worker in workers {
                worker.finish()
                #expect(worker.bodyText == "later")
                #expect(worker.outcome?.logStatus == 299)
                #expect(worker.logText == "note")
            }
        }
    }

    @Test func doneBeforeTheReturnOfAnyCodeEndsTheRequestOnce() throws {
        let test = try TestExtension(
            """
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
              head(ecb, "200 OK", "");
              put(ecb, "early");
              done(ecb, HSE_STATUS_SUCCESS);
              return atoi(ecb->lpszQueryString);
            }
            """)
        defer { test.close() }
        for code in [1, 3, 4] {
            let answer = test.answer("GET /?\(code) HTTP/1.1\r\n\r\n")
            #expect(answer.bodyText == "early")
            #expect(answer.outcome?.ending == .complete)
        }
    }

    @Test func pendingWithOutputIsNotifiedAndMoreOnlyWhenPrompt() throws {
        let test = try TestExtension(
            """
            static EXTENSION_CONTROL_BLOCK *kept;
            __declspec(dllexport) void more(void) { put(kept, "two"); }
            __declspec(dllexport) void finish(void) { done(kept, 1); }
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
              kept = ecb;
              head(ecb, "200 OK", "");
              put(ecb, "one");
              return HSE_STATUS_PENDING;
            }
            """)
        defer { test.close() }
        let call = LibraryCalls(test)
        let worker = TestWorker()
        #expect(worker.send("GET / HTTP/1.1\r\n\r\n", to: test))
        worker.waitForNotification()
        worker.look()
        #expect(worker.bodyText == "one")
        worker.session.setPrompt()
        call("more")
        worker.waitForNotification()
        worker.look()
        #expect(worker.bodyText == "onetwo")
        call("finish")
        worker.finish()
        #expect(!worker.isWhole)
    }

    @Test func aFastWriterIsHeldBackAndLosesNothing() throws {
        let test = try TestExtension(
            """
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
              char *block = malloc(1000000);
              memset(block, 'x', 1000000);
              head(ecb, "200 OK", "");
              DWORD size = 1000000;
              BOOL ok = ecb->WriteClient(ecb->ConnID, block, &size, 0);
              free(block);
              if (!ok || size != 1000000) return HSE_STATUS_ERROR;
              for (int i = 0; i < 1000; i++) put(ecb, "0123456789");
              return HSE_STATUS_SUCCESS;
            }
            """)
        defer { test.close() }
        let answer = test.answer()
        #expect(answer.body.count == 1_010_000)
        #expect(answer.outcome?.ending == .complete)
        #expect(answer.bodyText.hasSuffix("0123456789"))
    }

    @Test func aWriterThatWaitsFailsWithConnectionResetWhenTheWorkerAbandonsIt() throws {
        let test = try TestExtension(
            """
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
              char *block = calloc(1, 1000000);
              head(ecb, "200 OK", "");
              DWORD size = 1000000;
              BOOL ok = ecb->WriteClient(ecb->ConnID, block, &size, 0);
              DWORD error = GetLastError();
              BOOL connected = TRUE;
              ecb->ServerSupportFunction(ecb->ConnID, HSE_REQ_IS_CONNECTED, &connected, NULL, NULL);
              free(block);
              FILE *file = fopen(ecb->lpszQueryString, "w");
              fprintf(file, "%d %u %d", ok, error, connected);
              fclose(file);
              return HSE_STATUS_SUCCESS;
            }
            """)
        let report = test.folder.appendingPathComponent("report")
        let worker = TestWorker()
        #expect(worker.send("GET /?\(report.path) HTTP/1.1\r\n\r\n", to: test))
        worker.waitForNotification()
        worker.session.abandon()
        test.pool.stop(within: .seconds(10))
        #expect(try String(contentsOf: report, encoding: .utf8) == "0 10054 0")
        test.close()
    }

    @Test func aSessionAbandonedWhileItWaitsNeverRuns() throws {
        let test = try TestExtension(
            """
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) { abort(); }
            """)
        defer { test.close() }
        let submissions = PoolSubmissionQueue(test.pool)
        let worker = TestWorker()
        worker.beginOnly(test)
        #expect(submissions.add(worker.session))
        worker.session.abandon()
        submissions.flush()
    }

    @Test func aFullQueueRefusesTheSession() throws {
        let test = try TestExtension(
            "static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) { return 1; }", queueLimit: 2)
        defer { test.close() }
        let submissions = PoolSubmissionQueue(test.pool)
        // The waiting requests and those of the free threads; none of them has reached a thread before the flush.
        let room = 2 + test.pool.threadCount
        let workers = (0...room).map { _ in TestWorker() }
        for worker in workers { worker.beginOnly(test) }
        for worker in workers.dropLast() { #expect(submissions.add(worker.session)) }
        #expect(!submissions.add(workers[room].session))
        workers[room].session.withdraw()
        submissions.flush()
        for worker in workers.dropLast() { worker.finish() }
    }

    @Test func theBodyIsReadAheadAndThenOnDemand() throws {
        let test = try TestExtension(
            """
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
              char buffer[700];
              DWORD total = ecb->cbAvailable, sum = 0;
              for (DWORD i = 0; i < total; i++) sum += ecb->lpbData[i];
              if (ecb->lpbData[total] != 0) return HSE_STATUS_ERROR;
              for (;;) {
                DWORD size = sizeof buffer;
                if (!ecb->ReadClient(ecb->ConnID, buffer, &size)) return HSE_STATUS_ERROR;
                if (size == 0) break;
                for (DWORD i = 0; i < size; i++) sum += (unsigned char)buffer[i];
                total += size;
              }
              sprintf(buffer, "%u %u %u %u", ecb->cbTotalBytes, ecb->cbAvailable, total, sum);
              head(ecb, NULL, NULL);
              put(ecb, buffer);
              return HSE_STATUS_SUCCESS;
            }
            """)
        defer { test.close() }
        let body = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
        let sum = body.reduce(0) { $0 + Int($1) }
        let known = test.answer("POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n", body: body)
        #expect(known.bodyText == "100000 49152 100000 \(sum)")
        let chunked = test.answer("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", body: body, readAhead: 10)
        #expect(chunked.bodyText == "4294967295 10 100000 \(sum)")
        let none = test.answer()
        #expect(none.bodyText == "0 0 0 0")
    }

    @Test func aReaderThatWaitsFailsWithConnectionResetWhenTheBodyFails() throws {
        let test = try TestExtension(
            """
            static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb) {
              char buffer[100];
              DWORD size = sizeof buffer;
              BOOL ok = ecb->ReadClient(ecb->ConnID, buffer, &size);
              sprintf(buffer, "%d %u %u", ok, size, ok ? 0 : GetLastError());
              head(ecb, NULL, NULL);
              put(ecb, buffer);
              return HSE_STATUS_SUCCESS;
            }
            """)
        defer { test.close() }
        let worker = TestWorker(body: [1])
        #expect(worker.send("POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n", to: test, readAhead: 0))
        worker.waitForNotification()
        #expect(worker.session.takeEvents().isBodyWanted)
        worker.session.bodyFailed()
        worker.finish()
        #expect(worker.bodyText == "0 0 10054")
    }
}
