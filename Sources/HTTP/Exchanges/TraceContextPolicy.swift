import Memory
import Transport

/// Whose traces are continued, and how many of those that begin here are sampled.
package struct TraceContextPolicy: Sendable, Equatable {
    package let accepted: AcceptedClients
    /// One of this many traces is sampled.
    package let sample: Int

    package init(accepted: AcceptedClients = .nobody, sample: Int = 1) {
        self.accepted = accepted
        self.sample = sample
    }
}

extension Exchange {
    /// The request's place in its trace; every call returns the same. Nil where the gateway takes no part in traces.
    package var traceContext: TraceContext? {
        if let known = storage.value.traceContext { return known.context }
        guard let policy = connection.service.traceContexts else { return nil }
        let context = makeTraceContext(policy)
        storage.value.traceContext = SharedTraceContext(context)
        return context
    }

    private func makeTraceContext(_ policy: TraceContextPolicy) -> TraceContext {
        let words = withConnection { $0.service.requestIDGenerator.makeWords() }
        if policy.accepted.contain(endpoint.remoteAddress.ip), let value = onlyValue(named: TraceContext.parentField),
            let context = TraceContext(continuing: bytes(of: value).bytes, span: words.high)
        {
            return context
        }
        let isSampled = policy.sample == 1 || words.low % UInt64(policy.sample) == 0
        let trace: (high: UInt64, low: UInt64) =
            if case .made(let high, let low) = requestID {
                (high, low)
            } else {
                withConnection { $0.service.requestIDGenerator.makeWords() }
            }
        return TraceContext(beginning: trace, span: words.high, isSampled: isSampled)
    }

    /// Whether a client's field of this name is replaced by the gateway's, or belongs to a trace that is not continued.
    package func isReplacedByTraceContext(_ name: ByteView) -> Bool {
        guard let context = traceContext else { return false }
        return context.replaces(name.bytes)
    }

    /// Appends the field line for upstream servers, if the gateway takes part in traces.
    package func appendTraceContext(to output: inout OutputBuffer) {
        guard let context = traceContext else { return }
        output.append("traceparent: ")
        context.withParentText { output.append($0) }
        output.append("\r\n")
    }
}

extension TraceContext {
    /// Whether a client's field of this name is not passed on beside this.
    package func replaces(_ name: RawSpan) -> Bool {
        guard name.byteCount == 10 || name.byteCount == 11 else { return false }
        return name.equals(Self.parentField, from: 0, to: name.byteCount)
            || !keepsState && name.equals(Self.stateField, from: 0, to: name.byteCount)
    }
}

/// The context in memory of its own: most gateways take no part in traces, and every waiting request has place for it.
final class SharedTraceContext {
    let context: TraceContext

    init(_ context: TraceContext) { self.context = context }
}
