/* Files and folders of Microsoft's C library. */
#include "isapicrt.h"
