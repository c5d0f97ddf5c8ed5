/* Sends the client to another URL, which the query names. */
#include <windows.h>
#include <httpext.h>

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *pVer)
{
    pVer->dwExtensionVersion = HSE_VERSION;
    lstrcpy(pVer->lpszExtensionDesc, "Redirect sample");
    return TRUE;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *pECB)
{
    CHAR szUrl[MAX_PATH];
    DWORD cbUrl;

    if (lstrcmpi(pECB->lpszQueryString, "elsewhere") == 0)
    {
        lstrcpyn(szUrl, "https://www.example.com/elsewhere", sizeof(szUrl));
    }
    else
    {
        lstrcpyn(szUrl, "/landing", sizeof(szUrl));
    }
    cbUrl = (DWORD)lstrlen(szUrl);
    if (!pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_SEND_URL_REDIRECT_RESP, szUrl, &cbUrl, NULL))
    {
        return HSE_STATUS_ERROR;
    }
    return HSE_STATUS_SUCCESS;
}
