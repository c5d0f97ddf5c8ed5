import Testing
import Transport

@testable import Gateway

@Suite("Restarts of a gateway process")
struct RestartBackoffTests {
    @Test("The first death is answered at once, later ones with pauses that double up to 30 s")
    func pausesDouble() {
        var backoff = RestartBackoff()
        let pauses = (0..<8).map { _ in backoff.pause(afterLiving: .seconds(1)) }
        #expect(pauses == [0, 1, 2, 4, 8, 16, 30, 30].map { .seconds($0) })
    }

    @Test("A process that lived for ten seconds is replaced at once and forgives earlier deaths")
    func longLifeForgives() {
        var backoff = RestartBackoff()
        for _ in 0..<5 { _ = backoff.pause(afterLiving: .zero) }
        let pauses = [Duration.seconds(10), .zero, .zero].map { backoff.pause(afterLiving: $0) }
        #expect(pauses == [.zero, .zero, .seconds(1)])
    }
}

@Suite("Reloads that come together")
struct ReloadQueueTests {
    @Test("Signals during a reload are one reload after it")
    func signalsCoalesce() {
        var queue = ReloadQueue()
        let begins = (0..<10).map { _ in queue.signal() }
        #expect(begins == [true] + [Bool](repeating: false, count: 9))
        let follows = [queue.finished(), queue.finished()]
        #expect(follows == [true, false])
        let beginsAgain = queue.signal()
        #expect(beginsAgain)
    }

    @Test("A command is refused while a reload is under way, and asks for no other")
    func commandIsRefused() {
        var queue = ReloadQueue()
        let outcomes = [queue.signal(), queue.command(), queue.finished(), queue.command()]
        #expect(outcomes == [true, false, false, true])
    }

    @Test("A signal that nothing can act on waits until it can")
    func postponedSignal() {
        var queue = ReloadQueue()
        _ = queue.signal()
        queue.postpone()
        #expect(queue.isWanted)
        let refused = [queue.signal(), queue.command()]
        #expect(refused == [false, false])
        let outcomes = [queue.resume(), queue.resume(), queue.finished()]
        #expect(outcomes == [true, false, false])
    }
}

@Suite("The archive a gateway process is given")
struct MaterialArchiveTests {
    private let archive = MaterialArchive(
        configurationFile: "isagate.yaml", folder: "/etc/isagate", configurationText: "version: 1\n", workerCount: 4,
        files: ["/etc/isagate/a.pem": [1, 2, 3], "/etc/isagate/ü.key": []])

    @Test("It is read as it was written")
    func roundTrip() throws {
        #expect(try MaterialArchive(decoding: archive.encoded()) == archive)
    }

    @Test("It is refused wherever it is cut")
    func everyCut() {
        let bytes = archive.encoded()
        for count in bytes.indices {
            #expect(throws: ArchiveError.self) { try MaterialArchive(decoding: Array(bytes.prefix(count))) }
        }
    }

    @Test("Nothing may follow it")
    func nothingFollows() {
        #expect(throws: ArchiveError.malformed) { try MaterialArchive(decoding: archive.encoded() + [0]) }
    }

    @Test("A length beyond the end is refused, however large")
    func wrongLength() {
        for length in [UInt8(200), 0xff] {
            var bytes = archive.encoded()
            for index in 8..<16 { bytes[index] = length }
            #expect(throws: ArchiveError.self) { try MaterialArchive(decoding: bytes) }
        }
    }

    @Test("An archive of another version is refused")
    func otherVersion() {
        var bytes = archive.encoded()
        bytes[0] = 9
        #expect(throws: ArchiveError.otherVersion) { try MaterialArchive(decoding: bytes) }
    }
}

@Suite("Sockets from the service manager")
struct SocketActivationTests {
    private func names(_ environment: [String: String]) throws(GatewayError) -> [String] {
        try SocketActivation({ environment[$0] }, pid: 42).names
    }

    @Test("Names are those of the sockets in order")
    func namesInOrder() throws {
        #expect(
            try names(["LISTEN_PID": "42", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "secure:plain:secure"])
                == ["secure", "plain", "secure"])
    }

    @Test("What is meant for another process is left alone")
    func otherProcess() throws {
        #expect(try names(["LISTEN_PID": "41", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "secure"]) == [])
        #expect(try names([:]) == [])
    }

    @Test("Sockets without names are refused")
    func unnamed() {
        #expect(throws: GatewayError.self) {
            try names(["LISTEN_PID": "42", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "secure"])
        }
    }
}

@Suite("The service manager's wishes")
struct ServiceManagerTests {
    @Test("Signs of life come three times as often as they are expected")
    func watchdogInterval() {
        let environment = ["NOTIFY_SOCKET": "@here", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"]
        let manager = ServiceManager({ environment[$0] }, pid: 42)
        #expect(manager.socket == "@here")
        #expect(manager.beat == .seconds(10))
    }

    @Test("A watchdog for another process is not fed")
    func otherWatchdog() {
        let environment = ["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "41"]
        #expect(ServiceManager({ environment[$0] }, pid: 42).beat == nil)
    }

    @Test("A reload is announced with the time it began at")
    func reloadingHasTime() {
        #expect(ServiceManager.text(of: .reloading).hasPrefix("RELOADING=1\nMONOTONIC_USEC="))
    }
}
