/* A pool of threads of the extension's own: a list of requests, an event that says there are some, one that ends it. */
#include <WINDOWS.H>
#include <STDIO.H>
#include <PROCESS.H>
#include <HTTPEXT.H>

#define POOL_THREADS 4
#define MAX_QUEUE 64

typedef struct _WORK_ITEM
{
    LIST_ENTRY ListEntry;
    EXTENSION_CONTROL_BLOCK *pECB;
    DWORD dwQueuedAt;
} WORK_ITEM, *PWORK_ITEM;

#define InitializeListHead(head) ((head)->Flink = (head)->Blink = (head))
#define IsListEmpty(head) ((head)->Flink == (head))

static CRITICAL_SECTION g_csQueue;
static LIST_ENTRY g_leQueue;
static HANDLE g_hWork = NULL;
static HANDLE g_hShutdown = NULL;
static HANDLE g_hSlots = NULL;
static HANDLE g_rghThreads[POOL_THREADS];
static LONG g_lServed = 0;
static LONG g_lRunning = 0;
static LONG g_fStarted = FALSE;

static void Answer(PWORK_ITEM pItem, LONG lServed)
{
    EXTENSION_CONTROL_BLOCK *pECB = pItem->pECB;
    static CHAR szHeader[] = "Content-Type: text/plain\r\n\r\n";
    CHAR szBody[128];
    DWORD cbBody;
    DWORD dwState = HSE_STATUS_SUCCESS_AND_KEEP_CONN;

    wsprintf(szBody, "request %ld after %lu ms\r\n", lServed, GetTickCount() - pItem->dwQueuedAt);
    cbBody = lstrlen(szBody);
    pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_SEND_RESPONSE_HEADER, (LPVOID) "200 OK", NULL,
                                (LPDWORD)szHeader);
    pECB->WriteClient(pECB->ConnID, szBody, &cbBody, 0);
    pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_DONE_WITH_SESSION, &dwState, NULL, NULL);
}

static unsigned __stdcall PoolThread(void *pvContext)
{
    HANDLE rgh[2];

    UNREFERENCED_PARAMETER(pvContext);
    rgh[0] = g_hShutdown;
    rgh[1] = g_hWork;
    InterlockedIncrement(&g_lRunning);
    for (;;)
    {
        PWORK_ITEM pItem = NULL;
        DWORD dwWait = WaitForMultipleObjects(2, rgh, FALSE, INFINITE);

        if (dwWait != WAIT_OBJECT_0 + 1)
        {
            break;
        }
        EnterCriticalSection(&g_csQueue);
        if (!IsListEmpty(&g_leQueue))
        {
            PLIST_ENTRY ple = g_leQueue.Flink;
            ple->Blink->Flink = ple->Flink;
            ple->Flink->Blink = ple->Blink;
            pItem = CONTAINING_RECORD(ple, WORK_ITEM, ListEntry);
        }
        if (IsListEmpty(&g_leQueue))
        {
            ResetEvent(g_hWork);
        }
        LeaveCriticalSection(&g_csQueue);
        if (pItem != NULL)
        {
            Answer(pItem, InterlockedIncrement(&g_lServed));
            GlobalFree((HGLOBAL)pItem);
            ReleaseSemaphore(g_hSlots, 1, NULL);
        }
    }
    InterlockedDecrement(&g_lRunning);
    _endthreadex(0);
    return 0;
}

static BOOL StartPool(void)
{
    int i;

    InitializeCriticalSection(&g_csQueue);
    InitializeListHead(&g_leQueue);
    g_hWork = CreateEvent(NULL, TRUE, FALSE, NULL);
    g_hShutdown = CreateEvent(NULL, TRUE, FALSE, NULL);
    g_hSlots = CreateSemaphore(NULL, MAX_QUEUE, MAX_QUEUE, NULL);
    if (!g_hWork || !g_hShutdown || !g_hSlots)
    {
        return FALSE;
    }
    for (i = 0; i < POOL_THREADS; i++)
    {
        unsigned uThread;
        g_rghThreads[i] = (HANDLE)_beginthreadex(NULL, 0, PoolThread, NULL, 0, &uThread);
        if (g_rghThreads[i] == NULL)
        {
            return FALSE;
        }
    }
    return TRUE;
}

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *pVer)
{
    pVer->dwExtensionVersion = MAKELONG(HSE_VERSION_MINOR, HSE_VERSION_MAJOR);
    strcpy(pVer->lpszExtensionDesc, "Thread pool sample");
    if (InterlockedExchange(&g_fStarted, TRUE) == FALSE)
    {
        return StartPool();
    }
    return TRUE;
}

DWORD WINAPI HttpExtensionProc(LPEXTENSION_CONTROL_BLOCK lpECB)
{
    PWORK_ITEM pItem;

    if (WaitForSingleObject(g_hSlots, 5000) != WAIT_OBJECT_0)
    {
        lpECB->dwHttpStatusCode = 503;
        SetLastError(ERROR_BUSY);
        return HSE_STATUS_ERROR;
    }
    pItem = (PWORK_ITEM)GlobalAlloc(GPTR, sizeof(WORK_ITEM));
    if (pItem == NULL)
    {
        ReleaseSemaphore(g_hSlots, 1, NULL);
        return HSE_STATUS_ERROR;
    }
    pItem->pECB = lpECB;
    pItem->dwQueuedAt = GetTickCount();
    EnterCriticalSection(&g_csQueue);
    pItem->ListEntry.Flink = &g_leQueue;
    pItem->ListEntry.Blink = g_leQueue.Blink;
    g_leQueue.Blink->Flink = &pItem->ListEntry;
    g_leQueue.Blink = &pItem->ListEntry;
    SetEvent(g_hWork);
    LeaveCriticalSection(&g_csQueue);
    return HSE_STATUS_PENDING;
}

BOOL WINAPI TerminateExtension(DWORD dwFlags)
{
    int i;
    DWORD dwResult;

    if (dwFlags == HSE_TERM_ADVISORY_UNLOAD)
    {
        return FALSE;
    }
    SetEvent(g_hShutdown);
    dwResult = WaitForMultipleObjects(POOL_THREADS, g_rghThreads, TRUE, 10000);
    if (dwResult == WAIT_TIMEOUT)
    {
        OutputDebugString("threads do not end\n");
    }
    for (i = 0; i < POOL_THREADS; i++)
    {
        CloseHandle(g_rghThreads[i]);
    }
    CloseHandle(g_hSlots);
    CloseHandle(g_hWork);
    CloseHandle(g_hShutdown);
    DeleteCriticalSection(&g_csQueue);
    return TRUE;
}
