import Synchronization
import Testing
import TestSupport

@testable import Transport

@Suite("Worker")
struct WorkerTests {
    @Test("A task of a worker runs on its thread, also after a wait")
    func runsTasks() async throws {
        try await withWorker { worker in
            #expect(!worker.isCurrent)
            let (descriptor, peer) = socketPair()
            try await worker.run {
                #expect(worker.isCurrent)
                let endpoint = Endpoint.open(descriptor, on: worker)
                peer.send("x")
                #expect(await endpoint.wait(for: .readable, until: .never) == .ready)
                #expect(worker.isCurrent)
                endpoint.close()
            }
        }
    }

    @Test("A task that gives way goes on in the next turn")
    func goesOnAfterGivingWay() async throws {
        try await withWorker { worker in
            try await worker.run {
                for _ in 0..<3 { await worker.nextTurn() }
                #expect(worker.isCurrent)
            }
        }
    }

    @Test("Every action from every thread is performed on the worker's thread")
    func performsActions() async throws {
        let performed = Counter()
        try await withWorker { worker in
            await withTaskGroup { group in
                for _ in 0..<8 {
                    group.addTask { @concurrent in
                        for _ in 0..<500 {
                            worker.perform { if $0.isCurrent { performed.increment() } }
                        }
                    }
                }
            }
        }
        #expect(performed.count == 4000)
    }

    @Test("Actions of one thread are performed in their order")
    func keepsOrder() async throws {
        let order = Mutex<[Int]>([])
        try await withWorker { worker in
            for number in 0..<1000 { worker.perform { _ in order.withLock { $0.append(number) } } }
        }
        #expect(order.withLock { $0 } == Array(0..<1000))
    }

    @Test("An action for the end of the turn runs once, after the turn's tasks")
    func endsTurns() async throws {
        let action = CountingAction()
        try await withWorker { worker in
            try await worker.run {
                worker.atEndOfTurn(action)
                await Task.yield()
                #expect(action.count == 0)
            }
            try await worker.run { #expect(action.count == 1) }
            try await worker.run { #expect(action.count == 1) }
        }
    }

    @Test("An action for the end of the turn may add another, which runs in the same turn")
    func endsTurnsWithAddedActions() async throws {
        let added = CountingAction()
        try await withWorker { worker in
            try await worker.run { worker.atEndOfTurn(AddingAction(added, to: worker)) }
            try await worker.run { #expect(added.count == 1) }
            try await worker.run { #expect(added.count == 1) }
        }
    }

    @Test("Connections are counted from opening to closing")
    func countsConnections() async throws {
        try await withWorker { worker in
            try await worker.run {
                let endpoints = (0..<3).map { _ in Endpoint.open(socketPair().descriptor, on: worker) }
                #expect(worker.connectionCount == 3)
                for endpoint in [endpoints[1], endpoints[0], endpoints[2]] { endpoint.close() }
                #expect(worker.connectionCount == 0)
            }
        }
    }

    @Test("A stopped worker goes on until its last connection has ended")
    func servesToTheEnd() async throws {
        let (descriptor, peer) = socketPair()
        let served = Counter()
        try await withWorker { worker in
            worker.perform { worker in
                let endpoint = Endpoint.open(descriptor, on: worker)
                Task(executorPreference: worker) {
                    if await endpoint.wait(for: .readable, until: .never) == .ready { served.increment() }
                    endpoint.close()
                }
                worker.stop()
            }
            peer.send("x")
            _ = peer.receiveToEnd()
        }
        #expect(served.count == 1)
    }

    @Test("A returned block is lent again")
    func lendsBlocks() throws {
        let worker = try Worker(index: 0)
        let first = worker.rentBlock()
        let second = worker.rentBlock()
        let firstAddress = unsafe Int(bitPattern: first.baseAddress)
        let secondAddress = unsafe Int(bitPattern: second.baseAddress)
        #expect(firstAddress != secondAddress)
        worker.returnBlock(first)
        let third = worker.rentBlock()
        #expect(unsafe Int(bitPattern: third.baseAddress) == firstAddress)
        worker.returnBlock(second)
        worker.returnBlock(third)
    }
}

/// Counts from any thread.
private final class Counter: Sendable {
    private let value = Atomic(0)

    var count: Int { value.load(ordering: .relaxed) }

    func increment() {
        value.add(1, ordering: .relaxed)
    }
}

/// Counts the turns that ended; touched by one worker.
private final class CountingAction: TurnEndAction, @unchecked Sendable {
    private(set) var count = 0

    func turnEnded() { count += 1 }
}

/// Adds another action when the turn ends.
private final class AddingAction: TurnEndAction, @unchecked Sendable {
    private let other: CountingAction
    private unowned let worker: Worker

    init(_ other: CountingAction, to worker: Worker) {
        self.other = other
        self.worker = worker
    }

    func turnEnded() { worker.atEndOfTurn(other) }
}
