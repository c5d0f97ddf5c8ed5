import ArgumentParser
import Gateway
import Glibc

struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what the running gateway does: requests, errors, connections, times, upstreams and pools.",
        discussion: """
            On a terminal the screen is renewed until q is pressed; otherwise a line is printed for each interval. Times
            are known where metrics are, with admin.bind. Exits 69 when no gateway runs, or when it ends meanwhile.
            """)

    @Option(help: ArgumentHelp("Seconds between two looks, 0.1 to 3600.", valueName: "seconds"))
    var interval = 1.0

    @Option(help: ArgumentHelp("Looks after which to end; none to go on.", valueName: "number"))
    var count: Int?

    @OptionGroup var file: ConfigurationFile

    func validate() throws {
        guard 0.1...3600 ~= interval else { throw ValidationError("--interval takes 0.1 to 3600 seconds") }
        guard count.map({ $0 > 0 }) ?? true else { throw ValidationError("--count takes a number from 1") }
    }

    func run() throws {
        let first = try look()
        guard let screen = TerminalScreen() else { return try printLines(first) }
        do {
            try show(first, on: screen)
            screen.leave()
        } catch {
            screen.leave()
            // What was written on the other screen is gone with it.
            complain("isagate: error: the gateway gives no answer any more")
            throw error
        }
    }

    private func look() throws -> TopReport.Sample {
        let status = try Control.ask(.status, file).status
        let pools = try Control.ask(.pools, file).pools ?? []
        guard let status else { throw Status.runtimeFailure }
        let now = ContinuousClock.now - Self.began
        return TopReport.Sample(status: status, pools: pools, seconds: now / .seconds(1))
    }

    /// A gateway that has answered and does so no more has ended, whether its supervisor can still say so or not.
    private func lookAgain() throws -> TopReport.Sample {
        do {
            return try look()
        } catch {
            throw Status.notRunning
        }
    }

    private static let began = ContinuousClock.now

    private func printLines(_ first: TopReport.Sample) throws {
        var previous: TopReport.Sample?
        var sample = first
        for number in 1... {
            write(TopReport(sample, since: previous).line + "\n", to: STDOUT_FILENO)
            if number == count { return }
            usleep(UInt32(interval * 1_000_000))
            previous = sample
            sample = try lookAgain()
        }
    }

    private func show(_ first: TopReport.Sample, on screen: TerminalScreen) throws {
        var previous: TopReport.Sample?
        var sample = first
        for number in 1... {
            var event = TerminalScreen.Event.resized
            // A window with another size shows the same look.
            while event == .resized {
                let (rows, columns) = screen.size
                screen.show(TopReport(sample, since: previous).screen(rows: rows, columns: columns))
                event = screen.wait(milliseconds: Int(interval * 1000))
            }
            if event == .quit || number == count { return }
            previous = sample
            sample = try lookAgain()
        }
    }
}
