/* Reads the body by asynchronous reads, one after the other, and answers with its length and sum. */
#include <windows.h>
#include <httpext.h>
#include <stdio.h>

#define BLOCK 4096

typedef struct _READ_CONTEXT {
    DWORD cbRead;
    DWORD dwSum;
    DWORD cbBlock;
    BYTE rgbBlock[BLOCK];
} READ_CONTEXT;

static VOID WINAPI ReadCompletion(EXTENSION_CONTROL_BLOCK *pECB, PVOID pvContext, DWORD cbIO, DWORD dwError);

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *pVer)
{
    pVer->dwExtensionVersion = HSE_VERSION;
    lstrcpy(pVer->lpszExtensionDesc, "Asynchronous read sample");
    return TRUE;
}

static void Count(READ_CONTEXT *pContext, const BYTE *pbData, DWORD cbData)
{
    DWORD i;

    for (i = 0; i < cbData; i++)
    {
        pContext->dwSum += pbData[i];
    }
    pContext->cbRead += cbData;
}

static void Finish(EXTENSION_CONTROL_BLOCK *pECB, READ_CONTEXT *pContext, BOOL fSucceeded)
{
    CHAR szBody[128];
    CHAR szHeader[] = "Content-Type: text/plain\r\n\r\n";
    DWORD cbBody = (DWORD)wsprintf(szBody, "%u bytes, sum %u\r\n", pContext->cbRead, pContext->dwSum);
    DWORD dwState = fSucceeded ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;

    if (fSucceeded)
    {
        pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_SEND_RESPONSE_HEADER, (LPVOID)"200 OK", NULL,
                                    (LPDWORD)szHeader);
        pECB->WriteClient(pECB->ConnID, szBody, &cbBody, HSE_IO_SYNC);
    }
    HeapFree(GetProcessHeap(), 0, pContext);
    pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_DONE_WITH_SESSION, &dwState, NULL, NULL);
}

static BOOL StartRead(EXTENSION_CONTROL_BLOCK *pECB, READ_CONTEXT *pContext)
{
    DWORD dwFlags = HSE_IO_ASYNC;

    pContext->cbBlock = BLOCK;
    return pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_ASYNC_READ_CLIENT, pContext->rgbBlock,
                                       &pContext->cbBlock, &dwFlags);
}

static VOID WINAPI ReadCompletion(EXTENSION_CONTROL_BLOCK *pECB, PVOID pvContext, DWORD cbIO, DWORD dwError)
{
    READ_CONTEXT *pContext = (READ_CONTEXT *)pvContext;

    if (dwError != ERROR_SUCCESS)
    {
        Finish(pECB, pContext, FALSE);
        return;
    }
    Count(pContext, pContext->rgbBlock, cbIO);
    if (cbIO == 0 || pContext->cbRead >= pECB->cbTotalBytes)
    {
        Finish(pECB, pContext, TRUE);
    }
    else if (!StartRead(pECB, pContext))
    {
        Finish(pECB, pContext, FALSE);
    }
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *pECB)
{
    READ_CONTEXT *pContext = (READ_CONTEXT *)HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof(READ_CONTEXT));

    if (pContext == NULL)
    {
        return HSE_STATUS_ERROR;
    }
    Count(pContext, pECB->lpbData, pECB->cbAvailable);
    if (pContext->cbRead >= pECB->cbTotalBytes)
    {
        Finish(pECB, pContext, TRUE);
        return HSE_STATUS_PENDING;
    }
    if (!pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_IO_COMPLETION, (LPVOID)ReadCompletion, NULL,
                                     (LPDWORD)pContext) ||
        !StartRead(pECB, pContext))
    {
        HeapFree(GetProcessHeap(), 0, pContext);
        return HSE_STATUS_ERROR;
    }
    return HSE_STATUS_PENDING;
}
