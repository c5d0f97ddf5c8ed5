import Testing
import Transport

@testable import Proxy

struct UpstreamStateTests {
    private let now = Deadline(milliseconds: 1000)

    @Test
    func serversThatStayKeepTheirHealth() {
        let (state, a, b) = upstream()
        for _ in 0..<3 { _ = state.checked(a, passed: false, at: now) }
        for _ in 0..<3 { _ = state.requestFailed(b, at: now) }
        let c = ServerState(name: "c")
        state.replaceServers([c, b, a])
        let health = state.snapshot(of: [a, b, c], at: now)
        #expect(health.map(\.isUp) == [false, true, true])
        #expect(health.map { $0.ejectedFor != nil } == [false, true, false])
        #expect([a, b, c].map { $0.isAvailable(at: now) } == [false, false, true])
        for _ in 0..<2 { _ = state.checked(a, passed: true, at: now) }
        #expect(a.isAvailable(at: now))
    }

    @Test
    func whatIsReportedOfRemovedServersIsIgnored() {
        let (state, a, b) = upstream()
        state.replaceServers([b])
        for _ in 0..<5 {
            #expect(!state.requestFailed(a, at: now))
            #expect(!state.checked(a, passed: false, at: now))
            state.requestSucceeded(a)
        }
        #expect(state.snapshot(of: [b], at: now).map(\.isUp) == [true])
    }

    @Test
    func aMaximumThatChangesCountsRequestsInProgress() {
        let server = ServerState(name: "a", isVariable: true)
        #expect(server.enter() && server.enter())
        server.setMaximumRequests(1)
        #expect(!server.hasRoom && !server.enter())
        server.leave()
        server.leave()
        #expect(server.enter() && !server.enter())
    }

    @Test
    func aServerIsTriedOnceWhateverItsNumber() {
        let servers = [3, 64, 4_000_000_000].map { index in
            UpstreamServer(index: index, name: "s\(index)", weight: 1, isSecure: false, addresses: [])
        }
        var tried = TriedServers()
        for server in servers {
            #expect(!tried.contains(server))
            tried.insert(server)
            #expect(tried.contains(server))
        }
    }

    private func upstream() -> (UpstreamState, ServerState, ServerState) {
        let servers = ["a", "b"].map { ServerState(name: $0) }
        let state = UpstreamState(
            name: "api", servers: servers, rules: HealthRules(), queueLimit: 10, inheriting: nil)
        return (state, servers[0], servers[1])
    }
}
