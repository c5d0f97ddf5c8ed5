import Compression
import HTTP

/// An action whose requests and responses go through the route's rules.
final class RuledAction: Action {
    private let action: Action
    private let filter: RouteFilter?
    /// Bytes of a request body; nil for the limit of all connections.
    private let bodyLimit: UInt64?
    /// How far a coded request body may expand; nil when it is not decoded.
    private let inflation: UInt64?
    private let pool: CompressionPool

    init(
        _ action: Action, filter: RouteFilter?, bodyLimit: UInt64?, inflation: UInt64?, pool: CompressionPool
    ) {
        self.action = action
        self.filter = filter
        self.bodyLimit = bodyLimit
        self.inflation = inflation
        self.pool = pool
    }

    override func answer(_ exchange: Exchange) -> Disposition {
        if let filter { exchange.attach(filter) }
        if let bodyLimit, !exchange.limitBody(to: bodyLimit) { return .refused(.bodyTooLarge) }
        if let inflation, let coding = exchange.bodyCoding {
            let limits = InflationLimits(size: exchange.bodyLimit, ratio: inflation)
            guard let inflater = pool.takeInflater(coding, limits) else { return .refused(.decodingUnavailable) }
            exchange.decodeBody(with: inflater)
        }
        return action.answer(exchange)
    }

    override func isHandled(byAnyOf handlers: [any RequestHandler]) -> Bool {
        action.isHandled(byAnyOf: handlers)
    }
}
