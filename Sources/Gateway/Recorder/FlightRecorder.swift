import HTTP
import Memory
import Transport

/// The last requests of one worker: their heads without secrets, what was decided about them and how long that took.
///
/// Used by the thread of the worker only. Memory is fixed, and nothing is allocated for a request.
@safe
final class FlightRecorder {
    private var settings: RecorderConfiguration
    private var ring: RequestRing
    private var room: OwnedBytes
    private var fields: SecretNames
    private var parameters: SecretNames
    private let worker: Unretained<Worker>
    /// The number of the next record, from 1.
    private var next: UInt64 = 1

    /// - Parameter worker: has to stay alive as long as the recorder.
    init(_ settings: RecorderConfiguration, worker: Worker) {
        self.settings = settings
        unsafe self.worker = Unretained(unchecked: worker)
        ring = RequestRing(limit: settings.requests, size: settings.memory)
        room = OwnedBytes(count: RecordLayout.size(head: settings.head))
        fields = .fields(settings.maskedFields)
        parameters = .parameters(settings.maskedParameters)
    }

    /// Goes on with other settings; what was recorded stays as far as the new size permits.
    func configure(_ new: RecorderConfiguration) {
        guard new != settings else { return }
        if new.requests != settings.requests || new.memory != settings.memory {
            var other = RequestRing(limit: new.requests, size: new.memory)
            ring.visit { record in
                other.append(record)
                return true
            }
            ring = other
        }
        if new.head != settings.head { room = OwnedBytes(count: RecordLayout.size(head: new.head)) }
        fields = .fields(new.maskedFields)
        parameters = .parameters(new.maskedParameters)
        settings = new
    }

    // MARK: Recording

    /// Called for an exchange that has ended, or has become a tunnel.
    func record(_ exchange: Exchange, on listener: String) {
        let isCut = exchange.isCut
        let hasFailed = isCut || exchange.status >= 400
        guard hasFailed || settings.kept == .all else { return }
        let now = worker.with { $0.now }
        var writer = RecordWriter(room.room, head: settings.head)
        let isUnderstood = !exchange.head.methodToken.isEmpty
        append(exchange, on: listener, isUnderstood: isUnderstood, to: &writer)
        putNumbers(of: exchange, until: now, in: writer)
        var flags: RecordLayout.Flags = hasFailed ? .failed : []
        if isCut { flags.insert(.cut) }
        if writer.isHeadCut { flags.insert(.headIsCut) }
        if exchange.withConnection({ $0.stream.isSecure }) { flags.insert(.secure) }
        if isUnderstood, exchange.receivedBodyBytes > 0 || exchange.head.framing != .none { flags.insert(.hasBody) }
        writer.put(flags.rawValue, at: RecordLayout.flags)
        writer.put(UInt16(writer.fieldCount), at: RecordLayout.fieldCount)
        writer.put(next, at: RecordLayout.sequence)
        next += 1
        ring.append(room.view[..<writer.count])
    }

    private func putNumbers(of exchange: Exchange, until now: Deadline, in writer: RecordWriter) {
        writer.put(now.milliseconds, at: RecordLayout.ended)
        writer.put(exchange.contentBytes, at: RecordLayout.responseBytes)
        writer.put(exchange.receivedBodyBytes, at: RecordLayout.requestBytes)
        writer.put(milliseconds: now.milliseconds - exchange.began.milliseconds, at: RecordLayout.milliseconds)
        writer.put(milliseconds: exchange.headMilliseconds, at: RecordLayout.headMilliseconds)
        writer.put(milliseconds: exchange.queueMilliseconds(now: now), at: RecordLayout.queueMilliseconds)
        writer.put(milliseconds: exchange.connectMilliseconds(now: now), at: RecordLayout.connectMilliseconds)
        writer.put(milliseconds: exchange.waitMilliseconds(now: now), at: RecordLayout.waitMilliseconds)
        writer.put(milliseconds: exchange.responseMilliseconds(now: now), at: RecordLayout.responseMilliseconds)
        writer.put(milliseconds: exchange.clientMilliseconds(now: now), at: RecordLayout.clientMilliseconds)
        writer.put(exchange.measures.tag, at: RecordLayout.tag)
        writer.put(UInt16(clamping: exchange.status), at: RecordLayout.status)
        writer.put(UInt16(clamping: max(0, exchange.logAttempts - 1)), at: RecordLayout.retries)
    }

