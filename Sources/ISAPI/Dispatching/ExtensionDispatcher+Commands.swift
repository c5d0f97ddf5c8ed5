import Glibc
import HTTP

/// What an extension requests of the worker besides sending output: close, a child request, sending of files and
/// vectors.
extension ExtensionDispatcher {
    /// Runs the commands of the session; false when the request has ended for the client.
    ///
    /// Separate from the loop, whose frame every pending request keeps.
    @inline(never)
    func runCommands(
        _ session: ExtensionSession, _ framed: ChunkedBody?, _ exchange: Exchange
    ) async throws(ExchangeFailure) -> Bool {
        while let command = session.takeCommand() {
            switch command {
            case .close:
                if !exchange.isResponseFinished { exchange.abandonResponse() }
                session.abandon()
                return false
            case .child(let request):
                let page = request.error.map { exchange.request(for: request.target ?? [], $0) }
                switch try await exchange.answer(as: page ?? request, for: self) {
                case .answered(let status):
                    session.childEnded(status: status, substatus: exchange.logSubstatus, isAnswered: true, on: worker)
                case .refused(let rejection):
                    session.childEnded(status: rejection.status, substatus: 0, isAnswered: false, on: worker)
                case .tooDeep:
                    report("internal requests stand too deep in each other", exchange)
                    session.childEnded(status: 500, substatus: 0, isAnswered: false, on: worker)
                }
            case .transfer:
                let failure = try await transfer(session, framed, exchange)
                guard session.transferEnded(failure, on: worker) else { continue }
                finish(framed, exchange)
                exchange.closeAfterResponse()
                try await exchange.disconnect()
            }
        }
        return true
    }

    /// Sends the data of an operation; returns the failure if not all of it was sent.
    private func transfer(
        _ session: ExtensionSession, _ framed: ChunkedBody?, _ exchange: Exchange
    ) async throws(ExchangeFailure) -> CallFailure? {
        while true {
            let step = session.stepTransfer { bytes in write(bytes, framed, exchange) }
            switch step {
            case .wrote: try await exchange.flush()
            case .file(let file, let offset, let count):
                guard exchange.isResponseBegun, !exchange.isResponseFinished else { continue }
                guard framed == nil else {
                    guard try await sendFramed(file, offset, count, framed, exchange) else { return .endOfFile }
                    continue
                }
                guard try await exchange.sendFile(file.file, from: offset, count: count) else {
                    exchange.cutResponse()
                    return .endOfFile
                }
            case .ended:
                try await exchange.flush()
                return nil
            }
        }
    }

    /// Sends part of a file that belongs to a body the extension frames itself; false when the file ends before.
    private func sendFramed(
        _ file: TransferFile, _ start: UInt64, _ count: UInt64, _ framed: ChunkedBody?, _ exchange: Exchange
    ) async throws(ExchangeFailure) -> Bool {
        var offset = start
        while offset < start + count {
            let block = exchange.endpoint.worker.rentBlock()
            let wanted = Int(min(UInt64(Self.fileBlock), start + count - offset))
            let got = unsafe pread(file.file.number, block.baseAddress, wanted, off_t(offset))
            if got > 0 { write(block.view[..<got], framed, exchange) }
            exchange.endpoint.worker.returnBlock(block)
            guard got > 0 else {
                exchange.cutResponse()
                return false
            }
            offset += UInt64(got)
            try await exchange.flush()
        }
        return true
    }

    private static let fileBlock = 64 << 10
}

extension ExtensionDispatcher {
    /// The request ends without the extension, whose further calls fail.
    func abandon(_ session: ExtensionSession, _ exchange: Exchange) {
        if exchange.keepsTimes {
            let times = session.timesUntilNow
            exchange.noteExtensionTimes(waited: times.waited, ran: times.ran)
        }
        session.abandon()
    }

    static func message(_ status: Int, _ text: String, retryAfter: Int? = nil) -> FixedResponse {
        var fields = [("Content-Type", "text/plain; charset=utf-8")]
        if let retryAfter { fields.append(("Retry-After", "\(retryAfter)")) }
        return FixedResponse(
            status: status, fields: fields.map { (name: $0.0, value: $0.1) },
            body: Array("\(status) \(StatusCode.reason(status)): \(text)\n".utf8))
    }
}
