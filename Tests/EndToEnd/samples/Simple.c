/* The least an extension does: a page with a few facts about the request. */
#include <windows.h>
#include <httpext.h>
#include <stdio.h>

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *pVer)
{
    pVer->dwExtensionVersion = MAKELONG(HSE_VERSION_MINOR, HSE_VERSION_MAJOR);
    lstrcpyn(pVer->lpszExtensionDesc, "Simple sample", HSE_MAX_EXT_DLL_NAME_LEN);
    return TRUE;
}

BOOL WINAPI TerminateExtension(DWORD dwFlags)
{
    return dwFlags == HSE_TERM_ADVISORY_UNLOAD || dwFlags == HSE_TERM_MUST_UNLOAD;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *pECB)
{
    CHAR szBody[1024];
    CHAR szHeader[128];
    CHAR szStatus[] = "200 OK";
    DWORD cbBody;
    HSE_SEND_HEADER_EX_INFO HeaderExInfo;

    wsprintf(szBody, "<html><body><p>Method: %s</p><p>Query: %s</p><p>Thread: %s</p></body></html>\r\n",
             pECB->lpszMethod, lstrlen(pECB->lpszQueryString) ? "some" : "none",
             GetCurrentThreadId() ? "known" : "unknown");
    cbBody = (DWORD)lstrlen(szBody);
    wsprintf(szHeader, "Content-Type: text/html\r\nContent-Length: %lu\r\n\r\n", cbBody);

    ZeroMemory(&HeaderExInfo, sizeof(HeaderExInfo));
    HeaderExInfo.pszStatus = szStatus;
    HeaderExInfo.cchStatus = (DWORD)lstrlen(szStatus);
    HeaderExInfo.pszHeader = szHeader;
    HeaderExInfo.cchHeader = (DWORD)lstrlen(szHeader);
    HeaderExInfo.fKeepConn = TRUE;
    if (!pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_SEND_RESPONSE_HEADER_EX, &HeaderExInfo, NULL, NULL))
    {
        return HSE_STATUS_ERROR;
    }
    if (!pECB->WriteClient(pECB->ConnID, szBody, &cbBody, HSE_IO_SYNC))
    {
        return HSE_STATUS_ERROR;
    }
    return HSE_STATUS_SUCCESS_AND_KEEP_CONN;
}
