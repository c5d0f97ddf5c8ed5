// HEADERS and CONTINUATION.
extension HTTP2Connection {
    /// The maximum size of an encoded field block in bytes. Encoding never makes fields longer than the limit counts
    /// them.
    private var largestBlock: Int { max(limits.head.maximumHead, FrameHeader.defaultMaximumLength) }

    mutating func takeHeaders(
        _ header: FrameHeader, _ payload: RawSpan, into request: inout RequestAssembly, output: inout OutputBuffer,
        now: Int64
    ) throws(HTTP2Fault) -> HTTP2Event? {
        guard header.stream != 0 else { throw .frameOnWrongStream }
        guard header.stream % 2 == 1 else { throw .invalidStreamID }
        let frame = try HeadersFrame(header, payload)
        let fragment = payload.extracting(frame.fragment)
        let dependsOnItself = frame.dependency == header.stream
        guard frame.endsBlock else {
            try block.begin(
                header, endsStream: frame.endsStream, dependsOnItself: dependsOnItself, fragment, limit: largestBlock)
            return nil
        }
        try decoder.decode(fragment, into: &request.fields)
        return try takeFields(
            of: header.stream, endsStream: frame.endsStream, dependsOnItself: dependsOnItself, into: &request,
            output: &output, now: now)
    }

    mutating func takeContinuation(
        _ header: FrameHeader, _ payload: RawSpan, into request: inout RequestAssembly, output: inout OutputBuffer,
        now: Int64
    ) throws(HTTP2Fault) -> HTTP2Event? {
        guard block.stream != 0 else { throw .unexpectedContinuation }
        try block.take(payload, limit: largestBlock, maximumContinuations: limits.maximumContinuations)
        guard ContinuationFrame.endsBlock(header) else { return nil }
        let (endsStream, dependsOnItself) = (block.endsStream, block.dependsOnItself)
        try decoder.decode(block.bytes.bytes, into: &request.fields)
        block.removeAll()
        return try takeFields(
            of: header.stream, endsStream: endsStream, dependsOnItself: dependsOnItself, into: &request,
            output: &output, now: now)
    }

    /// Processes a decoded field block. Every block must be decoded, whether or not its stream is still open.
    private mutating func takeFields(
        of id: UInt32, endsStream: Bool, dependsOnItself: Bool, into request: inout RequestAssembly,
        output: inout OutputBuffer, now: Int64
    ) throws(HTTP2Fault) -> HTTP2Event? {
        if id > lastStream {
            if dependsOnItself {
                lastStream = id
                return try refuse(id, .streamDependsOnItself, output: &output, now: now)
            }
            return try open(id, endsStream: endsStream, request: &request, output: &output, now: now)
        }
        guard let reference = streams.find(id) else {
            var state = stateOfMissing(id)
            guard case .fault(let fault) = state.receive(.headers(endsStream: endsStream)) else {
                try charge(.unknownFrames, now: now)
                return nil
            }
            return try refuse(id, fault, output: &output, now: now)
        }
        if dependsOnItself { return try refuse(id, .streamDependsOnItself, output: &output, now: now) }
        if let fault = receiveTrailers(request, endsStream: endsStream, on: reference) {
            return try refuse(id, fault, output: &output, now: now)
        }
        if streams[reference].state.isClosed { forget(reference) }
        return .trailers(reference)
    }

    private mutating func receiveTrailers(
        _ request: borrowing RequestAssembly, endsStream: Bool, on reference: StreamReference
    ) -> HTTP2Fault? {
        if case .fault(let fault) = streams[reference].state.receive(.headers(endsStream: endsStream)) { return fault }
        do throws(RequestRejection) {
            try request.checkTrailers()
        } catch {
            return .malformedTrailers
        }
        if let remaining = streams[reference].remainingContent, remaining > 0 { return .contentTooShort }
        return nil
    }

    /// Opens a stream with a request, unless there are too many streams or the request is malformed.
    private mutating func open(
        _ id: UInt32, endsStream: Bool, request: inout RequestAssembly, output: inout OutputBuffer, now: Int64
    ) throws(HTTP2Fault) -> HTTP2Event? {
        lastStream = id
        if case .final(let last) = drain, id > last {
            // The client knows, or will learn, that the stream is not processed.
            try charge(.refusedStreams, now: now)
            closedStreams.remember(id, .resetByUs)
            return nil
        }
        requestCount += 1
        guard streams.count < limits.maximumStreams else {
            return try refuse(id, .tooManyStreams, output: &output, now: now)
        }
        do throws(RequestRejection) {
            try request.assemble(endsStream: endsStream)
        } catch {
            // A malformed request is reset (RFC 9113 §8.1.1); one that is too large or that cannot be served is
            // answered.
            if error.status == 400 {
                _ = try refuse(id, .malformedHead, output: &output, now: now)
                return .malformed(id, error)
            }
            let reference = add(id, endsStream: endsStream, content: nil, StreamPriority(), output: &output)
            return .refused(reference, error, endsStream: endsStream)
        }
        var content: UInt64?
        if case .length(let length) = request.head.framing { content = length }
        let reference = add(
            id, endsStream: endsStream, content: content, request.priority ?? StreamPriority(), output: &output)
        return .request(reference, endsStream: endsStream)
    }

    @inline(__always)
    private mutating func add(
        _ id: UInt32, endsStream: Bool, content: UInt64?, _ priority: StreamPriority, output: inout OutputBuffer
    ) -> StreamReference {
        var state = StreamState.idle
        _ = state.receive(.headers(endsStream: endsStream))
        var stream = HTTP2Stream(
            id: id, state: state, sendWindow: peer.initialWindow, receiveWindow: firstReceiveWindow)
        stream.remainingContent = endsStream ? nil : content
        stream.priority = priority
        if let early = earlyPriorities.take(id) {
            stream.priority = early
            stream.isReprioritized = true
        }
        if !endsStream { widen(&stream, content: content, to: &output) }
        return streams.add(stream)
    }

    /// Enlarges the window of an upload so that it does not limit the transfer, as far as the connection's budget
    /// allows.
    private mutating func widen(_ stream: inout HTTP2Stream, content: UInt64?, to output: inout OutputBuffer) {
        let wanted = Int(clamping: content ?? .max)
        guard wanted > limits.initialWindow else { return }
        stream.share = uploads.take(upTo: wanted - limits.initialWindow)
        guard let increment = stream.receiveWindow.grow(to: stream.receiveWindow.size + stream.share) else { return }
        WindowUpdateFrame.encode(increment, stream: stream.id, to: &output)
    }
}
