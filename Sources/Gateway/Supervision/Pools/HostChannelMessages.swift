import ISAPI

/// What a gateway process asks its supervisor for, on the channel for processes of pools.
enum HostRequest: Codable, Equatable, Sendable {
    /// Start a process; the descriptor is its end of its control channel. Nil for the user of the gateway; the limits
    /// are nil from a program that did not know any.
    case start(id: Int, user: UInt32?, group: UInt32?, limits: GroupLimits?, areRequired: Bool?)
    /// End it, and the processes that it has started, at once.
    case kill(id: Int)
}

/// The supervisor's answers.
enum HostReply: Codable, Equatable, Sendable {
    /// It runs; the descriptor, if there is one, is that of the process (pidfd_open(2)). `missing` says which limits do
    /// not apply.
    case started(id: Int, pid: Int32, missing: [String]?)
    case refused(id: Int, reason: String)
    /// What waitpid(2) gave.
    case ended(id: Int, status: Int32)
}
