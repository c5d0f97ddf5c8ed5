/// What becomes of elements and attributes that no translation has carried over.
enum IISKnowledge {
    static func outcome(of element: XMLElement) -> Ledger.Outcome {
        if let reason = unneeded[element.name] { return .unneeded(reason) }
        if let advice = omitted[element.name] { return .omitted(advice) }
        if element.name.hasPrefix("system.") && element.name != "system.webServer"
            || ["appSettings", "connectionStrings", "configSections", "runtime", "entityFramework"].contains(
                element.name)
        {
            return .unneeded("it is about .NET, not about the server")
        }
        if ["remove", "clear", "add"].contains(element.name) {
            return .unneeded(
                "the section that it changes has no equivalent, or it changes nothing that is carried over")
        }
        return .omitted("there is no equivalent; see docs/configuration.md")
    }

    static func outcome(of attribute: XMLElement.Attribute, of element: XMLElement) -> Ledger.Outcome {
        if let reason = unneededAttributes[attribute.name] { return .unneeded(reason) }
        return .omitted("there is no equivalent")
    }

    private static let unneeded = [
        "globalModules": "modules are part of the gateway", "modules": "modules are part of the gateway",
        "caching": "files are cached by file_cache", "serverRuntime": "limits are in 'limits'",
        "httpCompression": "compression is part of 'compress'", "cgi": "there is no CGI",
        "httpLogging": "access logs are in 'log'", "odbcLogging": "access logs are in 'log'",
        "validation": "it is about .NET, not about the server", "webSocket": "a switch of protocols passes through",
        "directoryEntry": "it is about IIS itself", "customMetadata": "it is about IIS itself",
        "webLimits": "see 'limits'", "log": "access logs are in 'log'", "listenerAdapters": "it is about IIS itself",
        "configHistory": "it is about IIS itself", "applicationInitialization": "see 'start' of pools",
        "serviceAutoStartProviders": "it is about .NET", "traceFailedRequests": "see isagate trace",
        "traceFailedRequestsLogging": "see isagate trace", "httpTracing": "see isagate trace",
        "tracing": "see isagate trace", "logFile": "access logs are in 'log'", "mimeMap": "see /etc/mime.types",
        "sectionGroup": "it is about IIS itself", "configProtectedData": "it is about IIS itself",
        "applicationPoolDefaults": "pools have defaults of their own", "fastCgi": "there is no FastCGI",
        "isapiCgiRestriction": "an extension runs because the file names it", "asp": "there is no ASP",
        "aspNetCore": "the program is started by itself; see the remark about its handler",
        "httpPlatform": "the program is started by itself", "iisnode": "the program is started by itself",
        "outboundRules": "Location and cookies of servers are rewritten already",
        "rewriteMaps": "see 'match' and 'redirect'",
        "allowedServerVariables": "see headers of 'proxy'", "httpErrors": "the gateway has pages of its own",
        "dynamicTypes": "see compress.types", "staticTypes": "see compress.types", "hsts": "see 'hsts'",
        "customHeaders": "only what is configured is sent", "redirectHeaders": "only what is configured is sent",
        "anonymousAuthentication": "everybody may use a route without rules",
        "trace": "see isagate trace", "limits": "see 'limits'", "cpu": "see recycle.cpu and cgroup",
        "environmentVariables": "see 'environment' of pools", "dynamicIpSecurity": "see 'limit' of routes",
        "clientCache": "it is the default",
    ]

    private static let omitted = [
        "isapiFilters": "filters are not available; see forward_auth, headers and redirects for what they do",
        "filter": "filters are not available", "basicAuthentication": "see basic_auth; users are in a file of htpasswd",
        "windowsAuthentication": "there is no NTLM or Kerberos; see forward_auth and client_certificates",
        "digestAuthentication": "see basic_auth, which is safe over TLS",
        "clientCertificateMappingAuthentication": "see client_certificates",
        "iisClientCertificateMappingAuthentication": "see client_certificates",
        "authentication": "see basic_auth, forward_auth and client_certificates",
        "authorization": "rules about users are not carried over: the paths are open unless you add basic_auth",
        "access": "sslFlags: leave the site to TLS listeners, and see client_certificates",
        "serverSideInclude": "there are no server-side includes", "proxy": "see 'proxy' and 'upstreams'",
        "webFarms": "see 'upstreams'", "urlRewrite": "see routes", "rule": "write a route for it",
        "preConditions": "see 'headers'", "httpCors": "see 'headers'", "cors": "see 'headers'",
    ]

    private static let unneededAttributes: [String: String] = {
        let names = [
            "id", "serverAutoStart", "enabledProtocols", "managedRuntimeVersion", "managedPipelineMode", "autoStart",
            "enable32BitAppOnWin64", "preloadEnabled", "name", "accessPolicy", "preCondition", "requireAccess",
            "resourceType", "responseBufferLimit", "existingResponse", "errorMode", "defaultResponseMode",
            "defaultPath", "childOnly", "showFlags", "allowDoubleEscaping", "allowHighBitCharacters",
            "removeServerHeader", "applyToWebDAV", "allowUnlisted", "dynamicCompressionBeforeCache",
            "identityType", "loadUserProfile", "pingingEnabled", "rapidFailProtection", "enableProxyAutoDetect",
            "allowKeepAlive", "allowSubDirConfig", "userName", "password", "logonMethod", "detailedMoreInformationLink",
            "startMode", "maxUrl", "maxQueryString", "selfElevated", "xmlns", "logicalGrouping", "trackAllCaptures",
            "disallowOverlappingRotation", "disallowRotationOnConfigChange", "logEventOnRecycle", "period", "type",
            "logExtFileFlags", "defaultDocFooter", "isDocFooterFileName", "enableDocFooter", "CLRConfigFile", "value",
            "denyAction", "enableReverseDns", "enableProxyMode", "cacheControlCustom", "setEtag", "enabled", "allowed",
            "memory", "localTimeRollover", "truncateSize", "customLogPluginClsid", "maxLogLineLength",
        ]
        return Dictionary(uniqueKeysWithValues: names.map { ($0, "there is nothing to set") })
    }()
}
