import HTTP

extension ReasonCatalogue {
    /// Reasons for which responses are cut.
    static let ofCuts: [Reason] = [
        Reason(
            .responseCut, "response not taken in time", status: 408,
            Explanation(
                "response_not_taken", .client, "The client accepted nothing of the response for limits.write_timeout.",
                "Usually a lost connection. If real clients are affected, raise limits.write_timeout.")),
        Reason(
            .responseCut, "response taken too slowly", status: 408,
            Explanation(
                "response_taken_too_slowly", .client, "The client accepts the response below limits.min_response_rate.",
                "It protects against slow clients; lower limits.min_response_rate if real ones are affected.")),
        Reason(
            .responseCut, "response not taken within response_timeout", status: 408,
            Explanation(
                "response_timeout", .client,
                "The client took longer for the whole response than limits.response_timeout.",
                "Raise limits.response_timeout if large downloads are expected.")),
        Reason(
            .responseCut, "client gone", status: 499,
            Explanation(
                "client_gone", .client, "The client closed or reset the connection before its response was complete.",
                "Users do this by leaving a page. If it is frequent, look for what makes responses slow.")),
    ]

    /// Responses of the gateway itself, by the text in their content.
    static let ofAnswers: [Reason] = routing + access + ofHandlers

    private static let routing: [Reason] = [
        Reason(
            .answered, "no site on this listener answers for the requested host", status: 421,
            Explanation(
                "no_site", .operation, "No site of the listener has the host that the request names.",
                "Add the host to hosts of a site, or add a site with hosts: \"*\".")),
        Reason(
            .answered, "no such challenge", status: 404,
            Explanation(
                "no_such_challenge", .client,
                "A path below /.well-known/acme-challenge/ was requested that no authority waits for at present.",
                "Nothing has to be done, unless another ACME client is to answer there; then use http-01 for only one of "
                    + "them.")),
        Reason(
            .answered, "no route answers for the requested path", status: 404,
            Explanation(
                "no_route", .operation, "The site has no route whose path and conditions fit the request.",
                "Run isagate explain URL to see which routes were considered; add a route, or correct the link.")),
        Reason(
            .answered, "this site wants a connection of its own, because its certificate is another", status: 421,
            Explanation(
                "misdirected_connection", .client,
                "The client used a connection of HTTP/2 that it had made with another site for this one.",
                "Clients repeat the request on a new connection. Give sites that are to share one the same certificate."
            )),
        Reason(
            .answered, "this site wants a connection of its own, because it asks for certificates", status: 421,
            Explanation(
                "misdirected_without_certificate", .client,
                "The connection was made with another site, which did not ask for a client certificate.",
                "Clients repeat the request on a new connection; others have to name the site in the handshake "
                    + "(SNI).")),
        Reason(
            .answered, "this site requires a client certificate, which only a connection with TLS can show",
            status: 421,
            Explanation(
                "certificate_needs_tls", .operation,
                "The site requires a client certificate and was reached without TLS.",
                "Leave listeners without TLS out of listen of the site.")),
        Reason(
            .answered, "the path takes too long to match with a route's expression", status: 500,
            Explanation(
                "expression_too_slow", .operation, "The regular expression of a route needs more steps than it may.",
                "Make the expression of match simpler; repetitions within repetitions are slow.")),
        Reason(
            .answered, "requests within requests are too deep", status: 508,
            Explanation(
                "requests_too_deep", .operation,
                "Routes, error pages or extensions call each other more than eight deep.",
                "Look for a route whose error page or forward_auth leads back to itself.")),
        Reason(
            .answered, "this gateway does not repeat requests", status: 405,
            Explanation(
                "trace_not_answered", .client, "TRACE with Max-Forwards: 0 asks the gateway to repeat the request.",
                "Nothing: a response could reveal fields that were added on the way.")),
        Reason(
            .answered, "only GET and HEAD are answered here", status: 405,
            Explanation(
                "admin_read_only", .client, "The admin listener was asked with a method that changes something.",
                "Use GET, and the commands of isagate for changes.")),
        Reason(
            .answered, "too much is asked at once", status: 503,
            Explanation(
                "admin_busy", .client, "More than 32 documents of the admin listener were asked for at once.",
                "Ask less often; one collection in 15 s is usual.")),
    ]

