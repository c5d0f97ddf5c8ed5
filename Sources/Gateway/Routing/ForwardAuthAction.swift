import HTTP
import Proxy

/// `forward_auth`: lets a request pass to its action if a server allows it.
final class ForwardAuthAction: Action {
    private let authorizer: ForwardAuthorizer
    private let action: Action

    init(_ authorizer: ForwardAuthorizer, _ action: Action) {
        self.authorizer = authorizer
        self.action = action
    }

    override func answer(_ exchange: Exchange) -> Disposition {
        .handler(authorizer)
    }

    override func isHandled(byAnyOf handlers: [any RequestHandler]) -> Bool {
        handlers.contains { $0 === authorizer } || action.isHandled(byAnyOf: handlers)
    }
}
