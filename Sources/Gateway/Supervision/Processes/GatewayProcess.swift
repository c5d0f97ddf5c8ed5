import CLinux
import Glibc
import ISAPI
import TLS
import Transport

/// A process that serves the material of its supervisor and cannot read keys from files.
package enum GatewayProcess {
    /// Serves until the supervisor or TERM ends it, or the supervisor has ended; returns the exit status.
    ///
    /// - Parameter parent: the supervisor.
    package static func run(parent: Int32) -> Int32 {
        TLSLibrary.prepare()
        let signals = SignalReader()
        unsafe CLinux_set_thread_name("isagate-gateway")
        _ = CLinux_forbid_new_privileges()
        followToDeath(of: parent)
        let channel = ControlChannel(adopting: ProcessLink.channelDescriptor)
        setCloseOnExec(channel.descriptor, true)
        CrashReport.begin(notifying: channel)
        // These capabilities let the supervisor read keys and bind ports. Root loses its rights when it changes to the
        // configured user.
        if geteuid() != 0, CLinux_drop_capabilities() != 0 {
            let reason = "cannot drop capabilities, which a filter of system calls may forbid: \(systemMessage(errno))"
            try? channel.send(ControlReply.failed(ControlFailure(.runtime(reason))))
            return 1
        }
        guard let launcher = makeLauncher() else {
            try? channel.send(ControlReply.failed(ControlFailure(.runtime("the system refuses a thread"))))
            return 1
        }
        let host = GatewayHost(launcher: launcher)
        var loop = Loop(signals: signals, channel: channel, host: host, parent: parent)
        return loop.run()
    }

    /// The supervisor starts the processes of pools, unless it is of a version that has none.
    private static func makeLauncher() -> (any HostLauncher)? {
        let descriptor = ProcessLink.hostChannelDescriptor
        guard fcntl(descriptor, F_GETFD) >= 0 else { return ChildLauncher() }
        let channel = ControlChannel(adopting: descriptor)
        setCloseOnExec(channel.descriptor, true)
        let launcher = SupervisedLauncher(channel)
        return launcher.start() ? launcher : nil
    }

    /// Makes the kernel send TERM when the supervisor dies, in whatever way.
    fileprivate static func followToDeath(of parent: Int32) {
        _ = CLinux_signal_at_death_of_parent(SIGTERM)
        // It may have died before the request was made.
        if getppid() != parent { _ = kill(getpid(), SIGTERM) }
    }

    private struct Loop {
        let signals: SignalReader
        let channel: ControlChannel
        let host: GatewayHost
        let parent: Int32
        var hasSupervisor = true
        var hasFailed = false

        mutating func run() -> Int32 {
            while !host.hasEnded {
                var poll = Poll()
                poll.watch(signals.descriptor)
                poll.watch(host.descriptor)
                if hasSupervisor { poll.watch(channel.descriptor) }
                poll.wait(until: host.deadline)
                if poll.isReady(signals.descriptor) { readSignals() }
                if hasSupervisor && poll.isReady(channel.descriptor) { readRequests() }
                answer(host.work())
            }
            return hasFailed ? 1 : 0
        }

        /// Other signals, which a terminal sends to the whole process group, are handled by the supervisor.
        private mutating func readSignals() {
            while let signal = signals.next() {
                if signal == SIGTERM { drain() }
            }
        }

        private mutating func readRequests() {
            while hasSupervisor && !host.hasEnded {
                switch channel.receive(ControlRequest.self) {
                case .message(let request, let descriptors):
                    answer(host.handle(request, descriptors))
                    if request.bringsMaterial { giveBackFreeMemory() }
                    // Changing the user has cleared the setting (prctl(2)).
                    if case .start = request { GatewayProcess.followToDeath(of: parent) }
                case .nothing: return
                case .closed:
                    hasSupervisor = false
                    drain()
                }
            }
        }

        private mutating func drain() {
            answer(host.handle(.drain(graceMilliseconds: GatewayProcess.graceMilliseconds, isReplaced: false), []))
        }

        private mutating func answer(_ replies: [ControlReply]) {
            for reply in replies {
                if case .failed = reply { hasFailed = true }
                // A supervisor that has ended needs no answer.
                try? channel.send(reply)
            }
        }
    }

    /// The grace period when no supervisor is left to set one.
    private static let graceMilliseconds = 30_000
}
