/* Reads the whole body, what the server has read ahead and the rest, and sends it back. */
#include <windows.h>
#include <httpext.h>
#include <stdio.h>

#define BLOCK 8192

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *pVer)
{
    pVer->dwExtensionVersion = HSE_VERSION;
    lstrcpy(pVer->lpszExtensionDesc, "Synchronous read sample");
    return TRUE;
}

/* Appends bytes to a block of global memory that grows. */
static BOOL Append(HGLOBAL *phData, DWORD *pcbData, const void *pvBytes, DWORD cbBytes)
{
    HGLOBAL hGrown = *phData == NULL ? GlobalAlloc(GMEM_MOVEABLE, cbBytes + 1)
                                     : GlobalReAlloc(*phData, *pcbData + cbBytes + 1, GMEM_MOVEABLE);
    if (hGrown == NULL)
    {
        return FALSE;
    }
    *phData = hGrown;
    CopyMemory((BYTE *)GlobalLock(hGrown) + *pcbData, pvBytes, cbBytes);
    GlobalUnlock(hGrown);
    *pcbData += cbBytes;
    return TRUE;
}

static DWORD Respond(EXTENSION_CONTROL_BLOCK *pECB, HGLOBAL hData, DWORD cbData)
{
    HSE_SEND_HEADER_EX_INFO Info = {0};
    CHAR szHeader[128];

    wsprintf(szHeader, "Content-Type: application/octet-stream\r\nContent-Length: %u\r\n\r\n", cbData);
    Info.pszStatus = "200 OK";
    Info.pszHeader = szHeader;
    Info.fKeepConn = TRUE;
    if (!pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_SEND_RESPONSE_HEADER_EX, &Info, NULL, NULL))
    {
        return HSE_STATUS_ERROR;
    }
    if (cbData > 0 && !pECB->WriteClient(pECB->ConnID, GlobalLock(hData), &cbData, HSE_IO_SYNC))
    {
        return HSE_STATUS_ERROR;
    }
    return HSE_STATUS_SUCCESS_AND_KEEP_CONN;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *pECB)
{
    BYTE rgbBlock[BLOCK];
    HGLOBAL hData = NULL;
    DWORD cbData = 0;
    DWORD dwResult;
    BOOL fRead = Append(&hData, &cbData, pECB->lpbData, pECB->cbAvailable);

    while (fRead && cbData < pECB->cbTotalBytes)
    {
        DWORD cbBlock = sizeof(rgbBlock);
        fRead = pECB->ReadClient(pECB->ConnID, rgbBlock, &cbBlock);
        if (!fRead || cbBlock == 0)
        {
            break;
        }
        fRead = Append(&hData, &cbData, rgbBlock, cbBlock);
    }
    dwResult = fRead ? Respond(pECB, hData, cbData) : HSE_STATUS_ERROR;
    if (hData != NULL)
    {
        GlobalFree(hData);
    }
    return dwResult;
}
