import CLinux
import Glibc
import Testing

@testable import Transport

@Suite("Descriptors") struct DescriptorTests {
    /// An open descriptor with a number that no other test gets.
    fileprivate static func event(_ number: Int32) -> Int32 {
        let event = Descriptor(adopting: CLinux_eventfd())
        let placed = fcntl(event.number, F_DUPFD_CLOEXEC, number)
        precondition(placed == number, "the number is free")
        return placed
    }

    /// Whether the number stands for something open.
    private func isOpen(_ number: Int32) -> Bool { fcntl(number, F_GETFD) >= 0 }

    @Test func `A descriptor is closed with its owner`() {
        let number = {
            let event = Descriptor(adopting: DescriptorTests.event(601))
            let isOwned = event.isOpen && isOpen(event.number)
            #expect(isOwned)
            return event.number
        }()
        #expect(!isOpen(number) && CLinux_descriptor_is_held(number) == 0)
    }

    @Test func `A descriptor that was closed has no number any more`() {
        var event = Descriptor(adopting: DescriptorTests.event(602))
        event.close()
        let isGone = !event.isOpen && event.number == -1
        #expect(isGone)
        event.close()
    }

    @Test func `What is released is somebody else's to close`() {
        let number = Descriptor(adopting: DescriptorTests.event(603)).release()
        #expect(isOpen(number) && CLinux_descriptor_is_held(number) == 0)
        close(number)
    }

    @Test func `An open file is closed when the last of its holders lets go`() {
        var first: OpenFile? = OpenFile(adopting: DescriptorTests.event(604))
        let number = first!.number
        let second = first
        first = nil
        #expect(second!.use { isOpen($0) })
        #expect(CLinux_descriptor_is_held(number) != 0)
    }

    @Test func `A file that somebody else keeps open is not closed, and is held meanwhile`() {
        final class Keeper: Sendable {
            let number = DescriptorTests.event(605)
            deinit { close(number) }
        }
        let keeper = Keeper()
        var files = (0..<2).map { _ in OpenFile(keeper.number, keptOpenBy: keeper) }
        #expect(CLinux_descriptor_is_held(keeper.number) != 0)
        files.removeLast()
        #expect(isOpen(keeper.number) && CLinux_descriptor_is_held(keeper.number) != 0)
        files.removeLast()
        #expect(isOpen(keeper.number) && CLinux_descriptor_is_held(keeper.number) == 0)
    }

    @Test func `A number that stands for nothing is not open`() {
        let nothing = Descriptor(adopting: -1)
        let isNothing = !nothing.isOpen
        #expect(isNothing)
        #expect(!OpenFile(adopting: -1).isOpen)
    }
}
