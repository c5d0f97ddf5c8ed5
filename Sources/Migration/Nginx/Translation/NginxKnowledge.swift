/// What becomes of directives that no translation has carried over.
enum NginxKnowledge {
    static func outcome(of directive: NginxDirective) -> Ledger.Outcome {
        if let reason = unneeded[directive.name] { return .unneeded(reason) }
        if let advice = advice(of: directive.name) { return .omitted(advice) }
        if let prefix = prefixes.first(where: { directive.name.hasPrefix($0.0) }) { return .omitted(prefix.1) }
        if inherited.contains(directive.name) {
            return .unneeded("nothing that is carried over uses it")
        }
        return .omitted("this directive is unknown here; see docs/configuration.md for what the gateway has")
    }

    static func advice(of name: String) -> String? { omitted[name] }

    /// Cipher suites of TLS 1.2 with forward secrecy and authenticated encryption.
    static let ciphers: Set<String> = [
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
    ]

    /// Directives that have an effect only where something else uses them.
    private static let inherited: Set<String> = [
        "root", "index", "autoindex", "set", "proxy_set_header", "proxy_connect_timeout", "proxy_send_timeout",
        "proxy_read_timeout", "add_header", "expires", "gzip_types", "gzip_comp_level", "gzip_min_length", "error_page",
        "auth_basic_user_file", "ssl_certificate", "ssl_certificate_key", "ssl_protocols", "ssl_ciphers", "allow",
        "deny",
        "limit_req_zone", "limit_conn_zone", "log_format", "proxy_ssl_verify", "proxy_ssl_trusted_certificate",
        "proxy_ssl_name", "proxy_ssl_protocols", "proxy_ssl_certificate", "proxy_ssl_certificate_key", "gzip",
        "upstream",
        "proxy_hide_header", "client_max_body_size", "ssl_verify_client", "ssl_client_certificate", "ssl_verify_depth",
        "ssl_crl", "ssl_password_file", "gzip_static", "brotli_static", "access_log", "set_real_ip_from",
        "real_ip_header",
        "proxy_next_upstream", "proxy_next_upstream_tries", "ssl_ecdh_curve", "ssl_session_tickets", "server",
        "location",
        "keepalive_timeout", "client_body_timeout", "client_header_timeout", "send_timeout",
        "large_client_header_buffers",
        "default_type", "auth_request", "auth_request_set", "auth_basic", "limit_req", "limit_conn", "user", "if",
        "worker_processes", "ssl", "ssl_reject_handshake", "satisfy", "internal", "server_name",
        "proxy_request_buffering",
        "proxy_pass", "return", "rewrite", "try_files", "alias", "limit_except", "listen", "include",
    ]

    private static let prefixes = [
        ("fastcgi_", "FastCGI is not available; have an HTTP server run the program"),
        ("uwsgi_", "uwsgi is not available; let the program listen for HTTP (http-socket) and use 'proxy'"),
        ("scgi_", "SCGI is not available; have an HTTP server run the program"),
        ("grpc_", "gRPC needs HTTP/2 to servers, which is not available"),
        ("memcached_", "memcached is not available"),
        ("proxy_cache", "responses are not cached; put a cache between the gateway and the servers"),
        ("lua_", "there is no Lua; write an extension"), ("set_by_lua", "there is no Lua; write an extension"),
        ("rewrite_by_lua", "there is no Lua; write an extension"), ("init_by_lua", "there is no Lua"),
        ("init_worker_by_lua", "there is no Lua"), ("header_filter_by_lua", "there is no Lua; see 'headers'"),
        ("body_filter_by_lua", "there is no Lua"), ("log_by_lua", "there is no Lua"),
        ("access_by_lua", "there is no Lua; see allow, basic_auth and forward_auth"),
        ("balancer_by_lua", "there is no Lua; see 'balance'"),
        ("content_by_lua", "there is no Lua; write an extension"),
        ("js_", "there is no njs; write an extension"), ("perl", "there is no Perl; write an extension"),
        ("dav_", "there is no WebDAV"), ("geoip", "addresses are not looked up; servers can do it by X-Real-IP"),
        ("modsecurity", "there is no ModSecurity; put a filter in front of the servers"),
        ("pagespeed", "there is no PageSpeed"), ("passenger_", "there is no Passenger; run the application by itself"),
        ("image_filter", "images are not changed"), ("xslt_", "XML is not transformed"),
        ("sub_filter", "bodies are not changed"),
        ("brotli", "brotli needs a build with the trait Brotli, and is part of 'compress' then"),
        ("zstd", "Zstandard needs a build with the trait Zstd, and is part of 'compress' then"),
        ("secure_link", "links are not verified; let the server do it"), ("auth_jwt", "see forward_auth"),
        ("more_", "see 'headers' of sites and routes"),
        ("proxy_cookie", "domains and paths of cookies are rewritten already"),
        ("vhost_traffic", "see /metrics of admin.bind"), ("health_check", "see health.active of upstreams"),
        ("check", "see health.active of upstreams"), ("sticky", "see 'sticky' of upstreams"),
        ("opentracing", "see trace_context"), ("otel_", "see trace_context"), ("proxy_ssl_", "see 'tls' of upstreams"),
        ("ssl_", "see 'tls' of listeners and sites"), ("gunzip", "responses that are coded stay so"),
        ("mp4", "files are sent as they are, with ranges"), ("flv", "files are sent as they are, with ranges"),
        ("rtmp", "there is no RTMP"), ("hls", "there is no HLS packager"), ("proxy_", "see 'proxy' and 'upstreams'"),
    ]