    /// The texts in the order of `RecordLayout.Text`, then the fields.
    private func append(
        _ exchange: Exchange, on listener: String, isUnderstood: Bool, to writer: inout RecordWriter
    ) {
        let head = exchange.head
        withTemporaryBytes(SocketAddress.maximumHostText) { room in
            let count = exchange.clientAddress.writeHost(to: room)
            writer.append(room[..<count].view)
        }
        writer.append(listener)
        writer.append(exchange.withConnection { $0.stream.security?.protocolName })
        writer.append(isUnderstood ? exchange.bytes(of: head.methodToken) : ByteView())
        writer.append(isUnderstood ? ByteView(head.version.name) : ByteView())
        writer.append(isUnderstood ? exchange.bytes(of: head.authority) : ByteView())
        writer.append(target: isUnderstood ? exchange.bytes(of: head.target) : ByteView(), masking: parameters)
        writer.append(exchange.logReason.map { ByteView($0) } ?? ByteView())
        if isUnderstood { exchange.requestID.withBytes { writer.append($0) } } else { writer.append() }
        if isUnderstood, let context = exchange.traceContext {
            context.withTraceText { writer.append($0) }
        } else {
            writer.append()
        }
        writer.append(exchange.logExtension)
        writer.append(exchange.logPool)
        writer.append(exchange.logUpstream)
        writer.append(exchange.logServer)
        guard isUnderstood else { return }
        let slices = exchange.fields
        for index in 0..<head.fieldCount {
            writer.append(
                field: exchange.bytes(of: slices[index].name), exchange.bytes(of: slices[index].value),
                masking: fields, parameters)
        }
    }

    // MARK: Reading

    /// Copies the records that match out, from the oldest on.
    func collect(_ query: TraceQuery) -> CollectedRecords {
        var collected = CollectedRecords(last: next - 1)
        if let after = query.sequence(before: worker.with { $0.index }) {
            collectOldest(query, after: after, &collected)
        } else {
            collectNewest(query, &collected)
        }
        return collected
    }

    /// Those behind a number, as many as are permitted; `last` is the number of the last one that was examined.
    private func collectOldest(_ query: TraceQuery, after: UInt64, _ collected: inout CollectedRecords) {
        var bytes = 0
        var isFirst = true
        ring.visit { bytesOfRecord in
            let record = RecordView(bytesOfRecord)
            if isFirst, record.sequence > after + 1 { collected.missed = record.sequence - after - 1 }
            isFirst = false
            guard record.sequence > after, query.matches(record) else { return true }
            guard collected.records.count < query.limit, bytes < query.byteLimit else {
                collected.last = record.sequence - 1
                return false
            }
            bytes += bytesOfRecord.count
            collected.records.append(Array(bytesOfRecord))
            return true
        }
    }

    private func collectNewest(_ query: TraceQuery, _ collected: inout CollectedRecords) {
        var sizes: [Int] = []
        ring.visit { record in
            if query.matches(RecordView(record)) { sizes.append(record.count) }
            return true
        }
        var bytes = 0
        let wanted = sizes.reversed().prefix(query.limit).prefix { size in
            bytes += size
            return bytes <= query.byteLimit
        }
        var skipped = sizes.count - wanted.count
        ring.visit { record in
            guard query.matches(RecordView(record)) else { return true }
            if skipped > 0 { skipped -= 1 } else { collected.records.append(Array(record)) }
            return true
        }
    }
}
