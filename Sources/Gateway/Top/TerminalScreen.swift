import CLinux
import Glibc
import Transport

/// The terminal as a screen of its own: what was on it before comes back at the end, also when a signal ends it.
package final class TerminalScreen {
    package enum Event {
        /// The time has passed.
        case timeout
        /// `q`, or a signal to end.
        case quit
        /// The window has another size now, or the program was continued.
        case resized
    }

    private let before: termios
    private let signals: Descriptor

    private static let escape = "\u{1B}["

    /// Nil where standard input and output are no terminal.
    package init?() {
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else { return nil }
        var before = termios()
        guard unsafe tcgetattr(STDIN_FILENO, &before) == 0 else { return nil }
        self.before = before
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP] { unsafe sigaddset(&set, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        signals = Descriptor(adopting: unsafe CLinux_signalfd(&set))
        enter()
    }

    private func enter() {
        var raw = before
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
        _ = unsafe tcsetattr(STDIN_FILENO, TCSANOW, &raw)
        write("\(Self.escape)?1049h\(Self.escape)?25l")
    }

    /// Gives the terminal back.
    package func leave() {
        write("\(Self.escape)?25h\(Self.escape)?1049l")
        var before = self.before
        _ = unsafe tcsetattr(STDIN_FILENO, TCSANOW, &before)
    }

    /// The size of the window; a usual one where the terminal does not know it.
    package var size: (rows: Int, columns: Int) {
        var (rows, columns) = (UInt16(0), UInt16(0))
        let isKnown = unsafe CLinux_terminal_size(STDOUT_FILENO, &rows, &columns) == 0 && rows > 0 && columns > 0
        return isKnown ? (Int(rows), Int(columns)) : (24, 80)
    }

    /// Replaces what is shown, in one write.
    package func show(_ lines: [String]) {
        let text = lines.map { "\($0)\(Self.escape)K" }.joined(separator: "\r\n")
        write("\(Self.escape)H\(text)\(Self.escape)J")
    }

    /// Waits for a key or a signal.
    package func wait(milliseconds: Int) -> Event {
        let deadline = Deadline.current().advanced(by: .milliseconds(UInt64(milliseconds)))
        while true {
            var poll = Poll()
            poll.watch(STDIN_FILENO)
            poll.watch(signals.number)
            poll.wait(until: deadline)
            if poll.isReady(signals.number), let event = takeSignal() { return event }
            if poll.isReady(STDIN_FILENO), hasQuitKey() { return .quit }
            if Deadline.current() >= deadline { return .timeout }
        }
    }

    private func takeSignal() -> Event? {
        var info = signalfd_siginfo()
        guard unsafe read(signals.number, &info, MemoryLayout<signalfd_siginfo>.size) > 0 else { return nil }
        switch Int32(info.ssi_signo) {
        case SIGWINCH: return .resized
        case SIGTSTP:
            leave()
            raise(SIGSTOP)
            enter()
            return .resized
        default: return .quit
        }
    }

    private func hasQuitKey() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = SystemCalls.read(STDIN_FILENO, into: &bytes)
        // The end of input is the end of the terminal.
        return count <= 0 || bytes[..<count].contains(UInt8(ascii: "q"))
    }

    private func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withBytes { SystemCalls.write(STDOUT_FILENO, $0) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
