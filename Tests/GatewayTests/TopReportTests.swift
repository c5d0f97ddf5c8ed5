import Testing

@testable import Gateway

@Suite("What top shows")
struct TopReportTests {
    private func sample(
        requests: Int, refused: Int = 0, buckets: [UInt64] = [0, 0, 0], errors: UInt64 = 0, pid: Int32 = 7,
        seconds: Double
    ) throws -> TopReport.Sample {
        let text = """
            {"supervisorPid":1,"restarts":0,"reloads":0,"failedReloads":0,"drainingProcesses":0,"gateway":{
            "version":"1","pid":\(pid),"uptimeSeconds":3700,"connections":3,"clients":2,"requests":\(requests),
            "refusals":[{"topic":"request refused","reason":"bare LF","count":\(refused)}],"workers":1,"listeners":[],
            "extensions":[],"certificates":[],"generation":1,"upstreams":[{"name":"api","waitingRequests":1,"servers":[
            {"url":"http://127.0.0.1:1","state":"up","tunnels":0,"tunnelBytesToServer":0,"tunnelBytesToClients":0}]}],
            "traffic":{"boundsMilliseconds":[10,100],"buckets":\(buckets),"statusClasses":[0,0,0,0,\(errors)],
            "receivedBytes":0,"sentBytes":0}}}
            """
        let status = try #require(decodeLine(Array(text.utf8), as: SupervisorStatus.self))
        return TopReport.Sample(status: status, pools: [], seconds: seconds)
    }

    @Test("is what happened between two looks")
    func rates() throws {
        let report = try TopReport(
            sample(requests: 300, refused: 4, buckets: [60, 39, 1], errors: 1, seconds: 12),
            since: sample(requests: 100, seconds: 10))
        #expect(report.requestRate == 100)
        #expect(report.refusalRate == 2)
        #expect(report.errorRate == 0.5)
        #expect([0.5, 0.99, 1].map(report.time) == ["10 ms", "100 ms", "> 100 ms"])
        #expect(report.line.hasPrefix("requests/s 100.0  errors/s 0.5  refused/s 2.0  connections 3  p50 10 ms"))
    }

    @Test("is nothing at the first look, and after the gateway process was replaced")
    func noRates() throws {
        #expect(try TopReport(sample(requests: 100, seconds: 1), since: nil).requestRate == nil)
        let replaced = try TopReport(
            sample(requests: 1, pid: 8, seconds: 2), since: sample(requests: 100, seconds: 1))
        #expect(replaced.requestRate == nil)
        #expect(replaced.line.hasPrefix("requests/s -  errors/s -"))
    }

    @Test("fits the window", arguments: [(3, 20), (1, 1), (40, 200)])
    func size(_ rows: Int, _ columns: Int) throws {
        let lines = try TopReport(
            sample(requests: 300, refused: 4, seconds: 12), since: sample(requests: 100, seconds: 10)
        ).screen(rows: rows, columns: columns)
        #expect(lines.count <= rows && lines.allSatisfy { $0.count <= columns })
        if rows == 40 {
            #expect(lines.contains { $0.hasPrefix("api") && $0.contains("http://127.0.0.1:1  up") })
            #expect(lines.contains { $0.contains("request refused: bare LF") })
        }
    }
}
