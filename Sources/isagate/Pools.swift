import ArgumentParser
import Gateway
import ISAPI

struct Pools: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the pools of isolated extensions and their processes, or have something done to one.",
        subcommands: [List.self, Recycle.self, Start.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List pools and processes.")

        @OptionGroup var file: ConfigurationFile
        @OptionGroup var output: Output

        func run() throws {
            let pools = try Control.ask(.pools, file).pools ?? []
            output.show(
                pools, text: pools.isEmpty ? "no extension runs isolated" : pools.map(\.text).joined(separator: "\n"))
        }
    }

    struct Recycle: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Replace the processes of a pool, and wait until new ones serve; no request is lost.")

        @Argument(help: "The pool, or the extension that has one of its own.")
        var name: String

        @OptionGroup var file: ConfigurationFile

        func run() throws {
            print(try Control.ask(.recyclePool, file, pool: name).message)
        }
    }

    struct Start: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Start a pool that was stopped because its processes crashed too often.")

        @Argument(help: "The pool, or the extension that has one of its own.")
        var name: String

        @OptionGroup var file: ConfigurationFile

        func run() throws {
            print(try Control.ask(.startPool, file, pool: name).message)
        }
    }
}

extension ProcessPoolStatus {
    fileprivate var text: String {
        let stopped = stoppedForSeconds.map { ", starts again in \($0) s" } ?? ""
        var lines = ["pool \(name): \(state)\(stopped); extensions \(extensions.joined(separator: ", "))"]
        lines += processes.map { process in
            let memory = (Double(process.privateMemory) / 1_048_576 * 10).rounded() / 10
            let time = (process.processorTime * 100).rounded() / 100
            return "  process \(process.pid) \(process.state): \(process.requests) requests under way, "
                + "\(process.served) served, up \(process.ageSeconds) s, \(memory) MiB private, \(time) s of processor"
        }
        if !ends.isEmpty {
            let counts = ends.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            lines.append("  ended: \(counts.joined(separator: ", "))")
        }
        lines += lastEnds.map { end in
            "  \(end.secondsAgo) s ago: process \(end.pid): \(end.text) (\(end.reason)), \(end.requests) requests in it"
        }
        return lines.joined(separator: "\n")
    }
}
