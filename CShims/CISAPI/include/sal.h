/* Annotations of parameters, for Microsoft's analyser: without effect here. */
#ifndef ISAPI_SAL_H
#define ISAPI_SAL_H

#define _In_
#define _In_opt_
#define _In_z_
#define _In_opt_z_
#define _In_reads_(count)
#define _In_reads_opt_(count)
#define _In_reads_bytes_(count)
#define _In_reads_bytes_opt_(count)
#define _In_range_(low, high)
#define _Out_
#define _Out_opt_
#define _Out_writes_(count)
#define _Out_writes_opt_(count)
#define _Out_writes_z_(count)
#define _Out_writes_bytes_(count)
#define _Out_writes_bytes_opt_(count)
#define _Out_writes_to_(count, length)
#define _Outptr_
#define _Outptr_opt_
#define _Outptr_result_maybenull_
#define _Inout_
#define _Inout_opt_
#define _Inout_z_
#define _Inout_updates_(count)
#define _Inout_updates_bytes_(count)
#define _Reserved_
#define _Ret_maybenull_
#define _Ret_notnull_
#define _Ret_z_
#define _Must_inspect_result_
#define _Check_return_
#define _Success_(condition)
#define _When_(condition, annotation)
#define _Printf_format_string_
#define _Use_decl_annotations_
#define _Null_terminated_
#define _Function_class_(name)
#define _Pre_
#define _Post_
#define _Pre_notnull_
#define _Post_invalid_

/* Variables of the C++ library have these names: the headers that use them are included before. */
#if defined __cplusplus && __cplusplus >= 201103L && __has_include(<algorithm>)
extern "C++" {
#include <algorithm>
#include <istream>
#include <locale>
#include <memory>
#include <ostream>
#include <regex>
#include <string>
#include <thread>
#include <tuple>
#if __cplusplus >= 202002L
#include <ranges>
#endif
}
#define __in
#define __out
#elif !defined __cplusplus
#define __in
#define __out
#endif
#define __inout
#define __in_opt
#define __out_opt
#define __inout_opt
#define __in_z
#define __in_ecount(count)
#define __in_ecount_opt(count)
#define __in_bcount(count)
#define __in_bcount_opt(count)
#define __out_ecount(count)
#define __out_ecount_opt(count)
#define __out_ecount_z(count)
#define __out_bcount(count)
#define __out_bcount_opt(count)
#define __inout_ecount(count)
#define __inout_bcount(count)
#define __deref_out
#define __deref_out_opt
#define __deref_in
#define __deref_inout
#define __checkReturn
#define __nullterminated
#define __success(condition)
#define __callback
#define __format_string

#endif
