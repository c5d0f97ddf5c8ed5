import HTTP

/// An action whose responses go through the route's rules.
final class RuledAction: Action {
    private let action: Action
    private let filter: RouteFilter

    init(_ action: Action, _ filter: RouteFilter) {
        self.action = action
        self.filter = filter
    }

    override func answer(_ exchange: Exchange) -> Disposition {
        exchange.attach(filter)
        return action.answer(exchange)
    }

    override func isHandled(byAnyOf handlers: [any RequestHandler]) -> Bool {
        action.isHandled(byAnyOf: handlers)
    }
}
