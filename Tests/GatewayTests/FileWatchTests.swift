import Testing
import Transport

@testable import Gateway

@Suite("What is watched for a file")
struct WatchedEntriesTests {
    private func names(_ path: String, links: [String: String] = [:]) -> [String: Set<String>] {
        WatchedEntries([path]) { links[$0] }.names
    }

    @Test("Every step of the way to a file")
    func everyStep() {
        #expect(names("/etc/tls/a.pem") == ["/": ["etc"], "/etc": ["tls"], "/etc/tls": ["a.pem"]])
    }

    @Test("Symbolic links and what they stand for")
    func kubernetesVolume() {
        let links = ["/tls/tls.crt": "..data/tls.crt", "/tls/..data": "..2026"]
        #expect(
            names("/tls/tls.crt", links: links) == [
                "/": ["tls"], "/tls": ["tls.crt", "..data", "..2026"], "/tls/..2026": ["tls.crt"],
            ])
    }

    @Test("Links that lead upwards or begin at the root")
    func certbotFolder() {
        let links = ["/le/live/a.pem": "../archive/a1.pem", "/le": "/data/le"]
        #expect(
            names("/le/live/a.pem", links: links) == [
                "/": ["le", "data"], "/data": ["le"], "/data/le": ["live"], "/data/le/live": ["a.pem"],
            ])
        #expect(
            names("/le/live/a.pem", links: ["/le/live/a.pem": "../archive/a1.pem"]) == [
                "/": ["le"], "/le": ["live", "archive"], "/le/live": ["a.pem"], "/le/archive": ["a1.pem"],
            ])
    }

    @Test("A circle of links ends")
    func circle() {
        #expect(names("/a", links: ["/a": "b", "/b": "a"]) == ["/": ["a", "b"]])
    }
}

@Suite("When changed files are looked at")
struct WatchScheduleTests {
    private func at(_ milliseconds: UInt64) -> Deadline { Deadline(milliseconds: milliseconds) }

    @Test("Not before there was a change, then once nothing has changed for 100 ms")
    func settling() {
        var schedule = WatchSchedule()
        #expect(schedule.deadline == .never)
        schedule.changed(now: at(1000))
        #expect(schedule.deadline == at(1100))
        schedule.changed(now: at(1050))
        #expect(schedule.deadline == at(1150))
    }

    @Test("Two seconds after the first change at the latest")
    func endlessUnrest() {
        var schedule = WatchSchedule()
        for time in stride(from: 1000, to: 4000, by: 50) { schedule.changed(now: at(UInt64(time))) }
        #expect(schedule.deadline == at(3000))
    }

    @Test("Files that cannot be used are tried five more times, then left alone")
    func failures() {
        var schedule = WatchSchedule()
        schedule.changed(now: at(0))
        let pauses = (0..<6).map { _ in
            schedule.begin()
            return schedule.failed(now: at(0))?.milliseconds
        }
        #expect(pauses == [250, 500, 1000, 2000, 4000, nil])
        #expect(schedule.deadline == .never)
    }

    @Test("A change gives files that could not be used a new beginning")
    func changeAfterFailure() {
        var schedule = WatchSchedule()
        for _ in 0..<3 {
            schedule.begin()
            _ = schedule.failed(now: at(0))
        }
        schedule.changed(now: at(10))
        #expect(schedule.deadline == at(110))
        schedule.begin()
        let pause = schedule.failed(now: at(110))
        #expect(pause == .milliseconds(250))
    }

    @Test("A change while files are tried is not lost, whatever the outcome", arguments: [true, false])
    func changeMeanwhile(isSuccess: Bool) {
        var schedule = WatchSchedule()
        schedule.changed(now: at(0))
        schedule.begin()
        schedule.changed(now: at(200))
        if isSuccess { schedule.succeeded(now: at(300)) } else { _ = schedule.failed(now: at(300)) }
        #expect(schedule.deadline == at(400))
    }

    @Test("What cannot be looked at now is looked at soon")
    func postponed() {
        var schedule = WatchSchedule()
        schedule.changed(now: at(0))
        schedule.postpone(now: at(5000))
        #expect(schedule.deadline == at(5100))
    }
}

@Suite("Trying changed files")
struct WatchTrialTests {
    /// The sets that are tried, one after the other, when these changes are broken.
    private func attempts(
        _ changes: [WatchTrial.Change], broken: Set<String>
    ) -> (tried: [[String]], failures: [String]) {
        var trial = WatchTrial(changes)
        var tried: [[String]] = []
        while let files = trial.next {
            tried.append(files.sorted())
            let wrong = files.intersection(broken).sorted()
            if wrong.isEmpty { trial.succeeded() } else { trial.failed(wrong.joined(separator: " ")) }
        }
        return (tried, trial.failures)
    }