    private static let access: [Reason] = [
        Reason(
            .answered, "not from this address", status: 403,
            Explanation(
                "address_denied", .operation,
                "allow and deny of the route or its site do not admit the client's address.",
                "Add the network to allow. Behind a proxy, name it in trusted.from, so that clients are known.")),
        Reason(
            .answered, "a user and a password are needed", status: 401,
            Explanation(
                "password_needed", .client,
                "basic_auth of the route asks for a user, and none or a wrong password came.",
                "Check the password, and the file of basic_auth.users; a changed file takes effect with a reload.")),
        Reason(
            .answered, "too many passwords to check", status: 503,
            Explanation(
                "passwords_busy", .gateway, "More than 64 passwords waited to be checked, or one did for 30 s.",
                "Limit the rate of the route with limit; somebody may be guessing passwords.")),
        Reason(
            .answered, "forbidden by forward_auth",
            Explanation(
                "forward_auth_denied", .upstream, "The server of forward_auth did not admit the request.",
                "Look at that server's log; its response was passed on to the client.")),
        Reason(
            .answered, "the limits cannot be counted", status: 503,
            Explanation(
                "limits_not_counted", .operation,
                "A limit of the route is shared, its Redis server is lost, and on_failure is deny.",
                "Look at the log for shared_engine_lost; on_failure: local serves on, with a part of the limit for each "
                    + "instance.")),
        Reason(
            .answered, "too many requests in a short time", status: 429,
            Explanation(
                "rate_limit", .client, "The client sends requests more often than limit.rate of the route.",
                "Have the client wait as Retry-After says, or raise limit.rate.")),
        Reason(
            .answered, "too many requests at the same time", status: 429,
            Explanation(
                "concurrency_limit", .client,
                "The client has as many requests under way as limit.concurrency of the route.",
                "Have the client wait as Retry-After says, or raise the limit.")),
    ]

