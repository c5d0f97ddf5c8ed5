/* Prints the server variables, with a buffer that grows to the size that the server requires. */
#include <Windows.h>
#include <HttpExt.h>
#include <tchar.h>
#include <stdio.h>

static const char *g_rgszVariables[] = {
    "REQUEST_METHOD", "SERVER_PROTOCOL", "SERVER_NAME", "SERVER_PORT_SECURE", "QUERY_STRING", "URL", "HTTPS",
    "HTTP_USER_AGENT", "ALL_HTTP", "NO_SUCH_VARIABLE"
};

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *pVer)
{
    pVer->dwExtensionVersion = HSE_VERSION;
    strncpy_s(pVer->lpszExtensionDesc, HSE_MAX_EXT_DLL_NAME_LEN, "Variable dump sample", _TRUNCATE);
    return TRUE;
}

static BOOL SendText(EXTENSION_CONTROL_BLOCK *pECB, LPSTR pszText)
{
    DWORD cbText = (DWORD)_tcslen(pszText);
    return pECB->WriteClient(pECB->ConnID, pszText, &cbText, HSE_IO_SYNC);
}

/* The variable's value, to be given back to the process heap, or NULL with the last error. */
static LPSTR QueryVariable(EXTENSION_CONTROL_BLOCK *pECB, LPCSTR pszName)
{
    DWORD cbValue = 8;
    LPSTR pszValue = (LPSTR)HeapAlloc(GetProcessHeap(), 0, cbValue);

    while (pszValue != NULL && !pECB->GetServerVariable(pECB->ConnID, (LPSTR)pszName, pszValue, &cbValue))
    {
        DWORD dwError = GetLastError();
        HeapFree(GetProcessHeap(), 0, pszValue);
        pszValue = NULL;
        if (dwError == ERROR_INSUFFICIENT_BUFFER)
        {
            pszValue = (LPSTR)HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, cbValue);
        }
        else
        {
            SetLastError(dwError);
        }
    }
    return pszValue;
}

static void DumpVariable(EXTENSION_CONTROL_BLOCK *pECB, LPCSTR pszName)
{
    CHAR szError[80];
    LPSTR pszValue = QueryVariable(pECB, pszName);

    SendText(pECB, (LPSTR)pszName);
    SendText(pECB, (LPSTR)": ");
    if (pszValue != NULL)
    {
        SendText(pECB, pszValue);
        HeapFree(GetProcessHeap(), 0, pszValue);
    }
    else
    {
        sprintf_s(szError, sizeof(szError), "<error %u>", (unsigned)GetLastError());
        SendText(pECB, szError);
    }
    SendText(pECB, (LPSTR)"\r\n");
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *pECB)
{
    CHAR szHeader[] = "Content-Type: text/plain\r\n\r\n";
    size_t i;

    if (!pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_SEND_RESPONSE_HEADER, (LPVOID)"200 OK", NULL,
                                     (LPDWORD)szHeader))
    {
        return HSE_STATUS_ERROR;
    }
    for (i = 0; i < ARRAYSIZE(g_rgszVariables); i++)
    {
        DumpVariable(pECB, g_rgszVariables[i]);
    }
    return HSE_STATUS_SUCCESS;
}
