/* Keeps the connection, by a length in the header, and says whether the server will. */
#include <windows.h>
#include <httpext.h>
#include <stdio.h>
#include <stdlib.h>

static LONG g_cRequests = 0;

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *pVer)
{
    pVer->dwExtensionVersion = HSE_VERSION;
    strcpy_s(pVer->lpszExtensionDesc, sizeof(pVer->lpszExtensionDesc), "Keep-alive sample");
    return TRUE;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *pECB)
{
    HSE_SEND_HEADER_EX_INFO Info;
    CHAR szStatus[] = "200 OK";
    CHAR szHeader[256];
    CHAR szContent[256];
    BOOL fKeepConn = FALSE;
    DWORD cbContent;
    LONG iRequest = InterlockedIncrement(&g_cRequests);

    /* The control block serves as its own connection identifier. */
    if (!pECB->ServerSupportFunction((HCONN)pECB, HSE_REQ_IS_KEEP_CONN, &fKeepConn, NULL, NULL))
    {
        fKeepConn = FALSE;
    }
    sprintf_s(szContent, sizeof(szContent), "request %ld, %s\r\n", (long)iRequest,
              fKeepConn ? "keeping the connection" : "closing the connection");
    cbContent = (DWORD)strlen(szContent);
    _snprintf_s(szHeader, sizeof(szHeader), _TRUNCATE, "Content-Length: %lu\r\nContent-Type: text/plain\r\n\r\n",
                (unsigned long)cbContent);

    Info.pszStatus = szStatus;
    Info.pszHeader = szHeader;
    Info.cchStatus = (DWORD)strlen(szStatus);
    Info.cchHeader = (DWORD)strlen(szHeader);
    Info.fKeepConn = fKeepConn;
    if (!pECB->ServerSupportFunction((HCONN)pECB, HSE_REQ_SEND_RESPONSE_HEADER_EX, &Info, NULL, NULL) ||
        !pECB->WriteClient((HCONN)pECB, szContent, &cbContent, 0))
    {
        return HSE_STATUS_ERROR;
    }
    return fKeepConn ? HSE_STATUS_SUCCESS_AND_KEEP_CONN : HSE_STATUS_SUCCESS;
}