    private static let ofHandlers: [Reason] = [
        Reason(
            .answered, "files are read only", status: 405,
            Explanation(
                "files_read_only", .client, "A route of files was requested with a method other than GET and HEAD.",
                "Correct the client, or put a route with when.methods before it.")),
        Reason(
            .answered, "no such file", status: 404,
            Explanation(
                "no_file", .client, "There is no such file in the folder of the route, or its name may not be served.",
                "Correct the link, or the root of the route; isagate explain URL shows which route answers.")),
        Reason(
            .answered, "the file may not be read", status: 403,
            Explanation(
                "file_forbidden", .operation, "The account of the gateway may not read the file.",
                "Give the account of user the right to read it and to enter its folders.")),
        Reason(
            .answered, "too many open files", status: 503,
            Explanation(
                "files_exhausted", .gateway, "The system has no descriptors or memory left to open the file.",
                "Raise LimitNOFILE of the unit; look for what holds so many files.")),
        Reason(
            .answered, "the file cannot be read", status: 500,
            Explanation(
                "file_unreadable", .gateway, "Reading the file or the folder failed; the log says why.",
                "Check the disk, and the file system of the folder.")),
        Reason(
            .answered, "the file is another one by now", status: 412,
            Explanation(
                "file_changed", .client, "The file is not the version that If-Match or If-Unmodified-Since names.",
                "Nothing: the client requests the new version.")),
        Reason(
            .answered, "no part of the file is in the range", status: 416,
            Explanation(
                "range_outside", .client, "The range that is requested begins behind the end of the file.",
                "Nothing, if the file has become shorter; otherwise correct the client.")),
        Reason(
            .answered, "more than 16 ranges", status: 416,
            Explanation(
                "too_many_ranges", .client, "The request asks for more than 16 ranges of a file at once.",
                "Request fewer ranges; many of them are a known attack.")),
        Reason(
            .answered, "no such extension", status: 404,
            Explanation(
                "no_extension", .client,
                "The folder of extensions_in has no extension of this name, or allow leaves it out.",
                "Correct the link; add the file, and reload so that it becomes known.")),
        Reason(
            .answered, "the extension's queue is full", status: 503,
            Explanation(
                "extension_queue_full", .ownExtension,
                "As many requests wait for a thread of the extension as queue allows.",
                "Look for what makes the extension slow; raise threads or queue of its pool.")),
        Reason(
            .answered, "the extension gave no response", status: 500,
            Explanation(
                "extension_no_response", .ownExtension,
                "The extension failed or returned without a response; the log says which.",
                "Correct the extension; the line with misbehaviour has the number of the request.")),
        Reason(
            .answered, "the extension could not be loaded", status: 500,
            Explanation(
                "extension_unavailable", .operation, "The library of the extension cannot be loaded; the log says why.",
                "Run isagate probe FILE. It is tried again with the next requests.")),
        Reason(
            .answered, "the extension's process has ended", status: 502,
            Explanation(
                "extension_process_ended", .ownExtension,
                "The process of an isolated extension ended with the request in it.",
                "Look at the crash report in the log and at isagate pools.")),
        Reason(
            .answered, "the extension is stopped", status: 503,
            Explanation(
                "extension_stopped", .ownExtension,
                "The processes of the pool have crashed too often, so that it is stopped.",
                "Correct the crash; isagate pools start NAME starts it before the pause of rapid_fail is over.")),
        Reason(
            .answered, "the extension did not answer in time", status: 504,
            Explanation(
                "extension_timeout", .ownExtension, "The extension did not respond within its request_timeout.",
                "Look for what makes the extension slow, or raise request_timeout.")),
        Reason(
            .answered, "the server behind the gateway gave no valid response", status: 502,
            Explanation(
                "bad_gateway", .upstream, "The upstream server failed; the log has the reason as upstream failed.",
                "Look for the number of the request in the log, and explain the reason there.")),
        Reason(
            .answered, "no server is available", status: 503,
            Explanation(
                "service_unavailable", .upstream, "No server of the upstream can take the request now.",
                "Look at isagate status for the servers' states.")),
        Reason(
            .answered, "the server behind the gateway did not answer in time", status: 504,
            Explanation(
                "gateway_timeout", .upstream, "The upstream server exceeded one of the upstream's timeouts.",
                "Look for the number of the request in the log, which has the timeout.")),
        Reason(
            .answered, "the gateway has no room to hold the request", status: 507,
            Explanation(
                "no_room", .gateway, "The request has to be held before it is sent, and there is no room for it.",
                "Free space where temporary files are kept, or set buffer to off.")),
    ]

    /// Problems with files that the log has, while the client is answered 403, 404, 500 or 503.
    static let ofFiles: [Reason] = [
        Reason(
            .fileNotServed, "the path leads out of the root or over a link", status: 404,
            Explanation(
                "file_outside_root", .operation,
                "A symbolic link on the path leads out of the root, or is not followed.",
                "Set follow_symlinks of the route if the link is intended, or make the folder it leads to the root.")),
        Reason(
            .fileNotServed, "not permitted to read", status: 403,
            Explanation(
                "file_not_permitted", .operation,
                "The account of the gateway may not read the file or enter its folder.",
                "Give the account of user the right to read it and to enter its folders.")),
        Reason(
            .fileNotServed, "the root is not there", status: 404,
            Explanation(
                "no_root", .operation, "The folder of the route does not exist, or is not mounted.",
                "Create or mount it; the gateway finds it with the next request.")),
        Reason(
            .fileNotServed, "neither a file nor a folder", status: 404,
            Explanation(
                "not_a_file", .operation, "The path names a device, a socket or a pipe.",
                "Remove it from the folder of the route.")),
        Reason(
            .fileNotServed, "no descriptor or memory left", status: 503,
            Explanation(
                "no_descriptor", .gateway, "The system has no descriptors or memory left to open the file.",
                "Raise LimitNOFILE of the unit; look for what holds so many files.")),
        Reason(
            .fileNotServed, "a file became shorter while it was sent",
            Explanation(
                "file_became_shorter", .operation,
                "A file was cut while it was being sent, so that its rest is missing.",
                "Replace files by renaming new ones into their place, instead of writing into them.")),
    ]
}
