/* A thread for each request, which works for a while; the server's own thread is free meanwhile. */
#include <windows.h>
#include <httpext.h>
#include <stdio.h>

static HINSTANCE g_hInstance = NULL;

BOOL WINAPI DllMain(HINSTANCE hInstance, DWORD dwReason, LPVOID lpReserved)
{
    UNREFERENCED_PARAMETER(lpReserved);
    if (dwReason == DLL_PROCESS_ATTACH)
    {
        g_hInstance = hInstance;
        DisableThreadLibraryCalls(hInstance);
    }
    return TRUE;
}

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *pVer)
{
    pVer->dwExtensionVersion = HSE_VERSION;
    lstrcpyn(pVer->lpszExtensionDesc, TEXT("Worker thread sample"), HSE_MAX_EXT_DLL_NAME_LEN);
    return TRUE;
}

static DWORD WINAPI WorkerFunction(LPVOID pvContext)
{
    EXTENSION_CONTROL_BLOCK *pECB = (EXTENSION_CONTROL_BLOCK *)pvContext;
    CHAR szModule[MAX_PATH];
    CHAR szBody[MAX_PATH + 64];
    CHAR szHeader[] = "Content-Type: text/plain\r\n\r\n";
    DWORD cbBody;

    Sleep(10);
    if (!GetModuleFileName(g_hInstance, szModule, sizeof(szModule)))
    {
        lstrcpy(szModule, "unknown");
    }
    wsprintf(szBody, "worked in %s\r\n", szModule);
    cbBody = (DWORD)lstrlen(szBody);
    pECB->dwHttpStatusCode = 200;
    pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_SEND_RESPONSE_HEADER, (LPVOID)"200 OK", NULL,
                                (LPDWORD)szHeader);
    pECB->WriteClient(pECB->ConnID, szBody, &cbBody, HSE_IO_SYNC);
    pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_DONE_WITH_SESSION, NULL, NULL, NULL);
    return 0;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *pECB)
{
    DWORD dwThreadId;
    HANDLE hThread = CreateThread(NULL, 0, WorkerFunction, pECB, 0, &dwThreadId);

    if (hThread == NULL)
    {
        pECB->dwHttpStatusCode = 500;
        return HSE_STATUS_ERROR;
    }
    CloseHandle(hThread);
    return HSE_STATUS_PENDING;
}
