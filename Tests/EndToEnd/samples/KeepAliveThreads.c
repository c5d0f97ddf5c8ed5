/*
 * Keeps the connection and answers from threads of its own: a queue of requests behind a critical
 * section, a semaphore that counts them, and an event that ends the threads.
 */
#include <windows.h>
#include <httpext.h>
#include <process.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 4

typedef struct _WORK_ITEM {
    LIST_ENTRY ListEntry;
    EXTENSION_CONTROL_BLOCK *pECB;
} WORK_ITEM;

static CRITICAL_SECTION g_csQueue;
static LIST_ENTRY g_Queue;
static HANDLE g_hItems;
static HANDLE g_hStop;
static HANDLE g_rghThreads[THREADS];

static void AppendItem(WORK_ITEM *pItem)
{
    EnterCriticalSection(&g_csQueue);
    pItem->ListEntry.Flink = &g_Queue;
    pItem->ListEntry.Blink = g_Queue.Blink;
    g_Queue.Blink->Flink = &pItem->ListEntry;
    g_Queue.Blink = &pItem->ListEntry;
    LeaveCriticalSection(&g_csQueue);
    ReleaseSemaphore(g_hItems, 1, NULL);
}

static WORK_ITEM *RemoveItem(void)
{
    LIST_ENTRY *pEntry;

    EnterCriticalSection(&g_csQueue);
    pEntry = g_Queue.Flink;
    pEntry->Blink->Flink = pEntry->Flink;
    pEntry->Flink->Blink = pEntry->Blink;
    LeaveCriticalSection(&g_csQueue);
    return CONTAINING_RECORD(pEntry, WORK_ITEM, ListEntry);
}

static void Answer(EXTENSION_CONTROL_BLOCK *pECB)
{
    HSE_SEND_HEADER_EX_INFO Info;
    CHAR szHeader[128];
    CHAR szBody[128];
    DWORD cbBody;
    DWORD dwState = HSE_STATUS_SUCCESS_AND_KEEP_CONN;

    sprintf(szBody, "answered by a thread of the extension\r\n");
    cbBody = (DWORD)strlen(szBody);
    sprintf(szHeader, "Content-Type: text/plain\r\nContent-Length: %u\r\n\r\n", (unsigned)cbBody);
    Info.pszStatus = "200 OK";
    Info.cchStatus = 6;
    Info.pszHeader = szHeader;
    Info.cchHeader = (DWORD)strlen(szHeader);
    Info.fKeepConn = TRUE;
    pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_SEND_RESPONSE_HEADER_EX, &Info, NULL, NULL);
    pECB->WriteClient(pECB->ConnID, szBody, &cbBody, HSE_IO_SYNC);
    pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_DONE_WITH_SESSION, &dwState, NULL, NULL);
}

static unsigned __stdcall ThreadProc(void *pContext)
{
    HANDLE rghWait[2];

    UNREFERENCED_PARAMETER(pContext);
    rghWait[0] = g_hItems;
    rghWait[1] = g_hStop;
    while (WaitForMultipleObjects(2, rghWait, FALSE, INFINITE) == WAIT_OBJECT_0)
    {
        WORK_ITEM *pItem = RemoveItem();
        Answer(pItem->pECB);
        LocalFree(pItem);
    }
    _endthreadex(0);
}

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *pVer)
{
    int i;

    pVer->dwExtensionVersion = HSE_VERSION;
    strcpy_s(pVer->lpszExtensionDesc, sizeof(pVer->lpszExtensionDesc), "Keep-alive sample with threads");
    InitializeCriticalSection(&g_csQueue);
    g_Queue.Flink = g_Queue.Blink = &g_Queue;
    g_hItems = CreateSemaphore(NULL, 0, MAXLONG, NULL);
    g_hStop = CreateEvent(NULL, TRUE, FALSE, NULL);
    for (i = 0; i < THREADS; i++)
    {
        g_rghThreads[i] = (HANDLE)_beginthreadex(NULL, 0, ThreadProc, NULL, 0, NULL);
        if (g_rghThreads[i] == NULL)
        {
            return FALSE;
        }
    }
    return g_hItems != NULL && g_hStop != NULL;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *pECB)
{
    WORK_ITEM *pItem = (WORK_ITEM *)LocalAlloc(LPTR, sizeof(WORK_ITEM));

    if (pItem == NULL)
    {
        return HSE_STATUS_ERROR;
    }
    pItem->pECB = pECB;
    AppendItem(pItem);
    return HSE_STATUS_PENDING;
}

BOOL WINAPI TerminateExtension(DWORD dwFlags)
{
    int i;

    UNREFERENCED_PARAMETER(dwFlags);
    SetEvent(g_hStop);
    WaitForMultipleObjects(THREADS, g_rghThreads, TRUE, INFINITE);
    for (i = 0; i < THREADS; i++)
    {
        CloseHandle(g_rghThreads[i]);
    }
    CloseHandle(g_hItems);
    CloseHandle(g_hStop);
    DeleteCriticalSection(&g_csQueue);
    return TRUE;
}
