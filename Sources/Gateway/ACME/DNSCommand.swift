import ACME
import Glibc
import ISAPI
import Logging
import TLS
import Transport

/// The program that publishes and removes records for dns-01 (`acme.NAME.dns.command`).
///
/// Its arguments are those of the `exec` provider of lego, its variables include those of hooks of certbot, so that programs
/// for them can be used.
struct DNSCommand {
    let configuration: AcmeConfiguration.DNS
    let storage: any AcmeStorage
    let mailbox: AcmeMailbox
    let logger: Logger

    enum Action: String {
        case present, cleanup
    }

    /// Bytes that are kept of what it writes.
    private static let outputLimit = 2048

    /// How often it is found out whether a program of another gateway has ended.
    private static let lockPause = Delay.milliseconds(200)

    private struct Result {
        var ending: ProcessEnding?
        var output: [UInt8] = []
    }

    /// Waits for the program; everything that it has started ends with it.
    ///
    /// - Throws: if it does not succeed in time; `interrupted` if the gateway ends meanwhile.
    func run(_ action: Action, _ record: PublishedRecords.Record) throws(AcmeError) {
        let name = record.name + "."
        let program = configuration.command.first ?? ""
        let lock = try waitForOthers()
        guard var pipe = Pipe() else { throw .local("no pipe for \(program): \(systemText(errno))") }
        let words = configuration.command + [action.rawValue, name, record.value]
        let variables = [
            "PATH=/usr/local/bin:/usr/bin:/bin", "ISAGATE_DNS_ACTION=\(action.rawValue)", "ISAGATE_DNS_NAME=\(name)",
            "ISAGATE_DNS_VALUE=\(record.value)", "CERTBOT_DOMAIN=\(record.domain)",
            "CERTBOT_VALIDATION=\(record.value)",
        ]
        guard
            let process = HostProgram.start(
                words, environment: variables, output: pipe.writing.number, inherited: lock?.number)
        else {
            throw .local("\(program) cannot be run: \(systemText(errno))")
        }
        pipe.writing.close()
        let result = wait(for: process, pipe.reading)
        withExtendedLifetime(lock) {}
        guard let ending = result.ending else {
            if mailbox.isEnding { throw .interrupted }
            throw .local(
                "\(program) \(action.rawValue) \(name) took longer than \(formatTime(configuration.timeout)) and was ended"
                    + Self.quotation(result.output))
        }
        guard ending.isOrderly else {
            throw .local("\(program) \(action.rawValue) \(name) \(ending)\(Self.quotation(result.output))")
        }
        logger.info("acme: \(program) \(action.rawValue) \(name) is done\(Self.quotation(result.output))")
    }

    /// A gateway that was killed may have left a program that still publishes what this one is going to remove.
    ///
    /// - Returns: the lock that the program inherits; nil when the other one takes too long.
    private func waitForOthers() throws(AcmeError) -> OpenFile? {
        let deadline = Deadline.current().advanced(by: Delay(configuration.timeout))
        while true {
            if let lock = try storage.lockPrograms() { return lock }
            if mailbox.isEnding { throw .interrupted }
            guard deadline > .current() else {
                logger.warning("acme: a program that another gateway has started for \(storage.place) does not end")
                return nil
            }
            mailbox.wait(until: min(deadline, Deadline.current().advanced(by: Self.lockPause)))
        }
    }

    private static func quotation(_ output: [UInt8]) -> String {
        let text = visibleText(String(decoding: output, as: UTF8.self), limit: outputLimit)
        let words = text.split(separator: " ")
        return words.isEmpty ? "" : ": " + words.joined(separator: " ")
    }

    /// Reads what it writes until it has ended.
    private func wait(for process: ChildHost, _ reading: borrowing Descriptor) -> Result {
        let deadline = Deadline.current().advanced(by: Delay(configuration.timeout))
        var result = Result()
        let number = reading.number
        _ = fcntl(number, F_SETFL, O_NONBLOCK)
        var isOpen = true
        var isEnded = false
        while !isEnded, !mailbox.isEnding, deadline > .current() {
            var descriptors = process.descriptor.isOpen ? [process.descriptor.number] : []
            if isOpen { descriptors.append(number) }
            let ready = mailbox.wait(for: descriptors, until: deadline)
            if isOpen, ready.contains(number) { isOpen = read(number, &result.output) }
            // Where the system has no descriptors of processes, a program has ended when it has closed its output.
            isEnded = process.descriptor.isOpen ? ready.contains(process.descriptor.number) : !isOpen
        }
        if isEnded { _ = read(number, &result.output) }
        process.kill()
        let ending = process.waitForEnd()
        if isEnded { result.ending = ending }
        return result
    }

    /// Keeps the beginning of what is there now; false at the end.
    private func read(_ number: Int32, _ output: inout [UInt8]) -> Bool {
        var block = [UInt8](repeating: 0, count: 4096)
        let count = SystemCalls.read(number, into: &block)
        if count > 0 { output += block.prefix(min(count, Self.outputLimit - output.count)) }
        return count > 0 || count < 0 && (errno == EAGAIN || errno == EINTR)
    }
}
