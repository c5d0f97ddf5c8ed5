import HTTP
import Memory
import Transport

/// Two connections that have switched to another protocol: bytes are passed through uninterpreted, in both directions.
///
/// It uses buffers only while bytes wait for a slow side; an idle tunnel is two endpoints and a task.
final class Tunnel: ConnectionSuccessor {
    private let server: UpstreamConnection
    private let idleTimeout: Delay
    /// The same once one side has finished: a client that has disconnected looks like one that still reads.
    private let finishTimeout: Delay
    private let counters: TunnelCounters
    private var tally = SuccessionTally()
    /// The part of `tally` that has been added to the counters.
    private var counted = SuccessionTally()
    private var toServer = Direction()
    private var toClient = Direction()

    /// One direction: bytes that were read and not yet accepted by the other side.
    @safe
    private struct Direction {
        var block: MutableByteView?
        var start = 0
        var end = 0
        /// The source has finished, and the destination was notified.
        var isOver = false
    }

    /// - Parameter ahead: bytes that the server has already sent to the client.
    init(
        to server: UpstreamConnection, idleTimeout: Delay, finishTimeout: Delay, counters: TunnelCounters, ahead: Int
    ) {
        self.server = server
        self.idleTimeout = idleTimeout
        self.finishTimeout = finishTimeout.milliseconds < idleTimeout.milliseconds ? finishTimeout : idleTimeout
        self.counters = counters
        tally.toClient = UInt64(ahead)
        counters.opened()
    }

    /// Bytes the client sent before it could receive the response.
    func sendFirst(_ bytes: ByteView) {
        guard !bytes.isEmpty else { return }
        let block = server.endpoint.worker.rentBlock()
        precondition(bytes.count <= block.count, "a block has room for what a connection reads at once")
        block.copy(bytes)
        toServer.block = block
        toServer.end = bytes.count
        tally.fromClient += UInt64(bytes.count)
    }

    func connectionLost() {
        giveBack(&toServer)
        server.reset()
        counters.closed()
    }

    func take(_ client: any ByteStream) async -> SuccessionTally {
        let isClean = await carry(client)
        giveBack(&toServer)
        giveBack(&toClient)
        count()
        counters.closed()
        if isClean {
            server.close()
            client.finish()
            client.endpoint.close()
        } else {
            server.reset()
            await client.closeBroken()
        }
        return tally
    }

    private func count() {
        counters.add(tally, beyond: counted)
        counted = tally
    }

    /// Moves bytes until both sides have finished (true), or one fails or the tunnel idles for too long (false).
    private func carry(_ client: any ByteStream) async -> Bool {
        let worker = client.endpoint.worker
        var deadline = worker.now.advanced(by: idleTimeout)
        while true {
            let wasWhole = isWhole
            var clientInterest: Interest = .hangup
            var serverInterest: Interest = .hangup
            var hasMoved = false
            for isUpward in [true, false] {
                let source = isUpward ? client : server.stream
                let destination = isUpward ? server.stream : client
                var direction = isUpward ? toServer : toClient
                let step = move(&direction, from: source, to: destination)
                if isUpward { toServer = direction } else { toClient = direction }
                switch step {
                case .failed: return false
                case .waits(let reading, let writing, let moved):
                    if isUpward { tally.fromClient += UInt64(moved) } else { tally.toClient += UInt64(moved) }
                    hasMoved = hasMoved || moved > 0
                    clientInterest = clientInterest | (isUpward ? reading : writing)
                    serverInterest = serverInterest | (isUpward ? writing : reading)
                }
            }
            if toServer.isOver && toClient.isOver { return true }
            if hasMoved || wasWhole != isWhole {
                deadline = worker.now.advanced(by: isWhole ? idleTimeout : finishTimeout)
                count()
            }
            switch await client.endpoint.wait(
                for: clientInterest, or: serverInterest, on: server.endpoint, until: deadline)
            {
            case .ready, .signalled, .draining: continue
            case .hangup, .deadline, .aborted: return false
            }
        }
    }

    /// Whether neither side has finished.
    private var isWhole: Bool { !toServer.isOver && !toClient.isOver }

    private enum Step {
        /// The events to wait for at the source and at the destination, and how many bytes were moved.
        case waits(Interest, Interest, moved: Int)
        case failed
    }

    /// Moves bytes as far as possible without waiting, up to a limit that gives other connections their turn.
    private func move(
        _ direction: inout Direction, from source: any ByteStream, to destination: any ByteStream
    ) -> Step {
        var moved = 0
        while !direction.isOver {
            switch drain(&direction, to: destination) {
            case .failed, .end: return .failed
            case .wouldBlock(let interest): return .waits([], interest, moved: moved)
            case .bytes: break
            }
            let block = direction.block ?? server.endpoint.worker.rentBlock()
            direction.block = block
            switch source.read(into: block[..<Self.pieceSize]) {
            case .bytes(let count):
                direction.end = count
                moved += count
            case .wouldBlock(let interest):
                giveBack(&direction)
                return .waits(interest, [], moved: moved)
            case .end:
                giveBack(&direction)
                direction.isOver = true
                destination.finish()
            case .failed: return .failed
            }
        }
        return .waits([], [], moved: moved)
    }

    private static let pieceSize = 64 << 10

    /// Sends the buffered bytes to the destination; `.bytes` when none are left.
    private func drain(_ direction: inout Direction, to destination: any ByteStream) -> IOResult {
        while let block = direction.block, direction.start < direction.end {
            let result = destination.write(
                block.view[direction.start..<direction.end])
            guard case .bytes(let count) = result else { return result }
            direction.start += count
        }
        direction.start = 0
        direction.end = 0
        return destination.flush()
    }

    private func giveBack(_ direction: inout Direction) {
        guard let block = direction.block else { return }
        direction.block = nil
        server.endpoint.worker.returnBlock(block)
    }
}
