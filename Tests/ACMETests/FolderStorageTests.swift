import FoundationEssentials
import Glibc
import Testing

@testable import ACME

@Suite struct FolderStorageTests {
    private func withStorage(_ body: (FolderStorage, String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.path + "/acme-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let storage = FolderStorage(folder + "/state/acme")
        try storage.prepare()
        try body(storage, folder + "/state/acme")
    }

    @Test func entriesAreReplacedAsAWholeAndSetAside() throws {
        try withStorage { storage, folder in
            let lock = try #require(try storage.lock())
            #expect(try storage.read("certificates/a.pem") == nil)
            try storage.write([1, 2], to: "certificates/a.pem", lock)
            try storage.write([3], to: "certificates/a.pem", lock)
            #expect(try storage.read("certificates/a.pem") == [3])
            #expect(try storage.keys(in: "certificates") == ["certificates/a.pem"])
            let place = try storage.setAside("certificates/a.pem", lock)
            #expect(FileManager.default.contents(atPath: place).map { Array($0) } == [3])
            #expect(try storage.keys(in: "certificates").isEmpty)
        }
    }

    @Test func nobodyElseMayReadAnything() throws {
        try withStorage { storage, folder in
            let lock = try #require(try storage.lock())
            try storage.write([1], to: "certificates/a.pem", lock)
            for (name, mode) in [("", 0o700), ("/certificates", 0o700), ("/certificates/a.pem", 0o600)] {
                let attributes = try FileManager.default.attributesOfItem(atPath: folder + name)
                #expect(attributes[.posixPermissions] as? Int == mode)
            }
        }
    }

    @Test func programsHaveALockOfTheirOwnOneAtATime() throws {
        try withStorage { storage, folder in
            let lock = try #require(try storage.lock())
            var first = try storage.lockPrograms()
            #expect(first?.isOpen == true)
            #expect(try FolderStorage(folder).lockPrograms() == nil)
            first = nil
            #expect(try FolderStorage(folder).lockPrograms() != nil)
            withExtendedLifetime(lock) {}
        }
    }

    @Test func oneHolderAtATimeHasTheLockAndEachHasALargerNumber() throws {
        try withStorage { storage, folder in
            var first = try storage.lock()
            let number = try #require(first?.number)
            #expect(try FolderStorage(folder).lock() == nil)
            first = nil
            let second = try #require(try FolderStorage(folder).lock())
            #expect(second.number == number + 1)
        }
    }

    @Test func whoHasLostTheLockDoesNotWrite() throws {
        try withStorage { storage, folder in
            let lock = try #require(try storage.lock())
            try FileManager.default.removeItem(atPath: folder + "/lock")
            let other = try #require(try FolderStorage(folder).lock())
            #expect(throws: AcmeError.self) { try storage.write([1], to: "certificates/a.pem", lock) }
            try storage.write([2], to: "certificates/a.pem", other)
        }
    }

    @Test func aFileThatWasHalfWrittenIsNoEntry() throws {
        try withStorage { storage, folder in
            let lock = try #require(try storage.lock())
            try Data([1]).write(to: URL(filePath: folder + "/certificates/a.pem.new"))
            #expect(try storage.keys(in: "certificates").isEmpty)
            try storage.write([2], to: "certificates/a.pem", lock)
            #expect(try storage.read("certificates/a.pem") == [2])
        }
    }
}
