/// The state of an extension between not being loaded and being unloaded.
///
/// A value that receives events and returns the action to take; it does nothing itself.
struct ExtensionCycle<Instance: Equatable>: Equatable {
    enum Action: Equatable {
        case nothing
        /// Load the library; `loaded` or `failed` has to follow.
        case load
        /// Requests get this instance from now on.
        case serve(Instance)
        /// Requests are refused for a while.
        case refuse
        /// No request gets this instance any more; then ask it whether it may be unloaded. `kept` or `dropped` has to
        /// follow.
        case withdraw(Instance)
    }

    private enum State: Equatable {
        case absent
        case failed
        case loading
        case serving(Instance)
        /// A new instance is being loaded.
        case replacing(Instance)
        /// It is being asked whether it may be unloaded; requests may have arrived meanwhile.
        case withdrawn(Instance, isWanted: Bool)
    }

    private var state = State.absent

    /// The instance that requests get.
    var serving: Instance? {
        switch state {
        case .serving(let instance), .replacing(let instance): instance
        case .absent, .failed, .loading, .withdrawn: nil
        }
    }

    var hasFailed: Bool { state == .failed }

    /// A request has arrived, and its worker has no instance.
    ///
    /// - Parameter isRetryDue: whether the pause after a failure has passed.
    mutating func wanted(isRetryDue: Bool = true) -> Action {
        switch state {
        case .failed where !isRetryDue: return .refuse
        case .absent, .failed:
            state = .loading
            return .load
        case .loading: return .nothing
        case .serving(let instance), .replacing(let instance): return .serve(instance)
        case .withdrawn(let instance, _):
            state = .withdrawn(instance, isWanted: true)
            return .nothing
        }
    }

    mutating func loaded(_ instance: Instance) -> Action {
        state = .serving(instance)
        return .serve(instance)
    }

    mutating func failed() -> Action {
        // The instance that was to be replaced stays in use.
        if case .replacing(let instance) = state {
            state = .serving(instance)
            return .nothing
        }
        state = .failed
        return .refuse
    }

    /// The instance has to be replaced by a new one.
    mutating func replace(_ instance: Instance) -> Action {
        guard state == .serving(instance) else { return .nothing }
        state = .replacing(instance)
        return .load
    }

    /// The instance has had no request for long enough.
    mutating func idle(_ instance: Instance) -> Action {
        guard state == .serving(instance) else { return .nothing }
        state = .withdrawn(instance, isWanted: false)
        return .withdraw(instance)
    }

    /// The withdrawn instance stays: it was used after all, or does not agree.
    mutating func kept() -> Action {
        guard case .withdrawn(let instance, _) = state else { return .nothing }
        state = .serving(instance)
        return .serve(instance)
    }

    /// The withdrawn instance is released.
    mutating func dropped() -> Action {
        guard case .withdrawn(_, let isWanted) = state else { return .nothing }
        state = isWanted ? .loading : .absent
        return isWanted ? .load : .nothing
    }
}
