import CISAPI
import Glibc
import HTTP

/// A library whose code runs in the processes of a pool.
@safe
package final class IsolatedModule: ExtensionModule, @unchecked Sendable {
    private let pool: ProcessPool
    /// The library's number in the pool.
    private let library: Int

    init(_ library: PoolLibrary, _ index: Int, in pool: ProcessPool, version: UInt32, description: String) {
        self.pool = pool
        self.library = index
        super.init(name: library.name, path: library.path, version: version, description: description)
    }

    override func call(
        _ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>, for session: ExtensionSession
    ) -> Ending {
        let key = pool.affinityKey(of: session)
        for _ in 0..<ProcessPool.attempts {
            guard let process = pool.reserveProcess(key: key) else { return .unavailable }
            switch unsafe process.run(session, block, library: library) {
            case .returned(let status): return .returned(status)
            case .ended(let ending): return .processEnded(ending)
            case .notEntered: continue
            }
        }
        return .unavailable
    }

    private static let batchLimit = 32

    override var batchLimit: Int { pool.launch.settings.affinity == .none ? Self.batchLimit : 1 }

    override func run(_ batch: SessionBatch) {
        guard let process = pool.reserveProcess(key: nil) else {
            while let member = batch.current {
                batch.advance()
                member.session.with { $0.endBatchedRun(.unavailable) }
            }
            return
        }
        if process.run(batch, library: library, wornAt: pool.launch.settings.recycling.requests) { pool.noteWorn() }
    }

    override func complete(
        _ completion: AsyncOperation.Completion, _ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>,
        read: IsolatedRead?, for session: ExtensionSession
    ) {
        let process = session.state.withLock { $0.process }
        unsafe process?.complete(completion, block, read)
    }

    override func requestTimedOut(_ session: ExtensionSession) {
        guard pool.launch.settings.recyclesOnTimeout, let process = session.state.withLock({ $0.process }) else {
            return
        }
        pool.recycle(process, .requestTimeout)
    }

    package override func recycle(_ reason: EndReason) -> Bool {
        pool.recycle(reason)
        return true
    }

    @discardableResult
    package override func terminate(_ termination: Termination) -> Bool {
        pool.terminate(library, termination)
    }

    @discardableResult
    package override func unload() -> Bool {
        pool.leave()
        return true
    }
}
