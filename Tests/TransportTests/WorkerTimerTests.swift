import Synchronization
import TestSupport
import Testing

@testable import Transport

@Suite("The timer of a worker") struct WorkerTimerTests {
    @Test func `It fires once, not before its time, and may be set again`() async throws {
        try await withWorker { worker in
            try await worker.run {
                var fired: [Deadline] = []
                let (descriptor, _) = socketPair()
                let endpoint = Endpoint.open(descriptor, on: worker)
                let timer = WorkerTimer(worker) {
                    fired.append(worker.now)
                    endpoint.signalAtOnce()
                }
                for round in 1...2 {
                    let due = worker.now.advanced(by: .milliseconds(20))
                    timer.set(due)
                    #expect(timer.due == due)
                    let limit = worker.now.advanced(by: .seconds(30))
                    #expect(await endpoint.wait(for: .signal, until: limit) == .signalled)
                    #expect(fired.count == round && fired[round - 1] >= due && timer.due == .never)
                }
                timer.cancel()
                endpoint.close()
            }
        }
    }

    @Test func `A timer that was moved or cancelled does not fire at its old time`() async throws {
        try await withWorker { worker in
            try await worker.run {
                var count = 0
                let (descriptor, _) = socketPair()
                let endpoint = Endpoint.open(descriptor, on: worker)
                let (moved, cancelled) = (WorkerTimer(worker) { count += 1 }, WorkerTimer(worker) { count += 1 })
                moved.set(worker.now.advanced(by: .milliseconds(5)))
                moved.set(worker.now.advanced(by: .seconds(3600)))
                cancelled.set(worker.now.advanced(by: .milliseconds(5)))
                cancelled.cancel()
                let limit = worker.now.advanced(by: .milliseconds(50))
                #expect(await endpoint.wait(for: .signal, until: limit) == .deadline)
                #expect(count == 0)
                moved.cancel()
                endpoint.close()
            }
        }
    }
}
