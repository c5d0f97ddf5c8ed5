/*
 * Sends a file that lies beside the library, with bytes before and after it, by one asynchronous
 * operation. The query "missing" asks for a file that is not there.
 */
#include <windows.h>
#include <httpext.h>
#include <stdio.h>

static CHAR g_szFolder[MAX_PATH];

BOOL WINAPI DllMain(HINSTANCE hInstance, DWORD dwReason, LPVOID lpReserved)
{
    CHAR *pszName;

    (void)lpReserved;
    if (dwReason == DLL_PROCESS_ATTACH)
    {
        if (!GetModuleFileName(hInstance, g_szFolder, sizeof(g_szFolder)))
        {
            return FALSE;
        }
        for (pszName = g_szFolder + lstrlen(g_szFolder); pszName > g_szFolder; pszName--)
        {
            if (*pszName == '\\' || *pszName == '/')
            {
                break;
            }
        }
        *pszName = '\0';
    }
    return TRUE;
}

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *pVer)
{
    pVer->dwExtensionVersion = HSE_VERSION;
    lstrcpy(pVer->lpszExtensionDesc, "Asynchronous file transmission sample");
    return TRUE;
}

static VOID WINAPI TransmitCompletion(EXTENSION_CONTROL_BLOCK *pECB, PVOID pvContext, DWORD cbIO, DWORD dwError)
{
    DWORD dwState = dwError == ERROR_SUCCESS ? HSE_STATUS_SUCCESS_AND_KEEP_CONN : HSE_STATUS_ERROR;

    (void)cbIO;
    CloseHandle((HANDLE)pvContext);
    pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_DONE_WITH_SESSION, &dwState, NULL, NULL);
}

static DWORD SendError(EXTENSION_CONTROL_BLOCK *pECB, DWORD dwError)
{
    CHAR szMessage[256];
    CHAR szHeader[] = "Content-Type: text/plain\r\n\r\n";
    DWORD cbMessage = FormatMessage(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, dwError,
                                    MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT), szMessage, sizeof(szMessage), NULL);

    pECB->dwHttpStatusCode = 404;
    pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_SEND_RESPONSE_HEADER, (LPVOID)"404 Not Found", NULL,
                                (LPDWORD)szHeader);
    pECB->WriteClient(pECB->ConnID, szMessage, &cbMessage, HSE_IO_SYNC);
    return HSE_STATUS_SUCCESS;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *pECB)
{
    static CHAR szHead[] = "-- head --\r\n";
    static CHAR szTail[] = "-- tail --\r\n";
    CHAR szPath[MAX_PATH + 32];
    CHAR szHeader[128];
    HSE_SEND_HEADER_EX_INFO Info;
    HSE_TF_INFO tfInfo;
    LARGE_INTEGER liSize;
    HANDLE hFile;

    sprintf(szPath, "%s\\%s", g_szFolder, lstrcmpi(pECB->lpszQueryString, "missing") == 0 ? "missing.dat" : "file.dat");
    hFile = CreateFile(szPath, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING,
                       FILE_FLAG_OVERLAPPED | FILE_FLAG_SEQUENTIAL_SCAN, NULL);
    if (hFile == INVALID_HANDLE_VALUE)
    {
        return SendError(pECB, GetLastError());
    }
    if (!GetFileSizeEx(hFile, &liSize))
    {
        CloseHandle(hFile);
        return HSE_STATUS_ERROR;
    }
    sprintf(szHeader, "Content-Type: application/octet-stream\r\nContent-Length: %lu\r\n\r\n",
            (unsigned long)(liSize.QuadPart + strlen(szHead) + strlen(szTail)));
    ZeroMemory(&Info, sizeof(Info));
    Info.pszStatus = "200 OK";
    Info.cchStatus = 6;
    Info.pszHeader = szHeader;
    Info.cchHeader = (DWORD)strlen(szHeader);
    Info.fKeepConn = TRUE;

    ZeroMemory(&tfInfo, sizeof(tfInfo));
    tfInfo.pfnHseIO = TransmitCompletion;
    tfInfo.pContext = hFile;
    tfInfo.hFile = hFile;
    tfInfo.pHead = szHead;
    tfInfo.HeadLength = (DWORD)strlen(szHead);
    tfInfo.pTail = szTail;
    tfInfo.TailLength = (DWORD)strlen(szTail);
    tfInfo.dwFlags = HSE_IO_ASYNC;
    if (!pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_SEND_RESPONSE_HEADER_EX, &Info, NULL, NULL) ||
        !pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_TRANSMIT_FILE, &tfInfo, NULL, NULL))
    {
        CloseHandle(hFile);
        return HSE_STATUS_ERROR;
    }
    return HSE_STATUS_PENDING;
}