    private static let omitted = [
        "fastcgi_pass": "FastCGI is not available; have an HTTP server run the program. The paths are answered 501",
        "uwsgi_pass": "let the program listen for HTTP (http-socket) and use 'proxy'. The paths are answered 501",
        "scgi_pass": "SCGI is not available; have an HTTP server run the program. The paths are answered 501",
        "grpc_pass": "gRPC needs HTTP/2 to servers, which is not available. The paths are answered 501",
        "memcached_pass": "memcached is not available. The paths are answered 501",
        "stub_status": "see admin.bind for /metrics and the status page. The paths are answered 501",
        "empty_gif": "serve a file. The paths are answered 501",
        "stream": "TCP and UDP are not forwarded; keep nginx or use HAProxy for this", "mail": "mail is not forwarded",
        "rtmp": "there is no RTMP", "map": "values are not mapped; write the routes or sites with 'when' and 'hosts'",
        "geo": "addresses are not mapped; see when.from, allow and deny",
        "split_clients": "see 'balance', weights and canary routes", "set": "there are no variables",
        "if": "see 'when' for conditions of routes", "rewrite": "see 'redirect', and 'rewrite' of 'proxy'",
        "mirror": "requests are not mirrored", "limit_rate": "rates of responses are not limited",
        "limit_rate_after": "rates of responses are not limited", "valid_referers": "see when.headers",
        "add_before_body": "bodies are not changed", "add_after_body": "bodies are not changed",
        "addition_types": "bodies are not changed", "ssi": "there are no server-side includes",
        "satisfy": "both the address and the password are required",
        "error_page": "error_pages belong to sites, with a file or a path of the site",
        "proxy_intercept_errors": "responses of servers are passed on; error_pages are for the gateway's own errors",
        "proxy_redirect": "Location and Refresh are rewritten for the prefixes and the server's name",
        "proxy_bind": "the system chooses the address", "proxy_method": "the method stays",
        "proxy_set_body": "bodies are not changed", "proxy_pass_request_headers": "see headers.remove of 'proxy'",
        "proxy_pass_request_body": "bodies are forwarded", "proxy_limit_rate": "rates are not limited",
        "proxy_store": "responses are not stored", "add_trailer": "trailers of servers are forwarded",
        "env": "see 'environment' of pools", "resolver": "see 'resolver'", "random_index": "see 'index'",
        "charset": "text is sent with charset=utf-8 where the media type has none of its own",
        "override_charset": "texts are not converted", "source_charset": "texts are not converted",
        "types": "media types follow from /etc/mime.types; add them there",
        "upstream_conf": "see servers of upstreams", "userid": "cookies are not issued", "auth_delay": "see 'limit'",
        "ssl_stapling": "responses are stapled from a file, which another program renews: see certificates[].ocsp",
        "disable_symlinks": "links are not followed by default; see follow_symlinks",
        "max_ranges": "at most 16 ranges are answered", "chunked_transfer_encoding": "chunks are part of HTTP/1.1",
        "client_body_in_file_only": "bodies are streamed; see 'buffer' of 'proxy'",
        "default_type": "see /etc/mime.types",
        "ssl_conf_command": "see 'tls' of the listener", "server_name": "see 'hosts'", "auth_basic": "see basic_auth",
        "http2_push": "HTTP/2 push is obsolete", "http2_push_preload": "HTTP/2 push is obsolete",
        "access_by_lua_block": "see allow, basic_auth and forward_auth", "hash": "see hash_by of upstreams",
    ]

    private static let unneeded: [String: String] = {
        var table: [String: String] = [:]
        for (reason, names) in unneededByReason {
            for name in names.split(separator: " ") { table[String(name)] = reason }
        }
        return table
    }()