    @Test("All are tried at once")
    func together() {
        let (tried, failures) = attempts([["a", "A"], ["b"]], broken: [])
        #expect(tried == [["A", "a", "b"]])
        #expect(failures == [])
    }

    @Test("One that is broken holds back nothing else")
    func broken() {
        let (tried, failures) = attempts([["a"], ["b", "B"], ["c"], ["d"]], broken: ["B"])
        #expect(tried == [["B", "a", "b", "c", "d"], ["B", "a", "b"], ["a"], ["B", "b"], ["c", "d"]])
        #expect(failures == ["B"])
    }

    @Test("Each that is broken is told of")
    func allBroken() {
        #expect(attempts([["a"], ["b"], ["c"]], broken: ["a", "b", "c"]).failures == ["a", "b", "c"])
    }

    @Test("Without changes nothing is tried")
    func nothing() {
        #expect(WatchTrial([]).next == nil)
    }

    @Test("What lies elsewhere ends the attempts")
    func abandoned() {
        var trial = WatchTrial([["a"], ["b"]])
        trial.failed("a or b")
        trial.abandon("the process is gone")
        #expect(trial.next == nil)
        #expect(trial.failures == ["the process is gone"])
    }
}

@Suite("Watching in the configuration")
struct WatchConfigurationTests {
    private func configuration(_ all: String, _ own: String) throws -> Configuration {
        var text = ConfigurationText(more: all)
        text.listeners = "listeners: { secure: { bind: [\"127.0.0.1:8443\"], tls: {} } }"
        text.sites = """
            sites:
              - hosts: [localhost]
                certificates: [{ chain: site.pem, key: site.key, ocsp: site.ocsp\(own) }]
                client_certificates: { mode: require, ca: hello.so }
                routes: [{ path: /, respond: {} }]
            """
        return try decode(text.text)
    }

    private let own = ["/etc/isagate/site.key", "/etc/isagate/site.ocsp", "/etc/isagate/site.pem"]

    @Test("Nothing is watched that nobody asked for")
    func nothing() throws {
        #expect(try configuration("", "").watchedFiles.paths == [])
    }

    @Test("A certificate's own word counts for its files")
    func ownWord() throws {
        #expect(try configuration("", ", watch: true").watchedFiles.paths == own)
        #expect(try configuration("watch: true", ", watch: false").watchedFiles.paths == ["/etc/isagate/hello.so"])
    }

    @Test("For all, it covers every file with certificates or keys")
    func all() throws {
        #expect(try configuration("watch: true", "").watchedFiles.paths == ["/etc/isagate/hello.so"] + own)
    }

    @Test("The authorities that clients know belong to the certificate, but not those of the system")
    func authorities() throws {
        let file = try configuration("", ", ca: hello.so, watch: true")
        #expect(file.sites[0].certificates[0].authorities == .file("/etc/isagate/hello.so"))
        #expect(file.watchedFiles.paths == ["/etc/isagate/hello.so"] + own)
        let system = try configuration("", ", ca: system, watch: true")
        #expect(system.sites[0].certificates[0].authorities == .system)
        #expect(system.watchedFiles.paths == own)
    }

    @Test("Changed files of one certificate belong together, and those of certificates that share one")
    func changes() throws {
        var text = ConfigurationText(more: "watch: true")
        text.listeners = "listeners: { secure: { bind: [\"127.0.0.1:8443\"], tls: {} } }"
        let certificates = ["a", "b", "c", "d"].map { name in
            "{ chain: \(name).pem, key: \(name).key, passphrase_file: \(name < "c" ? "one" : name) }"
        }
        let list = certificates.joined(separator: ", ")
        text.sites = "sites: [{ hosts: [a], certificates: [\(list)], routes: [{ path: /, respond: {} }] }]"
        let names = ["a.pem", "a.key", "b.pem", "b.key", "c.pem", "c.key", "d.pem", "d.key", "one", "c", "d"]
        let configuration = try decode(text.text, files: Set(names.map { "/etc/isagate/\($0)" }))
        let old = MaterialArchive(configurationFile: "", folder: "", configurationText: "", workerCount: 1, files: [:])
        func changes(_ changed: String...) -> [[String]] {
            var new = old
            for name in changed { new.files["/etc/isagate/\(name)"] = [1] }
            return configuration.watchedFiles.changes(from: old, to: new).map { change in
                change.map { String($0.dropFirst("/etc/isagate/".count)) }.sorted()
            }
        }
        #expect(changes() == [])
        #expect(changes("a.pem", "a.key", "b.key", "d.pem") == [["a.key", "a.pem"], ["b.key"], ["d.pem"]])
        #expect(changes("a.pem", "b.key", "one", "c") == [["a.pem", "b.key", "one"], ["c"]])
    }

    @Test("It is true or false")
    func mistake() {
        #expect(mistakes(ConfigurationText(more: "watch: yes").text) == ["3:8 expected true or false, found 'yes'"])
    }
}
