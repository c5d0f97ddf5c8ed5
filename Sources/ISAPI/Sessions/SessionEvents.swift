import Memory

/// Wakes the worker when a session has something for it.
package protocol SessionNotifier: AnyObject, Sendable {
    /// Called on any thread while the session is locked, and not any more once the worker has released the session.
    func notify()

    /// As `notify()`, with higher priority if the thread is the worker's.
    func notifyAtOnce()

    /// Makes the worker check soon without a notification; called as `notify()` is, without effect on threads that are
    /// not the worker's.
    func expectDelay()

    /// Whether the client has not closed its end; called on any thread, while the worker has not released the session.
    var isPeerConnected: Bool { get }

    /// Ends the worker's sending and receiving, whatever it waits for; called as `isPeerConnected` is.
    func disconnect()
}

/// What a session has for its worker: everything since the worker last took events.
///
/// Bytes stay valid until the worker takes events again or releases the session.
@safe
package struct SessionEvents: BitwiseCopyable {
    /// The response head, once.
    package var head: ExtensionResponseHead?
    /// The reason phrase; nil for the standard one of the status.
    package var reason: ByteView?
    /// Validated field lines, each ended by CRLF, without those of the framing.
    package var fields: ByteView
    /// Body bytes to be sent.
    package var body: ByteView
    /// Whether a read waits for more of the request body.
    package var isBodyWanted: Bool
    /// Whether `ExtensionSession.takeCommand` has anything.
    package var hasCommands: Bool
    /// How the response ended; nothing follows it.
    package var outcome: SessionOutcome?

    /// Head and body are complete, nothing was sent before and nothing is left to be transferred: the length is known.
    package var isWholeResponse: Bool { head != nil && outcome != nil && !hasCommands }
}

/// How an extension's work on a request ended.
package struct SessionOutcome: BitwiseCopyable, Equatable, Sendable {
    package enum Ending: BitwiseCopyable, Equatable, Sendable {
        /// The extension reported success.
        case complete
        /// It returned without any response; the gateway answers in its place.
        case silent
        /// HSE_STATUS_ERROR: what was sent is kept, the connection closes.
        case failed
        /// A number that is not an HSE_STATUS; treated as an error.
        case unknownStatus(UInt32)
        /// There was no free control block to call the extension with.
        case exhausted
        /// The process that ran the extension has ended.
        case processEnded(ProcessEnding)
        /// The extension runs isolated, and has no process at present.
        case unavailable
    }

    package var ending: Ending
    /// The status for the log if the extension or the outcome set another one than was sent.
    package var logStatus: Int?
    package var closesConnection: Bool
    /// What was wrong with the response and left out of it.
    package var flaws: ResponseFlaws
    /// Whether `ExtensionSession.logText` has anything.
    package var hasLogText = false
    /// The connection is reset after the response.
    package var resetsConnection = false
    /// The sub-status in the log.
    package var substatus = 0
    /// Microseconds in which the request waited for a thread, and in which it ran; nil if nobody wants to know.
    package var waited: UInt32?
    package var ran: UInt32 = 0

    package var isError: Bool {
        switch ending {
        case .complete: false
        case .silent, .failed, .unknownStatus, .exhausted, .processEnded, .unavailable: true
        }
    }
}