    private static let unneededByReason = [
        (
            "the gateway has event loops of its own",
            "events worker_connections multi_accept use accept_mutex "
                + "accept_mutex_delay epoll_events worker_aio_requests thread_pool aio aio_write worker_cpu_affinity "
                + "worker_priority debug_connection timer_resolution"
        ),
        (
            "the supervisor and the system's service manager do this",
            "pid daemon master_process lock_file "
                + "worker_shutdown_timeout worker_rlimit_nofile worker_rlimit_core working_directory debug_points"
        ),
        ("there are no modules to load", "load_module pcre_jit"),
        (
            "lines about errors go to standard error; see log.level",
            "error_log log_not_found log_subrequest "
                + "open_log_file_cache rewrite_log uninitialized_variable_warn access_log_buffer"
        ),
        (
            "files are sent by the quickest way",
            "sendfile sendfile_max_chunk tcp_nopush tcp_nodelay directio "
                + "directio_alignment output_buffers postpone_output read_ahead subrequest_output_buffer_size"
        ),
        (
            "tables take their size themselves",
            "types_hash_max_size types_hash_bucket_size server_names_hash_max_size "
                + "server_names_hash_bucket_size variables_hash_max_size variables_hash_bucket_size map_hash_max_size "
                + "map_hash_bucket_size proxy_headers_hash_max_size proxy_headers_hash_bucket_size zone limit_conn_log_level "
                + "limit_req_log_level"
        ),
        ("no version is sent", "server_tokens more_clear_headers_server"),
        ("files have entity tags and times, and conditions are answered", "etag if_modified_since"),
        (
            "the cache of files has limits of its own; see file_cache",
            "open_file_cache open_file_cache_valid "
                + "open_file_cache_min_uses open_file_cache_errors"
        ),
        (
            "bodies are streamed, with memory of a fixed size",
            "client_body_buffer_size client_body_temp_path "
                + "client_body_in_single_buffer proxy_temp_path proxy_temp_file_write_size proxy_max_temp_file_size "
                + "proxy_buffers proxy_busy_buffers_size proxy_buffer_size proxy_buffering proxy_request_buffering "
                + "client_header_buffer_size connection_pool_size request_pool_size fastcgi_temp_path uwsgi_temp_path "
                + "scgi_temp_path http2_body_preread_size http2_chunk_size ssl_buffer_size"
        ),
        (
            "requests to servers are HTTP/1.1 with kept connections",
            "proxy_http_version keepalive_requests keepalive_time "
                + "proxy_socket_keepalive proxy_ignore_client_abort proxy_headers_hash proxy_pass_header"
        ),
        (
            "it is the default for servers with TLS",
            "proxy_ssl_server_name proxy_ssl_session_reuse proxy_ssl_ciphers "
                + "proxy_ssl_verify_depth"
        ),
        (
            "a request is sent again only when no server can have processed it",
            "proxy_next_upstream "
                + "proxy_next_upstream_timeout proxy_next_upstream_tries"
        ),
        ("Location and Refresh are rewritten", "proxy_redirect_default"),
        ("sessions are resumed by tickets, without a cache", "ssl_session_cache ssl_session_timeout"),
        ("there are only key exchanges with elliptic curves", "ssl_dhparam"),
        ("the first cipher of the list that the client offers is used", "ssl_prefer_server_ciphers"),
        ("responses are stapled from files only", "ssl_stapling_verify ssl_trusted_certificate ssl_stapling_responder"),
        ("there is no early data", "ssl_early_data"),
        (
            "HTTP/2 is offered on TLS listeners",
            "http2 http2_max_concurrent_streams http2_max_field_size "
                + "http2_max_header_size http2_idle_timeout http2_recv_timeout http2_max_requests http2_recv_buffer_size "
                + "spdy_headers_comp http2_push_preload"
        ),
        ("there is no HTTP/3", "http3 quic_retry quic_gso ssl_quic http3_hq http3_stream_buffer_size quic_bpf"),
        ("names of servers are resolved by the system's name servers", "resolver resolver_timeout"),
        (
            "compression decides by itself",
            "gzip_vary gzip_proxied gzip_disable gzip_buffers gzip_http_version "
                + "gzip_window gzip_hash gzip_no_buffer"
        ),
        ("listings are a page or JSON", "autoindex_exact_size autoindex_localtime autoindex_format"),
        ("the status is 429", "limit_req_status limit_conn_status limit_req_dry_run limit_conn_dry_run"),
        (
            "connections end by the gateway's own rules",
            "lingering_close lingering_time lingering_timeout "
                + "reset_timedout_connection keepalive_disable keepalive_min_timeout"
        ),
        ("the last address that is no proxy's is taken", "real_ip_recursive"),
        ("paths have one normal form", "merge_slashes"),
        (
            "redirects are made by the route",
            "absolute_redirect "
                + "server_name_in_redirect port_in_redirect"
        ),
        ("requests are parsed strictly", "ignore_invalid_headers underscores_in_headers msie_padding msie_refresh"),
        ("an error page keeps its status and is made once", "recursive_error_pages proxy_intercept_errors_off"),
        ("media types follow from /etc/mime.types", "types_hash default_type"),
        ("a switch of protocols passes through", "proxy_websocket"),
        ("there is one prompt", "auth_http auth_http_header"),
        ("the system chooses", "charset_types charset_map break min_delete_depth create_full_put_path"),
    ]
}
